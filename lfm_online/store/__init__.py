"""Where rows, watermarks and heads are kept: one interface, and its implementations."""
