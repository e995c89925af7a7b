"""Deliberate breakages of the code, each of which must turn its tests red (`make mutants`)."""
