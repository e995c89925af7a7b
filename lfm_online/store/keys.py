"""The names of a model's keys; all share one hash tag, so that a cluster keeps a model whole."""

from __future__ import annotations


class Keys:
    """The keys of one model."""

    def __init__(self, model: str) -> None:
        """Names for the model of that name.

        Raises:
            ValueError: a name that would break the hash tag.
        """
        if not model or not model.isprintable() or set(model) & set("{} "):
            raise ValueError(
                f"model {model!r}: a name has no braces, spaces or control characters (LFM_MODEL)"
            )
        self.model = model
        base = f"lfm:{{{model}}}:"
        self.meta = base + "meta"
        self.head = base + "head"
        self.watermarks = base + "watermarks"
        self.globals = base + "globals"
        self.ring = base + "ring"
        self.items = base + "items"
        self.priors = base + "priors"
        self.feed = base + "feed"
        self.run = base + "run"
        self.turn = base + "turn"
        self.user_prefix = base + "u:"
        self.item_prefix = base + "i:"
        self.history_prefix = base + "h:"
        self.dead_prefix = base + "dead:"

    def user(self, user: str) -> str:
        """A user's row."""
        return self.user_prefix + user

    def item(self, item: str) -> str:
        """An item's row."""
        return self.item_prefix + item

    def history(self, user: str) -> str:
        """A user's history, full chunks."""
        return self.history_prefix + user

    def dead(self, partition: int) -> str:
        """The outbox of a partition's dead letters: a hash, offset -> letter."""
        return f"{self.dead_prefix}{partition}"
