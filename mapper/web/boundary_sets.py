"""Pages of boundary sets and of what became of their units, where it is told too; the same for programs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.people import Finding
from mapper.domain.roles import READERS
from mapper.domain.succession import Change
from mapper.domain.whole import whole
from mapper.errors import (
    Conflict,
    Forbidden,
    InvalidBoundaries,
    InvalidInput,
    MapperError,
    NotFound,
    TooLarge,
    Unavailable,
    mark,
)
from mapper.formats.level_table import RowFault
from mapper.formats.register_file import MEDIA_TYPES, write_list
from mapper.services import set_periods
from mapper.services import succession_view as view
from mapper.services import successions as service
from mapper.services.accounts import User
from mapper.services.background import Stage, Standing
from mapper.services.succession_report import CHANGES, SAYS, STATES, TOLD_BY
from mapper.services.succession_view import Place, Shown
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.targets import LEVELS
from mapper.web.uploads import LONG_TABLE_MB, content

FAULTS = 20
"""Faulty rows told at once; the others after these are mended."""

AT_ONCE = 100
"""Units shown on a page, and findings of one import."""

LONGEST_SEARCH = 80

AT_WORK = (Stage.WAITING, Stage.RUNNING)

SOON_S, LOOK_S = 2.0, 0.02
"""What is worked out so soon is answered at once; it is looked at so often meanwhile."""

DOUBT_HEAD = ("old_code", "old_name", "old_within", "new_code", "new_name", "new_within")

boundary_sets = Blueprint("boundary_sets", __name__)
_only_for_readers = only_for(*READERS)


@boundary_sets.before_request
def _guard() -> AnyResponse | None:
    return None if request.path.startswith("/api/") else _only_for_readers()


@boundary_sets.get("/boundary-sets")
def page() -> str:
    """Every set with its days, units and findings; what is told between sets; forms to tell it."""
    return _page()


def _page(problem: MapperError | None = None, faults: Sequence[RowFault] = ()) -> str:
    found = view.overview(installation().reference)
    return render_template(
        "boundary_sets.html",
        found=found,
        changes=CHANGES,
        levels=LEVELS,
        states=STATES,
        at_once=AT_ONCE,
        told_by=TOLD_BY,
        manager=service.may_manage(reader()),
        has_package=service.has_package(),
        said={line.about.id: sentences(line.findings) for line in found.sets},
        beside=list(dict.fromkeys(one for line in found.sets for one in sentences(line.beside))),
        problem=say(problem) if problem is not None else None,
        faults=[(fault.row, say(fault.message, **fault.facts)) for fault in faults[:FAULTS]],
        more_faults=max(0, len(faults) - FAULTS),
        typed=request.form,
        told=get_flashed_messages(),
    )


def sentences(findings: Sequence[Finding]) -> list[str]:
    return [say(finding.message, **dict(finding.facts)) for finding in findings]


@boundary_sets.post("/boundary-sets/succession")
def take() -> AnyResponse | tuple[str, int]:
    """Keep what a crosswalk, the outlines or the package tell of two sets."""
    here, typed, user = installation(), request.form, reader()
    sets = typed.get("old", ""), typed.get("new", "")
    if not service.may_manage(user):
        raise Forbidden(mark("What became of units is told by administrators whose area has no limits. Ask one."))
    key = _key(*sets)
    try:
        taking = _taking(user, sets)
        at_work = here.successions.look(key)
        if at_work is not None and at_work.stage in AT_WORK:
            raise Conflict(mark("What became of these units is being worked out already. Wait until that is done."))
        standing = here.successions.ask(key, object(), lambda share: service.attempt(taking, share), again=True)
        if standing.stage is Stage.BUSY:
            raise Conflict(mark("Much is being worked out on the server already. Try again in some minutes."))
    except MapperError as problem:
        return _page(problem), _status(problem)
    until = time.monotonic() + SOON_S
    while standing.stage in AT_WORK and time.monotonic() < until:
        time.sleep(LOOK_S)
        standing = here.successions.look(key) or standing
    if standing.stage in AT_WORK:
        return redirect(url_for("boundary_sets.work", old=sets[0], new=sets[1]), 303)
    problem_found, taken = _told(standing)
    if problem_found is not None:
        return _page(problem_found), _status(problem_found)
    assert taken is not None
    if taken.faults:
        return _page(None, taken.faults), 400
    flash(say("{number} pairs are kept.", number=taken.pairs))
    return redirect(url_for("boundary_sets.succession", old=sets[0], new=sets[1]), 303)


def _status(problem: MapperError) -> int:
    kinds: tuple[tuple[type[MapperError], int], ...] = ((TooLarge, 413), (Conflict, 409), (Unavailable, 503))
    return next((status for kind, status in kinds if isinstance(problem, kind)), 400)


def _taking(user: User, sets: tuple[str, str]) -> Callable[[service.Share], service.Taken]:
    """What a form asks to be kept. Raises InvalidInput, TooLarge."""
    typed, reference = request.form, installation().reference
    source, by = typed.get("source", "").strip(), typed.get("by", "")
    if by == "outlines":
        least = _percent(typed.get("least", ""))
        return lambda share: service.measure(reference, user, *sets, source, least, share)
    if by == "package":
        return lambda share: service.take_package(reference, user, *sets, share)
    file = request.files.get("file")
    if file is None or not file.filename:
        raise InvalidInput(mark("Choose a file: CSV or XLSX."))
    name, data, only_known = file.filename, content(file, LONG_TABLE_MB), typed.get("only_known") == "yes"
    return lambda share: service.take_crosswalk(reference, user, name, data, *sets, source, only_known, share)


def _key(old: str, new: str) -> tuple[str, str, str]:
    return "succession", old, new


def _told(standing: Standing[service.Outcome]) -> tuple[MapperError | None, service.Taken | None]:
    """How work that ended ended."""
    outcome = standing.made
    if standing.stage is not Stage.DONE or outcome is None:
        return Unavailable(mark("Working it out failed on the server. Nothing was changed. Try again.")), None
    return outcome.problem, outcome.taken


@boundary_sets.get("/boundary-sets/<old>/to/<new>/work")
def work(old: str, new: str) -> AnyResponse | str:
    """The page that waits until what became of units is worked out, and then says how that ended."""
    standing = installation().successions.look(_key(old, new)) if service.may_manage(reader()) else None
    if standing is None:
        return redirect(url_for("boundary_sets.page"), 303)
    at_work = standing.stage in AT_WORK
    problem, taken = (None, None) if at_work else _told(standing)
    faults = taken.faults if taken else ()
    return render_template(
        "succession_work.html",
        standing=standing,
        at_work=at_work,
        old=old,
        new=new,
        problem=say(problem) if problem is not None else None,
        taken=taken,
        faults=[(fault.row, say(fault.message, **fault.facts)) for fault in faults[:FAULTS]],
        more_faults=max(0, len(faults) - FAULTS),
    )


@boundary_sets.get("/boundary-sets/<old>/to/<new>/progress")
def progress(old: str, new: str) -> Response:
    """How far that is, for the page's script."""
    standing = installation().successions.look(_key(old, new)) if service.may_manage(reader()) else None
    if standing is None:
        return jsonify(stage=Stage.DONE, share=1)
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


