"""Transitive inference: what the model says of Carol and The Matrix, which she has not seen.

Alice and Dave love The Matrix, and Alice dislikes romances. Carol has rated three romances, all low, and
nothing else. An audience of 160, half of it for science fiction and half for romances, has taught the model
that the two don't go together. Nobody told it what a romance is.

    python docs/examples/transitive_inference.py [DRAWING.svg]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import batch_of
from lfm_online.insight.labels import Box, place_labels
from lfm_online.model import Model
from lfm_online.rules.registry import make_rule

SCIENCE_FICTION = ("The Matrix", "Alien", "Blade Runner", "The Terminator")
ROMANCES = ("Titanic", "Notting Hill", "Pretty Woman", "Ghost")
LOW, HIGH = 1.0, 5.0
HOUR_MS = 3_600_000


class Rating(NamedTuple):
    """What someone thought of a film."""

    user: str
    film: str
    stars: float


FRIENDS = [
    Rating("Alice", "The Matrix", 5),
    Rating("Alice", "Titanic", 1),
    Rating("Alice", "Notting Hill", 2),
    Rating("Dave", "The Matrix", 5),
    Rating("Dave", "Alien", 4),
    Rating("Dave", "Ghost", 2),
    Rating("Carol", "Titanic", 1),
    Rating("Carol", "Notting Hill", 2),
    Rating("Carol", "Pretty Woman", 1),
]


def audience(people: int = 160, films_each: int = 6, seed: int = 0) -> list[Rating]:
    """Ratings of people who like one kind of film (4 or 5) and not the other (1 or 2), in mixed order."""
    random = np.random.default_rng(seed)
    ratings = []
    for person in range(people):
        liked = SCIENCE_FICTION if person % 2 else ROMANCES
        for film in random.permutation(SCIENCE_FICTION + ROMANCES)[:films_each].tolist():
            stars = float(random.choice([4, 5] if film in liked else [1, 2]))
            ratings.append(Rating(f"viewer {person}", film, stars))
    return [ratings[place] for place in random.permutation(len(ratings)).tolist()]


def learned(ratings: list[Rating], seed: int = 1) -> Model:
    """A model of two factors that has learned the ratings once, one an hour."""
    model = Model(make_rule("adaptive", LOW, HIGH, seed), factors=2)
    users = model.users.numbers([rating.user for rating in ratings])
    films = model.items.numbers([rating.film for rating in ratings])
    model.users.start(np.unique(users))
    model.items.start(np.unique(films))
    times_ms = np.arange(len(ratings)) * HOUR_MS
    model.learn(batch_of(users, films, [rating.stars for rating in ratings], times_ms))
    return model


def predicted(model: Model, user: str, film: str) -> dict[str, float]:
    """The parts of a prediction; their sum, within the range, is the rating."""
    u, i = int(model.users.numbers([user])[0]), int(model.items.numbers([film])[0])
    rule, now = model.rule, int(model.shared["newest_ms"])
    parts = np.empty(len(rule.part_names))
    rule.parts(model.users.rows, u, model.items.rows, i, model.globals, rule.hyper, now, parts)
    return dict(zip(rule.part_names, parts.tolist(), strict=True))


def rating_of(model: Model, user: str, film: str) -> float:
    """The predicted rating."""
    return model.rule.rating_of(sum(predicted(model, user, film).values()))


def bias_only(model: Model, user: str, film: str) -> float:
    """What mean and biases alone would say; see docs/model.md."""
    user_row = model.users.rows.header[model.users.numbers([user])[0]]
    film_row = model.items.rows.header[model.items.numbers([film])[0]]
    biases = sum(float(row["bias_sum"]) / (int(row["ratings"]) + 5) for row in (user_row, film_row))
    return float(np.clip(float(model.shared["mean"]) + biases, LOW, HIGH))


def drawn(model: Model) -> str:
    """The vectors as SVG: q of films in blue and red, p of people in black.

    Turned to the films' principal axes, since factors are only defined up to a rotation; both axes, and both
    kinds, are stretched to the drawing.
    """
    people = ("Alice", "Dave", "Carol")
    films = (*SCIENCE_FICTION, *ROMANCES)
    q = model.items.rows.factors[model.items.numbers(films)].astype(np.float64)
    p = model.users.rows.factors[model.users.numbers(people)].astype(np.float64)
    axes = np.linalg.svd(q, full_matrices=False)[2].T
    axes *= np.sign((q @ axes)[-1])  # romances lie to the right
    tips = np.concatenate([_stretched(q @ axes, 220.0, 170.0), _stretched(p @ axes, 130.0, 60.0)])
    svg = Element(
        "svg", xmlns="http://www.w3.org/2000/svg", viewBox="-350 -230 700 460", width="700", height="460"
    )
    svg.set("font-family", "Helvetica, Arial, sans-serif")
    svg.set("font-size", "13")
    SubElement(svg, "title").text = "Films and people as vectors of two factors"
    SubElement(svg, "rect", x="-350", y="-230", width="700", height="460", fill="white")
    points = [(float(x), float(-y)) for x, y in tips]
    names = [*films, *people]
    for name, (x, y) in zip(names, points, strict=True):
        line = SubElement(svg, "line", x1="0", y1="0", x2=f"{x:.0f}", y2=f"{y:.0f}", stroke=_colour(name))
        line.set("stroke-width", "3" if name in people else "1")
    for label in place_labels(points, names, 13.0, 3.0, Box(-350, -230, 350, 230)):
        text = SubElement(svg, "text", x=f"{label.box.left:.0f}", y=f"{label.box.bottom - 3:.0f}")
        text.text = names[label.number]
        text.set("fill", _colour(text.text))
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


def _stretched(vectors: NDArray[np.float64], width: float, height: float) -> NDArray[np.float64]:
    return np.asarray(vectors / np.abs(vectors).max(0) * np.array([width, height]), np.float64)


def _colour(name: str) -> str:
    return "#1f5fa8" if name in SCIENCE_FICTION else "#b03a2e" if name in ROMANCES else "#000000"


def main() -> None:
    """Print what the model says, and draw the vectors if a file is named."""
    model = learned([*audience(), *FRIENDS])
    for film in ("The Matrix", "Ghost"):
        parts = ", ".join(f"{name} {value:+.2f}" for name, value in predicted(model, "Carol", film).items())
        print(f"Carol would rate {film} {rating_of(model, 'Carol', film):.1f}: {parts}")
        print(f"  mean and biases alone would say {bias_only(model, 'Carol', film):.1f}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(drawn(model), encoding="utf-8")


if __name__ == "__main__":
    main()
