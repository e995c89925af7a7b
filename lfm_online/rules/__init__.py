"""The learning rules: one interface (``rule``), a module a rule and one for its lookups."""
