"""Files for other health systems: figures for DHIS2 and ADX, people for FHIR; and what of theirs is read back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.exchange import FIGURES, PeriodKind, ReportPeriod, period_around, read_period
from mapper.domain.people_filter import read_filter
from mapper.domain.roles import READERS, Role
from mapper.errors import (
    Forbidden,
    InvalidInput,
    InvalidQuestion,
    MapperError,
    NotFound,
    TooLarge,
    Unavailable,
    mark,
)
from mapper.formats import dhis2, fhir
from mapper.formats.cells import harmless
from mapper.formats.fhir_transaction import write_transactions
from mapper.formats.org_units import read_org_units
from mapper.services import audit, dhis2_delivery, exchange
from mapper.services import fhir as handing
from mapper.services.dhis2_delivery import Dhis2Server
from mapper.services.filtered import FilterQuestion
from mapper.services.intake import today
from mapper.services.people_copy import NotReady
from mapper.services.questions import HAMLET
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask, ask_for_file
from mapper.web.exchange_words import FACT_WORDS, FIGURE_WORDS, LEVELS, PERIODS
from mapper.web.file_set import in_name
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.uploads import LONG_TABLE_MB, content
from mapper.web.wanted import BESIDES, refuse_unknown

LISTED = 200
"""Rows of a table on the page; the files have all."""

exchange_pages = Blueprint("exchange", __name__)
_only_for_readers = only_for(*READERS)


@exchange_pages.before_request
def _guard() -> AnyResponse | None:
    if request.path == "/exchange":
        return _only_for_readers()
    reader()
    return None


@exchange_pages.after_request
def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


@exchange_pages.errorhandler(NotReady)
def _come_again(problem: NotReady) -> Response:
    answer = jsonify(error={"status": 503, "message": say(problem)})
    answer.status_code, answer.headers["Retry-After"] = 503, "5"
    return answer


@exchange_pages.get("/exchange")
def page() -> str:
    """What would be sent, as a table, with the files, and what is missing for it."""
    return _page()


def _page(problem: MapperError | None = None, **told: object) -> str:
    asked = ask(request.values)
    if asked is None:
        return render_template("exchange.html", asked=None)
    user, sending = reader(), None
    try:
        sending = exchange.sending(installation().reference, user, _wanted(asked))
    except InvalidInput as wrong:
        problem = problem or wrong
    period, level = _period(asked), _level(asked)
    # Of the period asked for, whatever day was chosen on the page before.
    query = asked.query(level=level, period=_period_asked(asked))
    at = asked.state["group"], asked.state["dose"]
    mapped = [] if sending is None else [each for each in FIGURES if sending.mapping.element(each, *at)]
    return render_template(
        "exchange.html",
        asked=asked,
        sending=sending,
        rows=_rows(sending, mapped, *at) if sending else [],
        figures=mapped,
        figure_words=FIGURE_WORDS,
        period=period,
        periods=PERIODS,
        level=level,
        levels=(*asked.boundary_set["levels"], HAMLET),
        level_words=LEVELS,
        query=query,
        listed=LISTED,
        why=exchange.WHY,
        may_map=_may_map(),
        server=_server().named,
        on_a_page=dhis2_delivery.ON_A_PAGE,
        carried=_carried(),
        taken_words=exchange.TAKEN,
        fact_words=FACT_WORDS,
        problem=say(problem) if problem else "",
        **{"taken": None, "compared": None, "people_compared": None, "delivered": None} | told,
    )


def _rows(
    sending: exchange.Sending, figures: list[str], group: str, dose: str
) -> list[tuple[exchange.SentUnit, list[int | None]]]:
    """What is sent of the group and dose chosen: a number a figure."""
    keys = [sending.mapping.element(figure, group, dose) for figure in figures]
    found = []
    for unit in sending.units[:LISTED]:
        values = {(one.element, one.combo): one.value for one in unit.values}
        found.append((unit, [values.get(key) if key else None for key in keys]))
    return found


def _may_map() -> bool:
    user = reader()
    return user.role is Role.ADMINISTRATOR and not user.areas


def _asked() -> Asked:
    asked = ask_for_file(request.values)
    if asked is None:
        raise NotFound(mark("No campaign is published yet."))
    return asked


def _level(asked: Asked) -> str:
    wish = request.values.get("level", "")
    levels = asked.boundary_set["levels"]
    return wish if wish in (*levels, HAMLET) else str(levels[-1])


def _period(asked: Asked) -> ReportPeriod:
    """The period asked for: a kind of period around the day, or one as DHIS2 writes it."""
    text = _period_asked(asked)
    if text in list(PeriodKind):
        return period_around(PeriodKind(text), asked.day)
    return read_period(text)


def _period_asked(asked: Asked) -> str:
    usual = exchange.usual_period
    return request.values.get("period") or usual(installation().reference, asked.state["campaign"]).value


def _wanted(asked: Asked) -> exchange.Wanted:
    at, period = asked.state, _period_asked(asked)
    return exchange.wanted_of(at["campaign"], at["set"], _level(asked), period, asked.day, today(), asked.area)


@exchange_pages.get("/exchange/dhis2.<kind>")
def data_values(kind: str) -> Response:
    """A dataValueSet of the units, groups and doses of the question, as JSON, CSV or XML."""
    if kind not in ("json", "csv", "xml"):
        raise NotFound(mark("There is nothing at this address."))
    asked = _asked()
    sending = exchange.sending(installation().reference, reader(), _wanted(asked))
    if kind == "csv":
        return _file(dhis2.write_csv(sending.values), "text/csv; charset=utf-8", "dhis2", sending, kind)
    write = dhis2.write_json if kind == "json" else dhis2.write_xml
    return _file(write(sending.values, sending.mapping), f"application/{kind}", "dhis2", sending, kind)


@exchange_pages.get("/exchange/adx.xml")
def adx() -> Response:
    """The same as ADX."""
    sending = exchange.sending(installation().reference, reader(), _wanted(_asked()))
    content, left_out = dhis2.write_adx(sending.values, sending.mapping, _now())
    answer = _file(content, "application/adx+xml", "adx", sending, "xml")
    answer.headers["X-Values-Left-Out"] = str(len(left_out))
    return answer


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _file(content: bytes, kind: str, start: str, sending: exchange.Sending, ending: str) -> Response:
    wanted = sending.wanted
    set_parts = in_name(wanted.set_id, wanted.day)
    name = "-".join((start, wanted.campaign_id, wanted.level, *set_parts, wanted.period.dhis2))
    answer = Response(content, content_type=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.{ending}")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    # A program that fetches a file hears that units are missing in it.
    answer.headers["X-Units-Left-Out"] = str(len(sending.left_out))
    return answer


@exchange_pages.get("/exchange/fhir.<kind>")
def people(kind: str) -> Response:
    """The people whom the filter of the address wants, as a Bundle or as one resource a line; ``type`` limits it."""
    if kind not in ("json", "ndjson"):
        raise NotFound(mark("There is nothing at this address."))
    user, reference = reader(), installation().reference
    if user.role not in READERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    refuse_unknown("type", "bundle", "filter", "area", "level", "period", *BESIDES)
    question = _people_question(_asked())
    types = request.args.getlist("type") or fhir.TYPES
    for each in types:
        if each not in fhir.TYPES:
            raise InvalidQuestion(
                mark("There is no type {type} in these files. Choose among: {types}."),
                type=each[:40],
                types=", ".join(fhir.TYPES),
            )
    found = handing.resources(reference, user, question, types)
    first = next(found, None)  # whatever cannot be answered is said before the file begins
    wanted = question.wanted
    facts = {"campaign": question.campaign_id, "day": question.day, "group": wanted.group, "dose": wanted.dose}
    told = {name: value for name, value in facts.items() if value}
    audit.record_seen(reference, user.id, user.name, "exchange.fhir", question.campaign_id, told)
    every = chain([first] if first else [], found)
    transaction = request.args.get("bundle") == "transaction"
    if kind == "ndjson" or transaction:
        write = write_transactions if transaction else fhir.write_ndjson
        answer = Response(_closing(write(every), found), content_type="application/fhir+ndjson")
    else:
        base = f"{request.host_url}exchange/fhir"
        pieces = fhir.write_bundle(every, base, _now())
        answer = Response(_closing(pieces, found), content_type="application/fhir+json")
    start, ending = ("fhir-transactions", "ndjson") if transaction else ("fhir", kind)
    name = "-".join((start, question.campaign_id, *in_name(question.set_id), question.day.isoformat()))
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.{ending}")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _closing(pieces: Iterator[bytes], found: Iterator[fhir.Resource]) -> Iterator[bytes]:
    """The pieces; whoever goes away early lets the register go too."""
    try:
        yield from pieces
    finally:
        found.close()  # type: ignore[attr-defined]


def _people_question(asked: Asked) -> FilterQuestion:
    """The people of the address: of the area chosen, and of every other criterion of a filter that it names."""
    wanted = read_filter(request.values.to_dict(flat=False))
    if asked.area is not None:
        wanted = replace(wanted, areas=(*wanted.areas, str(asked.area)))
    return FilterQuestion(asked.state["campaign"], asked.state["set"], asked.day, wanted)


def _carried() -> dict[str, list[str]]:
    """The criteria of a list that the page was opened from, as ``filter`` in its address says; else none."""
    found: dict[str, list[str]] = {}
    if "filter" in request.values:
        for name, value in [("filter", "1"), *read_filter(request.values.to_dict(flat=False)).address()]:
            found.setdefault(name, []).append(value)
    return found


@exchange_pages.post("/exchange/units")
def take_units() -> AnyResponse | str | tuple[str, int]:
    """Map units to DHIS2's by a list of its organisation units, and tell what became of each line."""
    if not _may_map():
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    asked = _asked()
    try:
        lines = read_org_units(_sent())
        taken = exchange.take_org_units(installation().reference, reader(), asked.state["set"], asked.day, lines)
    except InvalidInput as problem:
        return _page(problem), 400
    if _as_table():
        words = exchange.TAKEN
        rows = ((one.line, one.name, one.unit, say(words[one.what]) if one.what else "") for one in taken)
        return _table("units", (mark("Line"), mark("Name"), mark("Unit"), mark("What became of it")), rows)
    return _page(taken=taken)


