"""``make evaluate``: docs/evaluation.md, every table and chart from a command of the project."""
