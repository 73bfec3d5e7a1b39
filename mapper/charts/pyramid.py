"""The age pyramid: who is vaccinated and who is due, by age and sex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapper.charts.picture import BLUE, GREY, INK, LINE, ORANGE, SOFT, Caption, Form, Words, draw, nice_top

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Side:
    """The people of one sex by band, the youngest first; of each band those vaccinated, due, and neither."""

    name: str
    vaccinated: Sequence[int]
    due: Sequence[int]
    others: Sequence[int]

    @property
    def longest(self) -> int:
        """People of the fullest band."""
        return max(map(sum, zip(self.vaccinated, self.due, self.others, strict=True)), default=0)


@dataclass(frozen=True, slots=True)
class PyramidWords:
    """What the parts of a bar are called, and the axis of ages."""

    vaccinated: str
    due: str
    others: str
    age: str


def age_pyramid(
    bands: Sequence[str], left: Side, right: Side, caption: Caption, words: PyramidWords, form: Form
) -> bytes:
    """Two sides of bars, the youngest below. bands: names of the bands, as many as each side has."""

    def paint(axes: Axes, told: Words) -> None:
        top, step = nice_top(max(1, left.longest, right.longest), 2 if form.narrow else 4)
        y = list(range(len(bands)))
        for side, sign in ((left, -1), (right, 1)):
            start = [0] * len(bands)
            for numbers, colour, hatch, name, part in (
                (side.vaccinated, BLUE, "", words.vaccinated, "vaccinated"),
                (side.due, ORANGE, "////", words.due, "due"),
                (side.others, GREY, "..", words.others, "others"),
            ):
                drawn = axes.barh(
                    y, [sign * number for number in numbers], left=[sign * at for at in start], height=0.84,
                    color=colour, hatch=hatch, edgecolor=INK, linewidth=0.4, label=name if sign > 0 else None,
                )  # fmt: skip
                drawn.patches[0].set_gid(f"{part}-{'left' if sign < 0 else 'right'}")
                start = [a + b for a, b in zip(start, numbers, strict=True)]
            axes.text(
                sign * top * 0.98, len(bands) - 0.45, side.name,
                size=10, weight=600, ha="left" if sign < 0 else "right", va="bottom",
            )  # fmt: skip
        axes.set_xlim(-top, top)
        axes.set_ylim(-0.6, len(bands) - 0.4)
        marks = [step * number for number in range(-round(top / step), round(top / step) + 1)]
        axes.set_xticks(marks, [told.number(abs(value)) for value in marks])
        thin = 2 if len(bands) > 12 else 1
        axes.set_yticks(y[::thin], bands[::thin])
        axes.grid(axis="x", color=LINE, linewidth=0.7)
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        axes.text(0, 1.012, words.age, transform=axes.transAxes, size=9, color=SOFT, ha="right", va="bottom")
        axes.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1.045), ncols=3, frameon=False, fontsize=9, borderaxespad=0.1,
            handlelength=1.6, columnspacing=1.2,
        )  # fmt: skip

    return draw(caption, form, paint, 20)