@exchange_pages.get("/exchange/left-out.csv")
def left_out() -> Response:
    """Every unit that would not be sent, with the reason."""
    sending = exchange.sending(installation().reference, reader(), _wanted(_asked()))
    wanted = sending.wanted
    name = ("left-out", wanted.campaign_id, *in_name(wanted.set_id, wanted.day), wanted.period.dhis2)
    head = (mark("Unit"), mark("Name of the unit"), mark("Reason"), mark("People registered"))
    rows = ((o.code, o.name, say(exchange.WHY[o.why]), o.people) for o in sending.left_out)
    return _table("-".join(name), head, rows)


@exchange_pages.post("/exchange/send")
def send() -> AnyResponse | str | tuple[str, int]:
    """Send the figures to the DHIS2 server of the settings, or ask it what it would take."""
    if not _may_map():
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    user, reference = reader(), installation().reference
    sending = exchange.sending(reference, user, _wanted(_asked()))
    try:
        if len(sending.values) > dhis2_delivery.ON_A_PAGE:
            raise TooLarge(
                mark("{number} values are too many for a page. Send them with: server.py dhis2 send."),
                number=len(sending.values),
            )
        dry_run = request.form.get("really") != "yes"
        if not dry_run and request.form.get("skip") != "yes":
            exchange.check_mapped(sending)
        return _page(delivered=dhis2_delivery.deliver(reference, user, _server(), sending, dry_run))
    except TooLarge as problem:
        return _page(problem), 413
    except (InvalidInput, Forbidden, Unavailable) as problem:
        return _page(problem), 503 if isinstance(problem, Unavailable) else 400


