"""The lookups over HTTP: one file a group of calls, ``app.py`` puts them together."""
