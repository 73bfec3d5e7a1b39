"""Pictures of what moves from day to day: a curve of coverage, bars of doses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from mapper.charts.picture import BLUE, INK, LINE, ORANGE, RED, Caption, Form, Words, day_axis, draw, label, nice_top

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AHEAD = 0.6
"""A deadline still to come is shown where it adds at most this part to the days shown; else words tell it."""

BARS = 100
"""So many days have bars of their own; of more, the bars join into one outline."""


@dataclass(frozen=True, slots=True)
class CurveWords:
    """What is written beside the lines of a curve.

    pace: how the line from now to the target is called. changes: days on which the ground of figures was divided anew.
    between: how the band is called where coverage is no single figure.
    """

    target: str = ""
    deadline: str = ""
    pace: str = ""
    changes: tuple[tuple[date, str], ...] = ()
    between: str = ""


def coverage_curve(
    days: Sequence[date],
    shares: Sequence[float | None],
    target: float | None,
    deadline: date | None,
    caption: Caption,
    words: CurveWords,
    form: Form,
    ranges: Sequence[tuple[float, float] | None] = (),
) -> bytes:
    """Coverage by day, with the target and the deadline.

    days: in order, at least one. shares: 0..1 of each day, None where there are no data; the line then breaks.
    ranges: from where to where each may lie, None where it is one figure; empty where all are.
    """
    between = list(ranges) or [None] * len(days)

    def paint(axes: Axes, told: Words) -> None:
        x = [day.toordinal() for day in days]
        first, last = days[0], days[-1]
        shown = last
        if deadline is not None and last < deadline <= last + (last - first) * AHEAD + timedelta(days=7):
            shown = deadline
        room = max(0.6, (shown - first).days * 0.03)
        axes.set_xlim(x[0] - 0.5, shown.toordinal() + (room if shown == last else room * 0.35))
        axes.set_ylim(0, 1.04)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], [told.percent(share) for share in (0, 0.25, 0.5, 0.75, 1)])
        axes.grid(axis="y", color=LINE, linewidth=0.7)
        axes.tick_params(length=3)
        day_axis(axes, told, first, shown, 4 if form.narrow else 8)
        y = [math.nan if share is None else share for share in shares]
        if any(between):
            # No line within the band: none of its shares is more certain than another.
            low, high = zip(*(one or (share, share) for one, share in zip(between, y, strict=True)), strict=True)
            axes.fill_between(x, low, high, color=BLUE, alpha=0.3, linewidth=1.2, label=words.between, gid="between")
            y = [math.nan if one else share for one, share in zip(between, y, strict=True)]
        axes.fill_between(x, y, 0, color=BLUE, alpha=0.12, linewidth=0)
        axes.plot(x, y, color=BLUE, linewidth=2.4, solid_capstyle="round", gid="coverage")
        now, last_ends = shares[-1], between[-1]
        if last_ends is not None:
            now = sum(last_ends) / 2
        if target is not None:
            axes.axhline(target, color=RED, linewidth=1.3, linestyle=(0, (6, 3)), gid="target")
            above = target > 0.9
            label(
                axes, x[0], target + (-0.022 if above else 0.022), words.target,
                color=RED, size=9, weight=600, va="top" if above else "bottom", ha="left",
            )  # fmt: skip
        if deadline is not None and first <= deadline <= shown:
            axes.axvline(deadline.toordinal(), color=INK, linewidth=1.2, linestyle=(0, (1.5, 2)), gid="deadline")
            label(
                axes, deadline.toordinal(), 0.03, words.deadline,
                color=INK, size=9, rotation=90, va="bottom", ha="right", rotation_mode="default",
            )  # fmt: skip
        ends = [one or (share,) * 2 for one, share in zip(between, shares, strict=True)]
        told_shares = [(day, end) for day, two in zip(x, ends, strict=True) for end in two if end is not None]
        below = 1.0 if target is None else target - 0.04
        _mark_changes(axes, words.changes, first, shown, told_shares, ((0.03, "bottom"), (below, "top")))
        if any(between):
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, fontsize=9, handlelength=2.4)
        if now is None:
            return
        certain = last_ends is None
        if certain and target is not None and deadline is not None and now < target and shown == deadline > last:
            way = [x[-1], deadline.toordinal()], [now, target]
            axes.plot(*way, color=ORANGE, linewidth=1.8, linestyle=(0, (3, 2)), label=words.pace, gid="pace")
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, fontsize=9, handlelength=2.4)
        if last_ends is None:
            axes.plot([x[-1]], [now], marker="o", markersize=7, color=BLUE, markeredgecolor="white", gid="now")
        else:
            axes.plot([x[-1]] * 2, last_ends, color=BLUE, linewidth=3, gid="now")
        # A curve that rises leaves the place above it free, and below it where the target's line is near.
        crowded = target is not None and -0.03 < target - now < 0.13
        axes.annotate(
            told.percent(now, 1) if last_ends is None else told.span(*last_ends),
            (x[-1], now if last_ends is None else last_ends[0 if crowded else 1]),
            xytext=(2, -9 if crowded else 8),
            textcoords="offset points",
            color=BLUE,
            size=12,
            weight=600,
            va="top" if crowded else "bottom",
            ha="right",
            gid="now-label",
        )

    return draw(caption, form, paint, 18)


def doses_a_day(
    days: Sequence[date],
    numbers: Sequence[int],
    means: Sequence[float | None],
    caption: Caption,
    bars: str,
    mean: str,
    form: Form,
    changes: Sequence[tuple[date, str]] = (),
) -> bytes:
    """People newly vaccinated on each day, as bars, with their mean of seven days as a line.

    numbers may be negative. means: None where there is none yet. bars, mean: the words of both.
    changes: days on which the ground of figures was divided anew, with words.
    """

    def paint(axes: Axes, told: Words) -> None:
        x = [day.toordinal() for day in days]
        axes.set_xlim(x[0] - 0.8, x[-1] + 0.8)
        top, step = nice_top(max(1, *numbers, *(mean for mean in means if mean is not None)))
        low = -(-max(0, -min(numbers)) // step) * step
        axes.set_ylim(-low, top * 1.02)
        marks = [-low + step * number for number in range(round((top + low) / step) + 1)]
        axes.set_yticks(marks, [told.number(value) for value in marks])
        axes.grid(axis="y", color=LINE, linewidth=0.7)
        axes.tick_params(length=3)
        day_axis(axes, told, days[0], days[-1], 4 if form.narrow else 8)
        if len(days) <= BARS:
            drawn = axes.bar(x, numbers, width=0.82, color="#8fb3d3", edgecolor=BLUE, linewidth=0.4, label=bars)
            drawn.patches[0].set_gid("bars")
        else:
            edges = [x[0] - 0.5, *(day + 0.5 for day in x)]
            axes.stairs(numbers, edges, fill=True, color="#8fb3d3", linewidth=0, label=bars, gid="bars")
        y = [math.nan if value is None else value for value in means]
        axes.plot(x, y, color=INK, linewidth=1.8, label=mean, gid="mean")
        axes.axhline(0, color=INK, linewidth=0.8)
        drawn_values = [
            *zip(x, numbers, strict=True),
            *((day, mean) for day, mean in zip(x, means, strict=True) if mean),
        ]
        heights = ((top, "top"), (top * 0.5, "top"), (-low + step * 0.1, "bottom"))
        _mark_changes(axes, changes, days[0], days[-1], drawn_values, heights)
        handles, names = axes.get_legend_handles_labels()
        order = sorted(range(len(names)), key=lambda place: names[place] != bars)
        axes.legend(
            [handles[place] for place in order],
            [names[place] for place in order],
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=1 if form.narrow else 2,
            frameon=False,
            fontsize=9,
            borderaxespad=0.1,
            handlelength=1.6,
        )

    return draw(caption, form, paint, 30 if form.narrow else 18)


def _mark_changes(
    axes: Axes,
    changes: Sequence[tuple[date, str]],
    first: date,
    last: date,
    values: Sequence[tuple[int, float]],
    heights: Sequence[tuple[float, str]],
) -> None:
    """A line on each day that the ground was divided anew, with words beside it that touch nothing drawn.

    values: what is drawn, (day, height). heights: where the words may stand, and by which of their ends, the best
    first; of places that all touch something the first counts.
    """
    for day, told_of in changes:
        if not first < day <= last:
            continue
        # Nothing of the figures changes on that day, so that the line is the thinnest of all.
        axes.axvline(day.toordinal(), color=INK, linewidth=0.8, alpha=0.55, gid="change")
        tried = [(height, end, side) for height, end in heights for side in ("right", "left")]
        free = (one for one in tried if _is_free(axes, day, told_of, *one, values))
        height, end, side = next(free, tried[0])
        label(axes, day.toordinal(), height, told_of, va=end, ha=side, gid="change-label", **_BESIDE)


_BESIDE: dict[str, Any] = {"color": INK, "size": 8, "rotation": 90, "rotation_mode": "default"}


def _is_free(
    axes: Axes, day: date, words: str, height: float, end: str, side: str, values: Sequence[tuple[int, float]]
) -> bool:
    """Whether words there lie within the axes and touch none of the values, nor the line from one to the next."""
    tried = axes.text(day.toordinal(), height, words, va=end, ha=side, **_BESIDE)
    box = tried.get_window_extent().padded(4).transformed(axes.transData.inverted())
    tried.remove()
    (west, east), (low, high) = axes.get_xlim(), axes.get_ylim()
    if box.x0 < west or box.x1 > east or box.y0 < low - (high - low) * 0.02 or box.y1 > high * 1.02:
        return False
    near = [value for at, value in values if box.x0 - 1 <= at <= box.x1 + 1]
    return not near or max(near) < box.y0 or min(near) > box.y1