@boundary_sets.post("/boundary-sets/<set_id>/days")
def days(set_id: str) -> AnyResponse | tuple[str, int]:
    """Change on which days a set is in force."""
    typed = request.form
    try:
        first, last = day_of(typed.get("first", "")), day_of(typed.get("last", ""))
        set_periods.change(installation().reference, reader(), set_id, first, last, typed.get("trial") == "yes")
    except (InvalidInput, InvalidBoundaries, Conflict) as problem:
        return _page(problem), 409 if isinstance(problem, Conflict) else 400
    flash(say("The days of {set} are kept.", set=set_id))
    return redirect(url_for("boundary_sets.page"), 303)


def day_of(typed: str) -> date | None:
    """A day that was typed, None for nothing. Raises InvalidInput."""
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise InvalidInput(mark("{value} is no day. Write it as 2025-07-01."), value=typed[:20]) from None


def _percent(typed: str) -> float:
    """A share that was typed in per cent; the usual one where nothing was. Raises InvalidInput."""
    plain = typed.replace("%", "").replace(",", ".").strip()
    if not plain:
        return service.LEAST
    if not re.fullmatch(r"\d{1,3}(\.\d{1,4})?", plain):
        raise InvalidInput(mark("{value} is no share. Write it as 25 % or 0.25."), value=typed[:20])
    return float(plain) / 100


@boundary_sets.post("/boundary-sets/<old>/to/<new>/remove")
def remove(old: str, new: str) -> AnyResponse:
    """Take out what is told between two sets."""
    service.remove(installation().reference, reader(), old, new)
    flash(say("What was told between {old} and {new} is taken out.", old=old, new=new))
    return redirect(url_for("boundary_sets.page"), 303)


