"""How figures moved: a page of pictures, each with its table, and the same as files."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.charts.picture import Form
from mapper.domain.ledger import INSIDE, State
from mapper.domain.people_filter import PeopleFilter
from mapper.domain.roles import READERS
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, NotFound, Unavailable, mark
from mapper.services import ages, reporting, trend_charts, trends
from mapper.services.ages import BANDS, WIDTH, Pyramid, band_name
from mapper.services.questions import HAMLET
from mapper.services.trend_charts import About, Cell, Kind, Table
from mapper.services.trends import Changes, Course
from mapper.services.ways import Missing
from mapper.web.accounts import only_for, reader
from mapper.web.api import kept_answer
from mapper.web.asked import Asked, ask, ask_for_file
from mapper.web.assets import STATIC
from mapper.web.behind import Behind
from mapper.web.file_set import in_name
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say
from mapper.web.reading_people import be_read, reading_progress

FONTS = STATIC / "vendor" / "be-vietnam-pro"

SPANS = {0: mark("since the first dose"), 90: mark("last 90 days"), 30: mark("last 30 days")}
"""How much of a course is shown, in days; 0 for all since the first dose."""

SINCE = {1: mark("the day before"), 7: mark("7 days before"), 30: mark("30 days before")}
"""With which earlier day the day asked for is compared."""

ALWAYS = (1, 7)
"""Of these a sentence always tells."""

TYPES = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv; charset=utf-8"}

TABLE_SEXES = ("male", "female")
"""Sexes of the pyramid's table, in its order; after them come those whose sex is not known."""

MOST_UNITS = 200
"""Units that changed, shown at once; the file has them all."""

Leads = Callable[[Sequence[Cell], int], str | None]
"""Row and column of a table to the address of those whom the number there counts; None where it counts nobody."""


class WrittenCell(NamedTuple):
    """A cell as the page shows it; leads: where its number leads to."""

    text: str
    is_zero: bool
    leads: str | None = None


Line = list[WrittenCell]

trend_pages = Blueprint("trends", __name__)
_only_for_readers = only_for(*READERS)


@trend_pages.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows besides the question. span: days of a course, 0 for all. back: days to the earlier day."""

    span: int
    back: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture on the page. finding: what it shows, in words. addresses: of its pictures and files, by name."""

    kind: Kind
    title: str
    finding: str
    heads: tuple[str, ...]
    lines: list[Line]
    addresses: dict[str, str]


@trend_pages.get("/trends")
def page() -> Response:
    """Coverage by day, doses a day, what changed, and the age pyramid, for the area asked for."""
    asked = ask()
    if asked is None:
        return _private(Response(render_template("trends.html", asked=None)))
    shown, about = _shown(), _about(asked)
    days = tuple(dict.fromkeys((*ALWAYS, shown.back)))
    course, changes, found = _course(asked), _changes(asked, days), _pyramid(asked)
    standing = None if isinstance(found, Pyramid) else be_read(found, bool(request.args.get("again")))
    since = changes[days.index(shown.back)]
    changed = trend_charts.changes_table(about, since)
    first = trend_charts.since(course, shown.span)
    charts = {
        Kind.COVERAGE: _chart(
            asked,
            about,
            Kind.COVERAGE,
            trend_charts.coverage_finding(about, course),
            trend_charts.coverage_table(about, course, shown.span),
        ),
        Kind.DOSES: _chart(
            asked,
            about,
            Kind.DOSES,
            trend_charts.doses_finding(about, course, first),
            trend_charts.doses_table(about, course, shown.span),
        ),
    }
    if isinstance(found, Pyramid):
        finding = trend_charts.pyramid_finding(about, found)
        charts[Kind.PYRAMID] = _chart(asked, about, Kind.PYRAMID, finding, trend_charts.pyramid_table(about, found))
    return _private(
        Response(
            render_template(
                "trends.html",
                asked=asked,
                shown=shown,
                spans=SPANS,
                sinces=SINCE,
                kinds=Kind,
                charts=charts,
                changes=since,
                sentences=[trend_charts.changes_finding(about, each) for each in changes[: len(ALWAYS)]],
                changes_heads=changed.heads,
                changes_lines=_lines(changed, signed=True),
                changes_file=_address(asked, Kind.CHANGES, "csv"),
                most=MOST_UNITS,
                missing=None if isinstance(found, Pyramid) else found.people,
                standing=standing,
                address=lambda **other: url_for("trends.page", **_query(asked, **other)),
                unit_address=lambda area: url_for("trends.page", **_query(asked, area=area)),
            )
        )
    )


