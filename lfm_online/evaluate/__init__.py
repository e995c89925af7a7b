"""How well a rule predicts."""
