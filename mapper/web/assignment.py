"""The page of who walks where: the work of a commune's canvassers, and a map to draw an area on."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mapper.domain.roles import OVERSEERS
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, NotFound, mark
from mapper.maps.coverage_map import MapParts
from mapper.maps.drawing_map import HOLDER_COLOURS, DrawingView, House, drawing_map
from mapper.services import assignment, intake, phone_lists, questions
from mapper.services.assignment import Overview
from mapper.web.accounts import only_for, reader
from mapper.web.base_map import base_tiles
from mapper.web.drawing_words import tool_words
from mapper.web.follow_up import choose_set, chosen_commune, working_day
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

NOBODY = "#8c97a0"

assignment_pages = Blueprint("assignment", __name__)
_only_for_overseers = only_for(*OVERSEERS)


@assignment_pages.before_request
def _guard() -> Response | None:
    return _only_for_overseers()


@assignment_pages.get("/assignment")
def page() -> str:
    """Canvassers with their hamlets, houses and people due, hamlets with who has them, and the map."""
    here, by = installation(), reader()
    campaigns = questions.campaigns(here.reference, chosen_language())
    campaign = request.args.get("campaign") or (campaigns[0]["id"] if campaigns else "")
    day = working_day(by, campaign) if campaigns else intake.today()
    sets, set_id = choose_set(request.args, day)
    communes = assignment.communes(here.reference, by, set_id)
    named = {name: told for name, told in request.args.items() if told or name != "commune"}
    code = chosen_commune(named, set_id, [(each.code, each.name) for each in communes])
    commune = next((each for each in communes if each.code == code), None)
    told: dict[str, Any] = {
        "communes": communes,
        "commune": commune,
        "campaigns": campaigns,
        "campaign": campaign,
        "sets": sets,
        "set_id": set_id,
    }
    if commune is None or not campaigns:
        return render_template("assignment.html", **told)
    found = assignment.overview(here.reference, by, campaign, day, commune, set_id)
    colours = {each.id: HOLDER_COLOURS[at % len(HOLDER_COLOURS)] for at, each in enumerate(found.canvassers)}
    return render_template(
        "assignment.html",
        **told,
        work=found,
        day=day,
        today=intake.today(),
        colours=colours,
        troubles=phone_lists.troubles(here.reference, {each.id for each in found.canvassers}),
        nobody=NOBODY,
        told=get_flashed_messages(),
        map=_map(found, colours),
    )


def _map(found: Overview, colours: dict[int, str]) -> MapParts | None:
    if found.bounds is None:
        return None
    names = {each.id: each.name for each in found.canvassers}
    houses = [
        House(
            dot.lat,
            dot.lon,
            colours.get(dot.holder_id or 0, NOBODY),
            ", ".join(filter(None, (dot.number, names.get(dot.holder_id or 0, say("nobody"))))),
        )
        for dot in found.dots
    ]
    ground = base_tiles()
    return drawing_map(
        DrawingView(
            found.bounds,
            found.outlines,
            found.drawn_outlines,
            houses,
            tool_words(),
            tile_url=ground.url,
            tile_attribution=ground.attribution,
            tile_options=ground.options,
        )
    )


@assignment_pages.post("/assignment/move")
def move() -> Response:
    """Give a hamlet or a drawn area to a canvasser, take it from one, or both."""
    typed = request.form
    from_id, to_id = _number(typed.get("from", "")), _number(typed.get("to", ""))
    if from_id is None and to_id is None:
        raise InvalidInput(mark("Choose who is to have the place."))
    if from_id != to_id:
        assignment.move(installation().reference, reader(), typed.get("place", ""), from_id, to_id)
        flash(mark("Moved. The phones follow when they next ask for their forms."))
    return _back()


@assignment_pages.post("/assignment/draw")
def draw() -> Response:
    """Keep a drawn area and give it to a canvasser."""
    typed, to_id = request.form, _number(request.form.get("to", ""))
    if to_id is None:
        raise InvalidInput(mark("Choose who is to have the place."))
    assignment.draw(installation().reference, reader(), typed.get("label", ""), typed.get("outline", ""), to_id)
    flash(mark("The area is saved and given. The phone follows when it next asks for its forms."))
    return _back()


@assignment_pages.post("/assignment/remove")
def remove() -> Response:
    """Delete a drawn area that nobody has."""
    assignment.remove_drawn(installation().reference, reader(), request.form.get("place", ""))
    flash(mark("The drawn area is deleted."))
    return _back()


def _back() -> Response:
    chosen = {name: request.form[name] for name in ("set", "commune", "campaign") if request.form.get(name)}
    return redirect(url_for("assignment.page", **chosen))  # type: ignore[arg-type]


def _number(written: str) -> int | None:
    """The number of a user; None for an empty choice. Raises NotFound for anything else."""
    if not written:
        return None
    number = whole(written)
    if number is None:
        raise NotFound(mark("No user {number} works in your area. Look in the list."), number=written[:20])
    return number