@boundary_sets.get("/boundary-sets/<old>/to/<new>")
def succession(old: str, new: str) -> str:
    """What became of every unit, which codes mean other places, and where tellings disagree."""
    shown = view.look(installation().reference, old, new)
    change, find = _chosen_change(), request.args.get("find", "").strip()[:LONGEST_SEARCH]
    fates = view.chosen(shown.fates, change, find)
    pages = max(1, -(-len(fates) // AT_ONCE))
    page = max(1, min(whole(request.args.get("page", "1")) or 1, pages))
    return render_template(
        "succession.html",
        shown=shown,
        fates=fates[(page - 1) * AT_ONCE : page * AT_ONCE],
        number=len(fates),
        page=page,
        pages=pages,
        change=change,
        find=find,
        changes=CHANGES,
        told_by=TOLD_BY,
        says=SAYS,
        at_once=AT_ONCE,
        findings=sentences(shown.findings),
        told_words=", ".join(say(TOLD_BY[by]) for by in (shown.report.compared if shown.report else ())),
        told=get_flashed_messages(),
    )


def _chosen_change() -> Change | None:
    typed = request.args.get("change", "")
    if typed and typed not in list(Change):
        raise InvalidInput(
            mark("{value} is nothing that becomes of a unit. Choose one of: {known}."),
            value=typed[:40],
            known=", ".join(Change),
        )
    return Change(typed) if typed else None


@boundary_sets.get("/boundary-sets/<old>/to/<new>/<what>.<kind>")
def file(old: str, new: str, what: str, kind: str) -> Response:
    """The units, as they are chosen, or the pairs of which tellings disagree, for spreadsheets."""
    if what not in ("units", "disagreements") or kind not in MEDIA_TYPES:
        raise NotFound(mark("There is nothing at this address."))
    shown = view.look(installation().reference, old, new)
    if what == "units":
        fates = view.chosen(shown.fates, _chosen_change(), request.args.get("find", "")[:LONGEST_SEARCH])
        source = shown.about.source if shown.about else ""
        content = write_list(kind, view.PAIR_HEAD, view.pair_rows(fates, source), "units")
    else:
        compared = shown.report.compared if shown.report else ()
        rows = view.doubt_rows(shown.doubts, compared)
        content = write_list(kind, (*DOUBT_HEAD, *compared, "share_on_outlines"), rows, "disagreements")
    answer = Response(content, content_type=MEDIA_TYPES[kind])
    answer.headers.set("Content-Disposition", "attachment", filename=f"{what}-{old}-{new}.{kind}")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


# For programs


def _program() -> None:
    if reader().role not in READERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))


@boundary_sets.get("/api/boundary-sets")
def sets_of_program() -> Response:
    """Every set with its days, levels and units, and the steps between sets of which somebody told."""
    _program()
    found = view.overview(installation().reference)
    return jsonify(
        sets=[
            {
                "id": one.about.id,
                "label": one.about.label,
                "state": one.about.state.value,
                "trial": one.about.trial,
                "valid_from": one.about.valid_from and one.about.valid_from.isoformat(),
                "valid_to": one.about.valid_to and one.about.valid_to.isoformat(),
                "source": one.about.source,
                "levels": [{"level": level, "units": number} for level, number in one.units],
                "households": one.households,
                "findings": sentences(one.findings),
                "same_days_and_ground": sentences(one.beside),
            }
            for one in found.sets
        ],
        successions=[
            {
                "old": one.about.old_set,
                "new": one.about.new_set,
                "told_by": one.about.told_by,
                "source": one.about.source,
                "changes": dict(one.changes),
                "disagreements": one.doubts,
            }
            for one in found.steps
        ],
    )


@boundary_sets.get("/api/boundary-sets/<old>/succession/<new>")
def succession_of_program(old: str, new: str) -> Response:
    """What became of every unit of a set in a later one, over sets between where nobody told of the two themselves.

    ``change``: same, renamed, merged, divided or gone. Of an heir, ``whole`` says that it has all of the old unit, and
    ``share`` how much of its area, null where nobody told. ``code_now``: the other place that has the old code in the
    new set. ``disagreements``: what each telling says of a pair, true for the whole old unit, false for a part of it,
    null for nothing.
    """
    _program()
    shown = view.look(installation().reference, old, new)
    return jsonify(
        old=old,
        new=new,
        told_by=shown.about.told_by if shown.about else None,
        source=shown.about.source if shown.about else None,
        changes=dict(shown.changes),
        units=_units(shown),
        without_forebear=[_of_place(one) for one in shown.born],
        findings=sentences(shown.findings),
        compared=shown.report.compared if shown.report else [],
        disagreements=[
            {
                "old": _of_place(one.old),
                "new": _of_place(one.new),
                "says": dict(one.pair.says),
                "share_on_outlines": one.pair.share,
            }
            for one in shown.doubts
        ],
    )


def _units(shown: Shown) -> list[dict[str, Any]]:
    whole_source = shown.about.source if shown.about else ""
    return [
        {
            **_of_place(fate.old),
            "change": fate.change.value,
            "heirs": [
                {
                    **_of_place(place),
                    "whole": heir.whole,
                    "share": heir.share,
                    "source": heir.source or whole_source,
                }
                for heir, place in fate.heirs
            ],
            "code_now": _of_place(fate.code_now) if fate.code_now else None,
        }
        for fate in shown.fates
    ]


def _of_place(place: Place) -> dict[str, Any]:
    return {"code": place.code, "name": place.name, "within": place.around}
