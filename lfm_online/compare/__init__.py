"""Real peers on the same events: what the rule is measured against."""
