"""Numbers that a twin has seen."""

from __future__ import annotations


class Series:
    """Numbers of which count, sum and sum of squares are kept, so that long streams stay affordable."""

    def __init__(self) -> None:
        self.n, self.sum, self.squares = 0, 0.0, 0.0

    def __len__(self) -> int:
        return self.n

    def append(self, value: float) -> None:
        self.n += 1
        self.sum += value
        self.squares += value * value

    def mean(self) -> float:
        return self.sum / self.n

    def deviations(self) -> float:
        """The sum of squared deviations from the mean."""
        return self.squares - self.sum**2 / self.n if self.n else 0.0
