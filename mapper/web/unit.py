"""The page of a unit: its figures, what lies within it, and what it was and became in the other boundary sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.ledger import State
from mapper.domain.level_words import ONE
from mapper.domain.roles import READERS
from mapper.errors import NotFound, mark
from mapper.services import areas, reporting
from mapper.services.areas import Area
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET, default_set, period_words, set_name
from mapper.services.unit_history import Relative, UnitHistory, history
from mapper.store.reference import BoundarySet, UnitRow
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask
from mapper.web.behind import Behind
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.map_state import in_force
from mapper.web.trends import coverage_chart

units = Blueprint("units", __name__)
_only_for_readers = only_for(*READERS)


@units.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers() if request.endpoint != "units.of_program" else None


@units.get("/unit/<set_id>/<level>/<path:code>")
def page(set_id: str, level: str, code: str) -> AnyResponse:
    """A unit on a day. Raises NotFound for one that is not there, or of which the reader sees nothing."""
    found = _history(set_id, level, code)
    asked = ask({**request.args, "set": set_id, "area": f"{level}:{code}", "level": level})
    told = {"asked": asked, "found": found, "words": _Words(found)}
    if asked is not None:
        told |= _figures(asked, found)
    response = Response(render_template("unit.html", **told))
    response.headers["Cache-Control"] = "private, no-store"
    return response


@units.get("/api/units/<set_id>/<level>/<path:code>")
def of_program(set_id: str, level: str, code: str) -> Response:
    """A unit with its history, as JSON.

    ``around`` and ``within`` are units of its own set. ``history`` has a step for each other set that shares its
    ground, ``later`` or not, by its ``units``: ``whole`` whether the older of two went wholly into the newer, ``share``
    how much of its ground did (null: nobody told), ``measured`` whether by outlines alone, which see no parts.
    ``same_code``: what the code means in other sets, where that is not this very place.
    """
    reader()
    found = _history(set_id, level, code)
    return jsonify(
        set=_set(found.places),
        **_unit(found.unit),
        area_km2=round(found.unit.area_km2, 3),
        bounds=found.unit.bounds,
        around=[_unit(one) for one in found.around],
        within=[_unit(one) for one in found.within],
        history=[
            {
                "set": _set(step.places),
                "later": step.later,
                "measured": step.measured,
                "units": [
                    {
                        **_unit(one.unit),
                        "around": one.around,
                        "whole": one.whole,
                        "share": None if one.share is None else round(one.share, 6),
                        "sources": one.sources,
                    }
                    for one in step.relatives
                ],
            }
            for step in found.steps
        ],
        same_code=[
            {"set": _set(one.places), **_unit(one.unit), "around": one.around, "elsewhere": one.elsewhere}
            for one in found.same_code
        ],
    )


def _set(about: BoundarySet) -> dict[str, Any]:
    return {
        "id": about.id,
        "label": about.label,
        "valid_from": about.valid_from.isoformat() if about.valid_from else None,
        "valid_to": about.valid_to.isoformat() if about.valid_to else None,
    }


def _unit(unit: UnitRow) -> dict[str, str]:
    return {"level": unit.level, "code": unit.code, "name": unit.name}


def _history(set_id: str, level: str, code: str) -> UnitHistory:
    """The history of a unit that the reader sees any part of. Raises NotFound."""
    reference = installation().reference
    if level == HAMLET:
        raise NotFound(mark("Hamlets have no page of their own: look for them on the page of their commune."))
    with reference.database.read() as connection:
        known = reference.known(connection)
        found = history(known, default_set(known, set_id), level, code)
    areas.choices(reference, reader(), set_id, Area(level, code))
    return found


def _figures(asked: Asked, found: UnitHistory) -> dict[str, Any]:
    """What stands on the page where a campaign is published."""
    reference, user, area = installation().reference, reader(), asked.area
    unit, behind = found.unit, Behind(asked)
    below = found.within[0].level if found.within else HAMLET
    every = reporting.coverage_of_every(reference, user, asked.question(unit.level), area, (), units=False)
    own = reporting.coverage(reference, user, asked.question(unit.level), area)
    within = reporting.coverage(reference, user, asked.question(below), area)
    series = zip(own.campaign.series, every.totals, strict=True)
    return {
        "answer": own,
        "partial": any(one.partial for one in own.units),
        "series": [
            (
                group.label[chosen_language()],
                own.campaign.doses[dose.code][chosen_language()],
                row,
                group.code,
                dose.code,
            )
            for (group, dose), row in series
        ],
        "of_series": lambda group, dose, state: behind.total(group=group, dose=dose, state=state),
        "within": within.units,
        "below": below,
        "of_unit": lambda one, state: behind.unit(below, one, state=state),
        "chart": coverage_chart(asked),
        "vaccinated": State.VACCINATED,
        "in_force": in_force(asked.boundary_set, asked.state["date"]),
    }


class _Words:
    """What the page says of a unit and of those that it shares ground with."""

    def __init__(self, found: UnitHistory) -> None:
        self._found = found
        self._language = chosen_language()

    def level(self, level: str) -> str:
        """What a level is called."""
        return say(ONE[level])

    def set_name(self, about: BoundarySet) -> str:
        """A boundary set with its period."""
        return set_name(about, self._language)

    def period(self, about: BoundarySet) -> str:
        """When a set is in force; its label where nobody said."""
        return period_words(about.valid_from, about.valid_to, self._language) or about.label

    def share(self, one: Relative) -> str:
        """How much of the older unit a newer one took over; "" for all of it."""
        if one.whole:
            return ""
        if one.share is None:
            return say("a part, nobody told how much")
        return say("{share} of it", share=_percent(one.share, self._language))

    def coverage(self, row: UnitFigures) -> str:
        """Coverage of a row."""
        share = row.assessment.coverage
        return say("no data") if share is None else _percent(share, self._language)

    def address(self, about: BoundarySet, unit: UnitRow) -> str:
        """The page of a unit of any set; the day stays."""
        kept: dict[str, Any] = {name: request.args.get(name) for name in ("campaign", "group", "dose", "date", "lang")}
        return url_for("units.page", set_id=about.id, level=unit.level, code=unit.code, **kept)

    def groups(self, relatives: Sequence[Relative]) -> list[tuple[tuple[str, ...], list[Relative]]]:
        """Units by what they lie in, which is said once."""
        found: dict[tuple[str, ...], list[Relative]] = {}
        for one in relatives:
            found.setdefault(one.around, []).append(one)
        return list(found.items())


def _percent(share: float, language: str) -> str:
    text = f"{share * 100:.1f}"
    return f"{text.replace('.', ',')}\u202f%" if language == "vi" else f"{text}%"
