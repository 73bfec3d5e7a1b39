"""Two maps side by side, for two doses or two days, and what differs between them unit by unit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from math import floor
from typing import Any

from babel.numbers import format_percent
from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.ledger import State
from mapper.domain.ranges import ShareRange
from mapper.domain.roles import READERS
from mapper.language import written_day
from mapper.maps.comparison_map import comparison_maps
from mapper.maps.coverage_map import MapView
from mapper.services import comparison, tiles
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask
from mapper.web.base_map import base_tiles
from mapper.web.behind import Behind
from mapper.web.filter_layer import FILTER, handed_on, overlay
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, script_messages
from mapper.web.map_state import level_above, outline_queries
from mapper.web.pages import VIETNAM_BOUNDS, map_words

APART = timedelta(days=14)
"""How far before the day asked for the left map stands, where the address names no day for it."""

LISTED = 200
"""Units on one page of the table, which has as many pages as it takes."""

compare = Blueprint("compare", __name__, template_folder="templates")

_guard_readers = only_for(*READERS)


@compare.before_request
def _only_for_readers() -> AnyResponse | None:
    return _guard_readers()


@compare.get("/map/compare")
def page() -> str:
    """Two maps that move together. ``dose_left``, ``date_left``: of the left one; ``dose``, ``date``: of the right."""
    here, args = installation(), request.args
    right = ask()
    if right is None:
        return render_template("compare.html", right=None)
    many, shown = tiles.wants_tiles(here.reference, reader()), right.boundary_set
    leaf = shown["levels"][-1]
    if many and right.state["level"] == HAMLET and "level" not in args:
        # Ten thousands of hamlets are a table for those alone who ask for it.
        right.state["level"] = leaf
    left, on_the_map = _left(right), handed_on(right.notices)
    laid = {FILTER: on_the_map.get(FILTER, "")}
    order = args.get("sort") if args.get("sort") in comparison.ORDERS else comparison.ORDERS[0]
    down = args.get("down") == "1"
    found = comparison.compare(
        here.reference, reader(), left.question(), right.question(), right.area, str(order), down=down
    )
    pages = max(1, -(-len(found.rows) // LISTED))
    at = min(max(1, args.get("page", 1, int)), pages)
    # Of very many hamlets the maps draw each from tiles, over communes as they are.
    drawn = {"level": leaf} if many and right.state["level"] == HAMLET else {}
    ground = base_tiles()
    outlines = outline_queries({**right.state, **drawn}, shown)
    view = MapView(
        bounds=tuple(shown["bounds"]) if shown["bounds"] else VIETNAM_BOUNDS,
        shapes_url=url_for("api.shapes"),
        heat_url=url_for("api.heat"),
        words=map_words(),
        areas=outlines["areas"],
        hamlets=outlines["hamlets"],
        overlays=[overlay()] if laid[FILTER] else (),
        tile_url=ground.url,
        tile_attribution=ground.attribution,
        tile_options=ground.options,
    )
    data = {
        "language": chosen_language(),
        "messages": script_messages(),
        "left": {**left.state, **drawn, **laid},
        "right": {**right.state, **drawn, **laid},
        "above": level_above({**right.state, **drawn}, shown),
        "tiles": many,
        # Of a whole country the communes too come from tiles, as on the map: no file holds them in detail.
        "wide": right.state["set"] in tiles.wide_sets(here.reference, reader()),
    }
    own = {"dose_left": left.state["dose"], "date_left": left.state["date"], **on_the_map}
    return render_template(
        "compare.html",
        left=left,
        right=right,
        names=[_name(left), _name(right)],
        found=found,
        rows=found.rows[(at - 1) * LISTED : at * LISTED],
        page_number=at,
        pages=pages,
        order=order,
        down=down,
        query=right.query(**own),
        maps=comparison_maps(view),
        page=data,
        levels=[*shown["levels"], HAMLET],
        of_the_map=on_the_map,
        share=share,
        state=State,
        leads_left=_leads(left, right.state["level"]),
        leads_right=_leads(right, right.state["level"]),
        doses=_group(right)["doses"],
    )


def share(value: float | ShareRange) -> str:
    """A share as per cent, or from where to where; rounded down, so that none looks like a target it does not reach."""
    if isinstance(value, ShareRange):
        return f"{share(value.least)} – {share(value.most)}"
    shown = min(value, floor(value * 1000 + 1e-9) / 1000)
    return str(format_percent(shown, "#,##0.#\u202f%" if chosen_language() == "vi" else "#,##0.#%", chosen_language()))


def _leads(asked: Asked, level: str) -> Callable[[UnitFigures, str], str | None]:
    """Where a figure of one of the maps leads; that of all units together is called total."""
    behind = Behind(asked)

    def leads(unit: UnitFigures, state: str) -> str | None:
        return behind.total(state=state) if unit.key == "total" else behind.unit(level, unit, state=state)

    return leads


def _left(right: Asked) -> Asked:
    """The left map's question: the right one's, with its own dose and day."""
    args, state = request.args, right.state
    first = right.campaign["start"]
    earlier = max((right.day - min(APART, right.day - date.min)).isoformat(), first)
    wish = {"dose": args.get("dose_left") or state["dose"], "date": args.get("date_left") or earlier}
    left = ask({**state, **wish})
    assert left is not None
    return left


def _group(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in asked.campaign["groups"] if each["code"] == asked.state["group"])
    return found


def _name(asked: Asked) -> tuple[str, str]:
    """Dose and day of a map, as its heading says them."""
    dose = next(each["label"] for each in _group(asked)["doses"] if each["code"] == asked.state["dose"])
    return dose, written_day(asked.day, chosen_language())