@trend_pages.get("/trends/<kind>.<ending>")
def file(kind: str, ending: str) -> Response:
    """A picture (svg, png; ``narrow`` for a small screen) or a table (csv) of the question; ``save`` to keep it."""
    asked = ask_for_file()
    if asked is None or kind not in set(Kind) or ending not in TYPES or (kind == Kind.CHANGES and ending != "csv"):
        raise NotFound(mark("There is nothing at this address."))
    what, shown, narrow, user = Kind(kind), _shown(), bool(request.args.get("narrow")), reader()
    about = _about(asked)
    key: tuple[Hashable, ...] = ("trend", what, ending, shown, narrow, replace(asked.question(), level=""), asked.area)

    def make() -> bytes:
        if ending == "csv":
            return _csv(asked, about, what, shown)
        form = Form(FONTS, "png" if ending == "png" else "svg", narrow)
        if what is Kind.PYRAMID:
            return trend_charts.pyramid_picture(about, _pyramid_now(asked), form)
        draw = trend_charts.coverage_picture if what is Kind.COVERAGE else trend_charts.doses_picture
        return draw(about, _course(asked), shown.span, form)

    response = kept_answer((*key, user.areas, about), reporting.version, make, TYPES[ending])
    if ending == "csv" or request.args.get("save"):
        place = asked.area.code if asked.area else "all"
        told = asked.state
        name = "-".join((what, told["group"], told["dose"], place, *in_name(told["set"]), told["date"]))
        response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{ending}")
    return response


@trend_pages.get("/trends/progress")
def progress() -> Response:
    """How far the reading of the people of this address is, for the page's script."""
    asked = ask()
    found = None if asked is None else _pyramid(asked)
    return _private(reading_progress(found if isinstance(found, Missing) else None))


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _shown() -> Shown:
    return Shown(_number("span", SPANS, 0), _number("since", SINCE, 1))


def _number(name: str, choices: dict[int, str], usual: int) -> int:
    told = request.args.get(name, "")
    if not told:
        return usual
    number = whole(told)
    if number is None or number not in choices:
        raise InvalidInput(
            mark("{name} is not {value} here. Choose one of: {choices}."),
            name=name,
            value=told[:20],
            choices=", ".join(map(str, choices)),
        )
    return number


def _about(asked: Asked) -> About:
    here, group = (
        installation(),
        next(each for each in asked.campaign["groups"] if each["code"] == asked.state["group"]),
    )
    dose = next(each for each in group["doses"] if each["code"] == asked.state["dose"])
    return About(
        chosen_language(),
        here.settings.project_name,
        asked.campaign["label"],
        asked.area_name,
        group["label"],
        dose["label"],
        asked.boundary_set["name"],
        asked.day,
        here.sample,
        tuple(
            sorted(
                {date.fromisoformat(one["valid_from"]) for one in asked.sets if one["valid_from"] and not one["trial"]}
            )[1:]
        ),
        _course(asked).loose,
    )


def _course(asked: Asked) -> Course:
    here, user, question = installation(), reader(), replace(asked.question(), level=HAMLET)
    key = ("course", reporting.version(here.reference), question, asked.area, user.areas)
    return here.trends.value(key, lambda: trends.course(here.reference, user, question, asked.area))


def _changes(asked: Asked, days: tuple[int, ...]) -> list[Changes]:
    here, user, question = installation(), reader(), replace(asked.question(), level=HAMLET)
    key = ("changes", reporting.version(here.reference), question, asked.area, user.areas, days)
    return here.trends.value(key, lambda: trends.changes_since(here.reference, user, question, asked.area, days))


def _pyramid(asked: Asked) -> Pyramid | Missing:
    return ages.pyramid(installation().reference, reader(), asked.question(HAMLET), asked.area)


def _pyramid_now(asked: Asked) -> Pyramid:
    """The pyramid, where it can be shown. Raises Unavailable while its people are read."""
    found = _pyramid(asked)
    if isinstance(found, Missing):
        be_read(found)
        raise Unavailable(mark("The people of this area are still being read. Try again in a minute."))
    return found


def coverage_chart(asked: Asked) -> Chart:
    """The curve of coverage of a question, for other pages."""
    about, course = _about(asked), _course(asked)
    table = trend_charts.coverage_table(about, course, 0)
    return _chart(asked, about, Kind.COVERAGE, trend_charts.coverage_finding(about, course), table)


