"""The national register: extracts are uploaded, their columns said, and compared with the census person by person."""

from __future__ import annotations

from io import SEEK_END
from typing import Any

from flask import Blueprint, Response, flash, get_flashed_messages, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.campaign import Campaign
from mapper.domain.roles import READERS
from mapper.domain.whole import whole
from mapper.errors import Conflict, Forbidden, InvalidInput, MapperError, NotFound, TooLarge, mark
from mapper.formats.register_dates import ORDERS
from mapper.formats.register_extract import DOSE_PARTS, ROLES
from mapper.formats.register_file import MEDIA_TYPES
from mapper.services import audit, register_import, register_lists, register_pairs, register_places, reporting
from mapper.services import national_register as registers
from mapper.services import register_comparison as comparing
from mapper.services.background import Progress, Stage, Standing
from mapper.services.intake import today
from mapper.services.register_entries import KINDS, PEOPLE, URGENCY, Compared, Difference, Entry, Kind
from mapper.store.national_register import Extract
from mapper.web.accounts import only_for, reader
from mapper.web.asked import ask
from mapper.web.exchange_words import LEVELS as UNIT_LEVELS
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

FAULTS = 30
"""Faults told at once."""

AT_ONCE = 50
"""People shown on a page."""

EVIDENCE = {
    "name": mark("name"),
    "born": mark("birth"),
    "sex": mark("sex"),
    "phone": mark("phone"),
    "national_id": mark("identity number"),
    "commune": mark("commune"),
    "hamlet": mark("hamlet"),
}
LEVELS = {
    "same": mark("the same"),
    "without_accents": mark("the same without accents"),
    "other_accents": mark("other accents"),
    "other_order": mark("words in another order"),
    "joined": mark("words run together"),
    "mistyped": mark("mistyped"),
    "part": mark("agrees in part"),
    "different": mark("different"),
    "untold": mark("not told"),
    "swapped": mark("day and month exchanged"),
    "year": mark("the year"),
    "month": mark("month and year"),
    "year_only": mark("only the year agrees"),
    "year_beside": mark("a year apart"),
}

national_register = Blueprint("national_register", __name__)
_only_for_readers = only_for(*READERS)


@national_register.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@national_register.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@national_register.get("/national-register")
def page() -> str:
    """The extracts of a campaign, and the form for another one."""
    return _list()


def _list(problem: MapperError | None = None) -> str:
    asked = ask({**request.args, **request.form} if request.method == "POST" else None)
    if asked is None:
        return render_template("national_register.html", asked=None)
    return render_template(
        "national_register.html",
        asked=asked,
        extracts=registers.extracts(installation().reference, asked.state["campaign"]),
        may_import=registers.may_import(reader()),
        mine=_mine,
        problem=say(problem) if problem else None,
        told=get_flashed_messages(),
    )


def _mine(extract: Extract) -> bool:
    return registers.may_import(reader()) and (not reader().areas or extract.user_id == reader().id)


@national_register.post("/national-register")
def upload() -> AnyResponse | tuple[str, int]:
    """Take an extract; where its layout is new, its columns are asked about first."""
    file, typed = request.files.get("file"), request.form
    try:
        if file is None or not file.filename:
            raise InvalidInput(mark("Choose a file: CSV or XLSX."))
        registers.check_size(file.filename, file.stream.seek(0, SEEK_END))
        file.stream.seek(0)
        number = registers.upload(
            installation().reference,
            reader(),
            typed.get("campaign", ""),
            typed.get("set", ""),
            file.filename,
            file.read(),
            today(),
        )
    except (InvalidInput, TooLarge) as problem:
        return _list(problem), 413 if isinstance(problem, TooLarge) else 400
    people = _extract(number).people
    if people is None:
        return redirect(url_for("national_register.columns", number=number))
    flash(say("{number} people of the register are taken in.", number=people))
    return redirect(url_for("national_register.compared", number=number))


@national_register.get("/national-register/<int:number>/columns")
def columns(number: int) -> AnyResponse | str:
    """Which column of a file holds what."""
    return _columns(number)


