"""The people whom a filter wants as a file to hand over; that one was made stands in the audit trail."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mapper.domain.ledger import INSIDE, State
from mapper.domain.places import USABLE, Placement
from mapper.domain.roles import OVERSEERS
from mapper.errors import Forbidden, NotFound, mark
from mapper.formats.people_columns import Table, ages, as_table, filled, joined, only_where, told_if, translated
from mapper.formats.people_files import (
    About,
    Column,
    Kind,
    with_points,
    write_csv,
    write_geojson,
    write_parquet,
)
from mapper.formats.people_workbook import write_xlsx
from mapper.geo.point_layer import write_geopackage
from mapper.language import translate
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.audit import VIETNAM
from mapper.services.background import Progress
from mapper.services.files_to_fetch import Made, folder_of
from mapper.services.filter_words import RESIDENCES, REVIEWS, SEXES, for_the_trail, in_words
from mapper.services.filtered import Filtered, FilterQuestion, filtered
from mapper.services.people_words import OUTCOMES, STATES, PeopleWords
from mapper.services.phone_lists import reasons
from mapper.services.questions import set_name
from mapper.services.reference import Reference
from mapper.store import accounts
from mapper.store.column_sheet import FACTS

MEDIA_TYPES: Mapping[str, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "gpkg": "application/geopackage+sqlite3",
    "parquet": "application/vnd.apache.parquet",
    "geojson": "application/geo+json",
}
"""Kinds of files to their media types."""

WRITTEN_AT_ONCE = 20_000
"""Rows written together; more of them are read at once, since each reading looks into every file of the copy."""

WITH_POINTS = frozenset({"gpkg", "parquet", "geojson"})
"""Kinds that tell where each house stands: for those who oversee canvassers."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What file is wanted. kind: of MEDIA_TYPES; sample: whether its households are invented, which it then says."""

    question: FilterQuestion
    kind: str
    language: str
    sample: bool


def check(user: User, kind: str) -> None:
    """Raise NotFound for a kind that no file has, Forbidden for one with points where the user may not see them."""
    if kind not in MEDIA_TYPES:
        raise NotFound(mark("There is nothing at this address."))
    if kind in WITH_POINTS and user.role not in OVERSEERS:
        raise Forbidden(mark("Files with the positions of houses are for supervisors. Take the XLSX or CSV file."))


def make(reference: Reference, user: User, wish: Wish, progress: Progress = lambda share: None) -> Made:
    """Write the file. Raises what ``check`` and ``filtered`` raise; the audit trail has it before anybody does."""
    check(user, wish.kind)
    path = folder_of(reference) / f"{secrets.token_hex(16)}.{wish.kind}"
    try:
        with filtered(reference, user, wish.question) as found:
            people, _ = found.count()
            sheet = _Sheet.of(reference, user, found, wish)
            told, done = sheet.about(people), 0

            def tables() -> Iterator[Table]:
                nonlocal done
                for table in found.sheets():
                    for first in range(0, table.num_rows, WRITTEN_AT_ONCE):
                        some = table.slice(first, WRITTEN_AT_ONCE)
                        yield sheet.shaped(some)
                        done += some.num_rows
                        progress(done / max(1, people))

            _write(path, wish.kind, sheet.columns, tables(), told, people)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    question = wish.question
    facts = {
        "campaign": question.campaign_id,
        "day": question.day,
        "set": found.places.id,
        "file": wish.kind,
        "seen": people,
        "filter": for_the_trail(question.wanted),
    }
    audit.record_seen(reference, user.id, user.name, "people.exported", question.campaign_id, facts)
    return Made(path, people)


def _write(path: Path, kind: str, columns: Sequence[Column], tables: Iterator[Table], told: About, people: int) -> None:
    match kind:
        case "xlsx":
            write_xlsx(path, columns, tables, told, people)
        case "csv":
            write_csv(path, columns, tables, told)
        case "parquet":
            write_parquet(path, columns, tables, told)
        case "geojson":
            write_geojson(path, columns, tables, told)
        case _:
            write_geopackage(path, "people", with_points(columns, tables), dict(told.lines))


_ON_EARTH = [USABLE, Placement.POOR_ACCURACY.value]

_CHOICES = ("dose.evidence", "person.priority")
"""Roles whose choices are told in the form's own words."""

Shaped = Callable[[Table], Any]
"""From the wide table the values of a column of the file."""