def _chart(asked: Asked, about: About, kind: Kind, finding: str, table: Table) -> Chart:
    addresses = {
        "wide": _address(asked, kind, "svg"),
        "narrow": _address(asked, kind, "svg", narrow=1),
        "png": _address(asked, kind, "png", save=1),
        "svg": _address(asked, kind, "svg", save=1),
        "csv": _address(asked, kind, "csv"),
    }
    leads = {Kind.COVERAGE: _to_days, Kind.PYRAMID: _to_ages}.get(kind)
    lines = _lines(table, leads=leads(asked) if leads else None)
    return Chart(kind, about.say(trend_charts.TITLES[kind]), finding, table.heads, lines, addresses)


def _query(asked: Asked, **other: object) -> dict[str, Any]:
    shown = _shown()
    usual = {
        "span": shown.span or None,
        "since": shown.back if shown.back != 1 else None,
        "lang": request.args.get("lang"),
    }
    return asked.query(**(usual | other))


def _address(asked: Asked, kind: Kind, ending: str, **other: object) -> str:
    return url_for("trends.file", kind=kind.value, ending=ending, **_query(asked, **other))


def _csv(asked: Asked, about: About, kind: Kind, shown: Shown) -> bytes:
    if kind is Kind.PYRAMID:
        return trend_charts.csv_file(about, kind, trend_charts.pyramid_table(about, _pyramid_now(asked)))
    if kind is Kind.CHANGES:
        (changes,) = _changes(asked, (shown.back,))
        compared = (say(mark("Compared with")), changes.since.isoformat())
        return trend_charts.csv_file(about, kind, trend_charts.changes_table(about, changes), [compared])
    make = trend_charts.coverage_table if kind is Kind.COVERAGE else trend_charts.doses_table
    return trend_charts.csv_file(about, kind, make(about, _course(asked), shown.span))


def _lines(table: Table, signed: bool = False, leads: Leads | None = None) -> list[Line]:
    """Rows as the page shows them; numbers by hand, since a long course has thousands. signed: with + before a gain."""
    turned = _TURNED if chosen_language() == "vi" else {}
    last = len(table.heads) - 1
    return [
        [
            WrittenCell(
                _written(cell, turned, signed and place < last),
                cell == 0,
                leads(row, place) if leads and place and cell else None,
            )
            for place, cell in enumerate(row)
        ]
        for row in table.rows
    ]


def _to_days(asked: Asked) -> Leads:
    """From the table of coverage to who was vaccinated, and who was eligible, on each day."""
    start = Behind(asked).total(date=None)

    def leads(row: Sequence[Cell], column: int) -> str | None:
        state = {1: State.VACCINATED.value, 2: "eligible"}.get(column)
        return f"{start}&date={row[0]}&state={state}" if state else None

    return leads


def _to_ages(asked: Asked) -> Leads:
    """From the table of the pyramid to the people of an age, a sex and a state; whose sex is not known has no list."""
    behind, state = Behind(asked), asked.state
    bands = {band_name(band): band for band in range(BANDS)}
    known = frozenset({State.VACCINATED, State.DUE})
    kinds = (frozenset({State.VACCINATED}), frozenset({State.DUE}), frozenset(INSIDE) - known)
    of_all = PeopleFilter(areas=(state["area"],) if state["area"] else (), group=state["group"], dose=state["dose"])

    def leads(row: Sequence[Cell], column: int) -> str | None:
        sex, kind = divmod(column - 1, len(kinds))
        band = bands.get(str(row[0]))
        if sex >= len(TABLE_SEXES) or band is None:
            return None
        last = None if band == BANDS - 1 else band * WIDTH + WIDTH - 1
        return behind.found(
            replace(of_all, states=kinds[kind], sexes=(TABLE_SEXES[sex],), age_from=band * WIDTH, age_to=last)
        )

    return leads


def _written(cell: Cell, turned: dict[int, str], signed: bool) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, date):
        return f"{cell.day:02}/{cell.month:02}/{cell.year}"
    if isinstance(cell, str):
        return cell
    text = (f"{cell:,.1f}" if isinstance(cell, float) else f"{cell:,}").translate(turned)
    return f"+{text}" if signed and cell > 0 else text.replace("-", "−")


_TURNED = {ord(","): ".", ord("."): ","}