def _columns(number: int, problem: MapperError | None = None, orders: dict[int, Any] | None = None) -> str:
    found = registers.waiting(installation().reference, reader(), number, orders, today())
    faults = found.reading.faults if found.reading else ()
    return render_template(
        "national_register_columns.html",
        found=found,
        roles={role: _role_words(found.extract, role) for role in found.roles},
        orders=ORDERS,
        said=orders or {},
        problem=say(problem) if problem else None,
        faults=[(one.row, one.column, say(one.message, **one.facts)) for one in faults[:FAULTS]],
        more_faults=max(0, len(faults) - FAULTS) + (found.reading.more_faults if found.reading else 0),
    )


def _role_words(extract: Extract, role: str) -> str:
    part, _, code = role.partition(":")
    if not code:
        return say(ROLES[role])
    label = _campaign(extract).doses[code][chosen_language()]
    return f"{label}: {say(DOSE_PARTS[part])}"


def _campaign(extract: Extract) -> Campaign:
    reference = installation().reference
    with reference.database.read() as connection:
        return reference.known(connection).campaign(extract.campaign_id)


@national_register.post("/national-register/<int:number>/columns")
def say_columns(number: int) -> AnyResponse | tuple[str, int]:
    """Take the file in with its columns as they are said."""
    form = request.form
    try:
        mapped, orders = registers.read_choices(form, min(whole(form.get("wide", "")) or 0, 1000))
        reading = registers.take(installation().reference, reader(), number, mapped, orders, today())
    except InvalidInput as problem:
        return _columns(number, problem), 400
    if reading.faults or reading.asked:
        return _columns(number, None, orders), 400
    flash(say("{number} people of the register are taken in.", number=len(reading.rows)))
    return redirect(url_for("national_register.compared", number=number))


@national_register.post("/national-register/<int:number>/commune")
def place(number: int) -> AnyResponse:
    """Take what is said of a commune of which it was not known which it is."""
    typed = request.form
    unit = typed.get("unit", "") or typed.get("other", "")
    try:
        people = register_places.place(
            installation().reference, reader(), number, typed.get("code", ""), typed.get("name", ""), unit
        )
    except (InvalidInput, Conflict) as problem:
        flash(say(problem), "trouble")
    else:
        flash(say("{number} people have their commune now.", number=people))
    return redirect(url_for("national_register.compared", number=number), 303)


@national_register.post("/national-register/<int:number>/delete")
def delete(number: int) -> AnyResponse:
    """Delete an extract with its people."""
    extract = _extract(number)
    registers.delete(installation().reference, reader(), number)
    flash(mark("The file and its people are deleted."))
    return redirect(url_for("national_register.page", campaign=extract.campaign_id))


def _extract(number: int) -> Extract:
    return register_lists.extract(installation().reference, number)


def _standing(extract: Extract, again: bool = False) -> Standing[Compared]:
    here = installation()

    def work(told: Progress) -> Compared:
        return comparing.work(here.reference, extract.id, told)

    decided = register_pairs.version(here.reference, extract.campaign_id)
    version = (reporting.version(here.reference), decided, register_lists.placed(here.reference, extract))
    return here.registers.ask(extract.id, version, work, again=again)


@national_register.get("/national-register/<int:number>/progress")
def progress(number: int) -> Response:
    """How far the comparison is, for the page's script."""
    standing = _standing(_extract(number))
    return jsonify(stage=standing.stage, share=round(standing.share, 3))


@national_register.post("/national-register/<int:number>/stop")
def stop(number: int) -> AnyResponse:
    """Stop a comparison that waits or runs."""
    if not registers.may_import(reader()):
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    extract = _extract(number)
    installation().registers.stop(extract.id)
    return redirect(url_for("national_register.compared", number=extract.id))