class _Sheet:
    """The columns of a file and how each comes about; words for readers, codes for programs."""

    def __init__(
        self,
        found: Filtered,
        wish: Wish,
        words: PeopleWords,
        senders: Mapping[int, str],
        choices: Mapping[str, str],
    ) -> None:
        self._found, self._wish, self._words, self._senders, self._choices = found, wish, words, senders, choices
        self._readable = wish.kind not in WITH_POINTS
        self._places: dict[int, tuple[str, str, str, str]] = {}
        self._all: list[tuple[Column, Shaped]] = []

    @classmethod
    def of(cls, reference: Reference, user: User, found: Filtered, wish: Wish) -> _Sheet:
        """The sheet of a file for a user: phones only for those who oversee canvassers."""
        words = PeopleWords.of(reference, found.campaign, wish.language, wish.question.day)
        with reference.database.read() as connection:
            senders = {one.id: one.name for one in accounts.everyone(connection)}
            choices = reasons(connection, found.campaign.id, wish.language, _CHOICES)
        made = cls(found, wish, words, senders, choices)
        made._add_all(user.role in OVERSEERS)
        return made

    @property
    def columns(self) -> list[Column]:
        """The columns in the order of the file."""
        return [column for column, _ in self._all]

    def shaped(self, table: Table) -> Table:
        """The file's rows from the copy's, with the positions of the houses."""
        values = {column.key: shape(table) for column, shape in self._all}
        if not self._readable:
            states = table["point_state"]
            values |= {name: only_where(table[name], states, _ON_EARTH) for name in ("lat", "lon")}
        return as_table(values)

    def about(self, people: int) -> About:
        """What the file says of itself."""
        found, wish, say = self._found, self._wish, self._say
        filter_words = in_words(
            wish.question.wanted, found.known, found.places, found.campaign, wish.language, self._words.reason
        )
        now = datetime.now(VIETNAM)
        lines = [
            (say(mark("Campaign")), found.campaign.label[wish.language]),
            (say(mark("Figures of the day")), f"{wish.question.day:%d/%m/%Y}"),
            (say(mark("Made on")), f"{now:%d/%m/%Y %H:%M}"),
            (say(mark("Filter")), filter_words),
            (say(mark("Boundary set")), set_name(found.places.about, wish.language)),
            (say(mark("People listed")), str(people)),
        ]
        if wish.sample:
            lines.append((say(mark("These households and people are invented.")), ""))
        return About(say(mark("List of people")), say(mark("About this file")), lines)

    def _say(self, message: str, **facts: object) -> str:
        return translate(message, self._wish.language, **facts)

    def _add(self, key: str, heading: str, shape: Shaped, kind: Kind = Kind.TEXT, width: int = 14) -> None:
        self._all.append((Column(key, heading, kind, width), shape))

    def _plain(self, key: str, message: str, kind: Kind = Kind.TEXT, width: int = 14, source: str = "") -> None:
        self._add(key, self._say(message), lambda table: table[source or key], kind, width)

    def _named(self, key: str, message: str, name: Callable[[Any], str | None], width: int = 14) -> None:
        """A column of words: each different value is translated once."""
        self._add(key, self._say(message), lambda table: translated(table[key], name), Kind.TEXT, width)

    def _worded(self, key: str, message: str, words: Mapping[Any, str], width: int = 14) -> None:
        if self._readable:
            known = {str(value): self._say(told) for value, told in words.items()}
            self._named(key, message, lambda value: known.get(value, value), width)
        else:
            self._plain(key, message, width=width)

    def _same(self, key: str, message: str, told: str) -> None:
        """A column that tells every row the same."""
        self._add(key, self._say(message), lambda table: translated(table["cell"], lambda cell: told), Kind.TEXT, 16)

    def _place_column(self, key: str, message: str, part: int, width: int) -> None:
        def told(cell: int) -> str:
            if cell not in self._places:
                at = self._found.place(cell)
                unit = self._say(mark("one of {places}"), places=", ".join(at.one_of)) if at.one_of else at.unit
                self._places[cell] = (unit, at.unit_code, at.hamlet, at.hamlet_code)
            return self._places[cell][part]

        self._add(key, self._say(message), lambda table: translated(table["cell"], told), Kind.TEXT, width)

    def _add_all(self, phones: bool) -> None:
        self._place_column("unit", mark("Commune"), 0, 20)
        self._place_column("unit_code", mark("Commune code"), 1, 10)
        self._place_column("hamlet", mark("Hamlet"), 2, 20)
        self._place_column("hamlet_code", mark("Hamlet code"), 3, 12)
        self._plain("house_number", mark("House number"), width=10)
        self._plain("head", mark("Head of household"), width=24)
        if phones:
            self._plain("phone", mark("Phone"), width=13)
        self._plain("name", mark("Full name"), width=26)
        self._plain("born_on", mark("Born on"), Kind.DAY, 12)
        exact = {
            "day": mark("day"),
            "month": mark("month only"),
            "year": mark("year only"),
            "age": mark("from an age told"),
        }
        self._worded("birth_precision", mark("Birth known to the"), exact, 11)
        self._add("age", self._say(mark("Age")), self._age, Kind.NUMBER, 6)
        self._worded("sex", mark("Sex"), SEXES, 8)
        self._worded("residence", mark("Residence"), RESIDENCES, 16)
        self._plain("away_place", mark("Place away"), width=16)
        self._add("priorities", self._say(mark("Priority groups")), self._priorities, width=20)
        if self._found.tells_state:
            self._add("state", self._say(mark("Standing for the dose")), self._state, width=16)
        for place, (code, label) in enumerate(self._found.campaign.doses.items()):
            self._add_dose(place, code, label[self._wish.language])
        self._plain("other_doses", mark("Other doses"), width=18)
        for key, message in (
            ("contraindicated", mark("Contraindicated")),
            ("refused", mark("Refused the dose")),
            ("vaccination_unknown", mark("Doses not known")),
        ):
            self._add(key, self._say(message), self._yes(key), width=12)
            if key == "contraindicated":
                self._reason("contraindication", mark("Contraindication"))
            if key == "refused":
                self._reason("refusal_reason", mark("Reason for refusing"))
        self._plain("deferred_until", mark("Deferred until"), Kind.DAY, 12)
        self._reason("deferral_reason", mark("Reason for deferring"))
        self._plain("infected_on", mark("Infected on"), Kind.DAY, 12)
        self._plain("visited_on", mark("Visited on"), Kind.DAY, 12)
        self._worded("outcome", mark("Visit"), OUTCOMES, 14)
        self._named("sender", mark("Canvasser"), lambda value: self._senders.get(value, ""), 18)
        self._worded("review", mark("Review"), REVIEWS, 14)
        self._plain("household_id", mark("Household id"), width=16)
        self._plain("id", mark("Person id"), width=16)
        if self._wish.kind == "csv" and len(self._found.known.sets) > 1:
            # Other kinds say so once, of the whole file.
            self._same("boundary_set", mark("Boundary set"), set_name(self._found.places.about, self._wish.language))
            self._same("as_of", mark("Figures of the day"), f"{self._wish.question.day:%d/%m/%Y}")

    def _add_dose(self, place: int, code: str, label: str) -> None:
        def put(fact: str, message: str, shape: Shaped | None, kind: Kind, width: int) -> None:
            key = f"d{place}_{fact}"
            heading = f"{label}: {self._say(message)}" if self._readable else key
            self._add(f"dose_{code}_{fact}", heading, shape or (lambda table: table[key]), kind, width)

        vaccines = {one: words[self._wish.language] for one, words in self._found.campaign.vaccines.items()}
        messages = (mark("date"), mark("vaccine"), mark("lot"), mark("place"), mark("evidence"))
        for fact, message in zip(FACTS, messages, strict=True):
            kind = Kind.DAY if fact == "given_on" else Kind.TEXT
            shape: Shaped | None = None
            if self._readable and fact == "vaccine":
                shape = self._worded_dose(place, fact, lambda value: vaccines.get(value, value))
            elif self._readable and fact == "evidence":
                shape = self._worded_dose(place, fact, self._chosen)
            put(fact, message, shape, kind, 12 if kind is Kind.DAY else 14)

    def _worded_dose(self, place: int, fact: str, name: Callable[[Any], str | None]) -> Shaped:
        return lambda table: translated(table[f"d{place}_{fact}"], name)

    def _reason(self, key: str, message: str) -> None:
        if self._readable:
            self._named(key, message, self._words.reason, 18)
        else:
            self._plain(key, message)

    def _chosen(self, written: str) -> str:
        """What a form calls one choice or several."""
        return ", ".join(self._choices.get(each, each) for each in written.split(" "))

    def _age(self, table: Table) -> Any:
        return ages(table["born_on"], self._wish.question.day)

    def _priorities(self, table: Table) -> Any:
        words = joined(table["priorities"])
        return translated(words, self._chosen) if self._readable else words

    def _state(self, table: Table) -> Any:
        def told(value: int | None) -> str:
            state = State.OUTSIDE if value is None else INSIDE[value]
            return self._say(STATES[state]) if self._readable else state.value

        at = filled(table["state"], len(INSIDE))
        return translated(at, lambda place: told(place if place < len(INSIDE) else None))

    def _yes(self, key: str) -> Shaped:
        yes = self._say(mark("yes")) if self._readable else "yes"
        return lambda table: told_if(table[key], yes)
