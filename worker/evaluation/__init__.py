"""``lfm-online evaluate``, behind its flags: where ratings come from, what is measured, how it is shown."""