@national_register.get("/national-register/<int:number>")
def compared(number: int) -> AnyResponse | str:
    """Every person of either side, and why the totals differ."""
    extract = _extract(number)
    if extract.people is None:
        return redirect(url_for("national_register.columns", number=number))
    standing, campaign = _standing(extract, again=bool(request.args.get("again"))), _campaign(extract)
    view = _view(campaign)
    shared = {
        "extract": extract,
        "standing": standing,
        "campaign": campaign,
        "language": chosen_language(),
        "may_decide": registers.may_import(reader()),
        "mine": _mine(extract),
        "kinds": KINDS,
        "in_order": {kind: KINDS[kind] for kind in URGENCY},
        "view": view,
        "measures": {PEOPLE: say(mark("people")), **_doses(campaign)},
        "told": get_flashed_messages(category_filter=["message"]),
        "troubles": get_flashed_messages(category_filter=["trouble"]),
        "unplaced": register_places.unplaced(installation().reference, reader(), extract),
    }
    if standing.stage is not Stage.DONE or standing.made is None:
        return render_template("national_register_compared.html", found=None, **shared)
    here, user = installation().reference, reader()
    found = register_lists.overview(here, user, extract, standing.made, view)
    first = (view.page - 1) * AT_ONCE
    shown = found.entries[first : first + AT_ONCE]
    facts = {"campaign": extract.campaign_id, "state": view.kind, "area": view.unit, "number": len(shown)}
    audit.record_seen(here, user.id, user.name, "register.listed", str(number), facts)
    return render_template(
        "national_register_compared.html",
        found=found,
        shown=shown,
        pages=max(1, -(-len(found.entries) // AT_ONCE)),
        evidence=_evidence,
        difference=lambda one: _difference(campaign, found.names, one),
        files=sorted(MEDIA_TYPES),
        level_words=UNIT_LEVELS,
        **shared,
    )


def _doses(campaign: Campaign) -> dict[str, str]:
    return {code: label[chosen_language()] for code, label in campaign.doses.items()}


def _view(campaign: Campaign) -> register_lists.View:
    args = request.values
    kind, measure, page = args.get("kind", ""), args.get("measure", PEOPLE), args.get("page", "1")
    return register_lists.View(
        kind if kind in set(Kind) else "",
        measure if measure in campaign.doses else PEOPLE,
        args.get("unit", "")[:40],
        whole(page, 99_999) or 1,
        args.get("level", "")[:20],
    )


def _evidence(entry: Entry) -> list[tuple[str, str, float]]:
    return [(say(EVIDENCE[one.field]), say(LEVELS[one.level]), one.weight) for one in entry.evidence]


def _difference(campaign: Campaign, names: dict[str, str], one: Difference) -> tuple[str, str, str]:
    part, _, code = one.field.partition(":")
    words = {"given": mark("day"), "vaccine": mark("vaccine"), "dose": mark("given")}
    field = f"{campaign.doses[code][chosen_language()]}: {say(words[part])}" if code else say(EVIDENCE[part])
    theirs, ours = (
        register_lists.told(campaign, names, part, each, chosen_language()) for each in (one.theirs, one.ours)
    )
    return field, theirs, ours


@national_register.post("/national-register/<int:number>/decide")
def decide(number: int) -> AnyResponse:
    """Say whether a pair is one person."""
    extract, typed = _extract(number), request.form
    standing = _standing(extract)
    if standing.made is None:
        raise NotFound(mark("The comparison is not ready yet. Load the page again."))
    row = typed.get("row", "")
    same = {"yes": True, "no": False}.get(typed.get("same", ""))
    register_pairs.decide(
        installation().reference,
        reader(),
        standing.made,
        extract.set_id,
        whole(row) or 0,
        typed.get("ours", ""),
        same,
    )
    kept = {name: typed[name] for name in ("kind", "measure", "unit", "level") if typed.get(name)}
    return redirect(url_for("national_register.compared", number=number, **kept))  # type: ignore[arg-type]


@national_register.get("/national-register/<int:number>/<any(list, platform):what>.<any(csv, xlsx):kind>")
def file(number: int, what: str, kind: str) -> Response:
    """The people of a view as a file; ``platform``: those of the census in the platform's import layout."""
    extract = _extract(number)
    standing = _standing(extract)
    if standing.made is None:
        raise NotFound(mark("The comparison is not ready yet. Load the page again."))
    here, user, campaign = installation().reference, reader(), _campaign(extract)
    found = register_lists.overview(here, user, extract, standing.made, _view(campaign))
    write = register_lists.write_comparison if what == "list" else register_import.write_import
    content = write(here, user, extract, campaign, found, kind, chosen_language())
    response = Response(content, content_type=MEDIA_TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="register-{number}-{what}.{kind}"'
    return response