def _server() -> Dhis2Server:
    settings = installation().settings
    return Dhis2Server(settings.dhis2_url, settings.dhis2_token)


@exchange_pages.post("/exchange/compare")
def compare() -> AnyResponse | str | tuple[str, int]:
    """Compare a file of data values with what would be sent."""
    sending = exchange.sending(installation().reference, reader(), _wanted(_asked()))
    try:
        compared = exchange.compare(sending.values, dhis2.read_values(_sent(), sending.mapping))
    except InvalidInput as problem:
        return _page(problem), 400
    if _as_table():
        heads = (
            *(mark("Unit"), mark("Data element"), mark("Category option combo"), mark("Period")),
            *(mark("Here"), mark("In the file")),
        )
        keys = ((one.key, one.ours, one.theirs) for one in compared[1])
        return _table("values", heads, ((k.unit, k.element, k.combo, k.period, *both) for k, *both in keys))
    return _page(compared=compared)


@exchange_pages.post("/exchange/people")
def compare_people() -> AnyResponse | str | tuple[str, int]:
    """Compare a FHIR file with the people of the register that the reader may see."""
    user, reference, asked = reader(), installation().reference, _asked()
    if user.role not in READERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    try:
        theirs = fhir.read_people(_file_sent().stream)
        compared = handing.compare(reference, user, _people_question(asked), theirs)
    except TooLarge as problem:
        return _page(problem), 413
    except (InvalidInput, NotReady) as problem:
        return _page(problem), 503 if isinstance(problem, NotReady) else 400
    facts = {"campaign": asked.state["campaign"], "number": len(theirs)}
    audit.record_seen(reference, user.id, user.name, "exchange.compared", asked.state["campaign"], facts)
    if _as_table():
        heads = (mark("Line"), mark("Number of the person"), mark("What differs"))
        found = ((one.line or "", one.id, one.what) for one in compared[1])
        return _table("people", heads, ((*key, "; ".join(say(FACT_WORDS[o]) for o in what)) for *key, what in found))
    return _page(people_compared=compared)


def _as_table() -> bool:
    """Whether all of an answer is wanted as a file, not its beginning on the page."""
    return request.form.get("as") == "csv"


def _table(name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    file = io.StringIO("\ufeff", newline="")
    file.seek(0, io.SEEK_END)
    writer = csv.writer(file)
    writer.writerow([say(head) for head in heads])
    writer.writerows(["" if cell is None else harmless(str(cell)) for cell in row] for row in rows)
    answer = Response(file.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=f"exchange-{name}.csv")
    return answer


def _sent() -> bytes:
    return content(_file_sent(), LONG_TABLE_MB)


def _file_sent() -> FileStorage:
    file = request.files.get("file")
    if file is None or not file.stream.read(1):
        raise InvalidInput(mark("Choose a file first."))
    file.stream.seek(0)
    return file
