"""One measured figure, and what it is measured against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A value beside a peer's in the same run."""

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float

    @property
    def ratio(self) -> float:
        """The value as a share of the peer's."""
        return self.value / self.peer_value

    def __str__(self) -> str:
        measured = f"{self.name}: {self.value:,.4g} {self.unit}"
        return f"{measured}; {self.peer}: {self.peer_value:,.4g}; ratio {self.ratio:.3f}"
