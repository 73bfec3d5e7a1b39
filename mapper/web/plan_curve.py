"""The curve of a plan against what came in, as points of a small picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from mapper.services.plan_progress import OneDay

WIDTH, HEIGHT, LEFT, TOP, FOOT = 640, 220, 48, 12, 26
LABELS = 8
"""Days named below the curve at most."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points as SVG has them. lines: heights with the number of people there; ticks: days by where they stand."""

    planned: str
    came: str
    lines: tuple[tuple[float, int], ...]
    ticks: tuple[tuple[float, date], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def curve_of(days: Sequence[OneDay], today: date) -> Curve:
    """The curve of people all told, from none on the day before; what came in ends today."""
    planned = [0, *accumulate(one.planned for one in days)]
    came = [0, *accumulate(one.vaccinated for one in days if one.day <= today)]
    most = max(1, *planned, *came)
    step = (WIDTH - LEFT - 20) / max(1, len(days))

    def points(numbers: Sequence[int]) -> str:
        return " ".join(
            f"{LEFT + place * step:.1f},{_height(number, most):.1f}" for place, number in enumerate(numbers)
        )

    every = max(1, -(-len(days) // LABELS))
    ticks = tuple((round(LEFT + (place + 1) * step, 1), one.day) for place, one in enumerate(days) if not place % every)
    lines = tuple((round(_height(number, most), 1), number) for number in sorted({0, most // 2, most}))
    return Curve(points(planned), points(came), lines, ticks)


def _height(number: int, most: int) -> float:
    return TOP + (HEIGHT - TOP - FOOT) * (1 - number / most)
