"""Where labels of points go so that none covers another: the first free place around each point, in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

CHARACTER: Final = 0.58
"""Width of an average character of a sans-serif font, in font sizes; rather too wide than too narrow."""
_WIDE_FROM: Final = 0x1100
"""From here on (Hangul, kana, Han, emoji) a character is as wide as the font is high."""


class Box(NamedTuple):
    """A rectangle, in the drawing's units; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        """Whether it lies inside."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


class Label(NamedTuple):
    """A label that found a place."""

    number: int  # of its point
    box: Box


def text_width(text: str, size: float) -> float:
    """About how wide a text is."""
    return size * sum(1.0 if ord(character) >= _WIDE_FROM else CHARACTER for character in text)


def place_labels(
    points: Sequence[tuple[float, float]], texts: Sequence[str], size: float, radius: float, room: Box
) -> list[Label]:
    """Give each text a place right, left, above, below or diagonally of its point, or none at all.

    Args:
        points: Where the points are, the most important first: they choose first.
        texts: What to write beside each.
        size: Of the font.
        radius: Of a point; labels keep off the points of other labels.
        room: Where labels may lie.

    Returns:
        The labels that found room, none meeting another.
    """
    placed: list[Label] = []
    for number, ((x, y), text) in enumerate(zip(points, texts, strict=True)):
        box = next(
            (
                box
                for box in _around(x, y, text_width(text, size), size, radius)
                if box.within(room)
                and not any(box.meets(label.box) for label in placed)
                and not any(box.meets(_dot(*points[label.number], radius)) for label in placed)
                and not any(_dot(x, y, radius).meets(label.box) for label in placed)
            ),
            None,
        )
        if box is not None:
            placed.append(Label(number, box))
    return placed


def _dot(x: float, y: float, radius: float) -> Box:
    return Box(x - radius, y - radius, x + radius, y + radius)


def _around(x: float, y: float, width: float, height: float, gap: float) -> list[Box]:
    sides = [(1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)]
    boxes = []
    for dx, dy in sides:
        left = x + dx * gap * 1.5 - (width if dx < 0 else width / 2 if dx == 0 else 0)
        top = y + dy * gap * 1.5 - (height if dy < 0 else height / 2 if dy == 0 else 0)
        boxes.append(Box(left, top, left + width, top + height))
    return boxes
