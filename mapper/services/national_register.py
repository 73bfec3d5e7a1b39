"""Extracts of the national register: taken in whole or not at all, by columns said once for each layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from mapper.domain.campaign import Campaign
from mapper.domain.places import name_key
from mapper.domain.roles import OVERSEERS
from mapper.errors import Forbidden, InvalidInput, NotFound, TooLarge, mark
from mapper.formats.register_dates import Order
from mapper.formats.register_extract import (
    Reading,
    RegisterRow,
    guess,
    known_name,
    layout_key,
    read_extract,
    roles,
)
from mapper.formats.register_layout import Layout
from mapper.formats.register_table import RegisterTable, column_letter, read_register_table
from mapper.linkage.gazetteer import How, Match, Told
from mapper.services import audit, notice_board
from mapper.services.accounts import User
from mapper.services.place_matching import match
from mapper.services.questions import default_set
from mapper.services.reference import PlaceSet, Reference
from mapper.services.register_layouts import layout_of
from mapper.store import national_register as kept
from mapper.store.national_register import Extract, KeptRow
from mapper.store.submissions import read_blob, save_blob

MOST_MB = 60
"""Largest file, as it is uploaded: a workbook of so many holds some 500,000 people."""

SHOWN = 3
"""Rows of a file that are shown while somebody says which column holds what."""


_Opened = tuple[Extract, Campaign, PlaceSet, RegisterTable, Layout]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file. letter: as the spreadsheet calls it; some: what stands in the first rows; role: "" for none.

    asked: whether the order of day and month in it has to be said.
    """

    place: int
    letter: str
    name: str
    some: tuple[str, ...]
    role: str
    asked: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """An uploaded file that is not understood yet: its columns, and what keeps it from being taken."""

    extract: Extract
    columns: tuple[Column, ...]
    roles: Mapping[str, str]
    reading: Reading | None
    rows: int


def may_import(user: User) -> bool:
    """Whether a user may upload extracts and decide about pairs."""
    return user.role in OVERSEERS


def upload(reference: Reference, user: User, campaign_id: str, set_id: str, name: str, data: bytes, today: date) -> int:
    """Keep a file of the national register, and take its people in where its layout is known; its number.

    Raises InvalidInput, TooLarge where it is no table.
    """
    _must_import(user)
    check_size(name, len(data))
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign, places = known.campaign(campaign_id), default_set(known, set_id)
        layout = layout_of(connection, campaign)
    table = read_register_table(name, data, _known(campaign, layout))
    with reference.database.write() as connection:
        digest = save_blob(reference.database, connection, data)
        number = kept.add_extract(connection, campaign_id, places.id, name[:200], digest, user.id, _now())
        said = kept.layout(connection, campaign_id, layout_key(table.header)) or layout.places(table.header)
        facts = {"campaign": campaign_id, "file": digest}
        audit.record(reference, connection, user.id, user.name, "register.uploaded", str(number), facts)
        extract = kept.extract(connection, number)
    if said is not None and _maps_enough(said) and extract is not None:
        _take(reference, user, (extract, campaign, places, table, layout), said, {}, today)
    return number


def check_size(name: str, size: int) -> None:
    """Refuse a file of so many bytes before it is read. Raises TooLarge with the cure."""
    if size > MOST_MB * 1_000_000:
        raise TooLarge(
            mark("{name} has {size} MB; {limit} MB are read. Save it as CSV, or divide it by commune."),
            name=name,
            size=round(size / 1_000_000),
            limit=MOST_MB,
        )


def _known(campaign: Campaign, layout: Layout) -> Callable[[str], bool]:
    """Tells the names of columns from titles above them."""
    own = {name_key(each.name) for each in layout.columns}
    return lambda name: name_key(name) in own or known_name(campaign, name)


def take(
    reference: Reference, user: User, number: int, mapped: Mapping[str, int], orders: Mapping[int, Order], today: date
) -> Reading:
    """Take the people of a file in, all of them or, with faults or a question left, none; the layout is remembered."""
    return _take(reference, user, _opened(reference, user, number), mapped, orders, today)


def _take(
    reference: Reference,
    user: User,
    opened: _Opened,
    mapped: Mapping[str, int],
    orders: Mapping[int, Order],
    today: date,
) -> Reading:
    extract, campaign, places, table, layout = opened
    known, wide = roles(campaign), len(table.header)
    mapped = {role: place for role, place in mapped.items() if role in known and 0 <= place < wide}
    _must_map(mapped)
    reading = _read(campaign, table, layout, mapped, orders, today)
    with reference.database.write() as connection:
        kept.remember(
            reference.database,
            connection,
            campaign.id,
            layout_key(table.header),
            mapped,
            user.id,
            _now(),
        )
        if reading.faults or reading.asked:
            return reading
        finder = CommuneFinder(places)
        people = kept.take(connection, extract.id, (_kept(one, finder) for one in reading.rows), reading.skipped)
        facts = {"number": people, "campaign": campaign.id}
        audit.record(reference, connection, user.id, user.name, "register.taken", str(extract.id), facts)
    return reading


def waiting(reference: Reference, user: User, number: int, orders: Mapping[int, Order] | None, today: date) -> Waiting:
    """A file with its columns as they are mapped so far, and what is wrong with it so mapped."""
    extract, campaign, _, table, layout = _opened(reference, user, number)
    with reference.database.read() as connection:
        said = kept.layout(connection, campaign.id, layout_key(table.header))
    mapped = said or layout.places(table.header) or guess(campaign, table)
    reading = _read(campaign, table, layout, mapped, orders or {}, today) if "name" in mapped else None
    by_place = {place: role for role, place in mapped.items()}
    asked = set(reading.asked if reading else ()) | set(orders or ())
    columns = tuple(
        Column(
            place,
            column_letter(place),
            name,
            tuple(str(row[place]) for _, row in table.rows[:SHOWN]),
            by_place.get(place, ""),
            place in asked,
        )
        for place, name in enumerate(table.header)
    )
    facts = {"campaign": campaign.id, "seen": min(SHOWN, len(table.rows))}
    audit.record_seen(reference, user.id, user.name, "register.seen", str(extract.id), facts)
    return Waiting(extract, columns, roles(campaign), reading, len(table.rows))


def _read(
    campaign: Campaign,
    table: RegisterTable,
    layout: Layout,
    mapped: Mapping[str, int],
    orders: Mapping[int, Order],
    today: date,
) -> Reading:
    """Read a table; one in the platform's own layout writes its days as that says."""
    if layout.places(table.header) is not None:
        orders = {**dict.fromkeys(range(len(table.header)), layout.order), **orders}
    return read_extract(campaign, table, mapped, orders, today, layout.words)


def extracts(reference: Reference, campaign_id: str) -> list[Extract]:
    """The files of a campaign, the newest first."""
    with reference.database.read() as connection:
        return kept.extracts(connection, campaign_id)


def delete(reference: Reference, user: User, number: int) -> None:
    """Delete an extract with its people."""
    _must_import(user)
    with reference.database.write() as connection:
        found = kept.extract(connection, number)
        if found is None or (user.areas and found.user_id != user.id):
            raise _unknown()
        kept.delete(connection, number)
        notice_board.forget_people(connection)
        audit.record(reference, connection, user.id, user.name, "register.deleted", str(number), {})


class CommuneFinder:
    """Finds the commune that an extract names, by code or by name; most rows name the same few."""

    def __init__(self, places: PlaceSet) -> None:
        self._places = places
        self._found: dict[tuple[str, str], tuple[Match, Told]] = {}

    def code(self, code: str, name: str) -> str | None:
        """The commune's code; None where there is none, several may be meant, or the code is that of another one."""
        place = self.look(code, name)[0].place
        return place.code if place else None

    def look(self, code: str, name: str) -> tuple[Match, Told]:
        """What was found, and by what of the two."""
        asked = code, name
        if asked not in self._found:
            told = Told(code, name)
            found = match(self._places, told)
            if found.place is None and code and name and match(self._places, Told(code)).how is How.UNKNOWN:
                # A code of another list: of the name alone there may be one.
                told = Told(name=name)
                found = match(self._places, told)
            self._found[asked] = found, told
        return self._found[asked]


def _opened(reference: Reference, user: User, number: int) -> _Opened:
    _must_import(user)
    with reference.database.read() as connection:
        extract = kept.extract(connection, number)
        # A file holds people of any area, so only who uploaded it, or sees all, is shown it as it came.
        if extract is None or (user.areas and extract.user_id != user.id):
            raise _unknown()
        known = reference.known(connection)
        campaign, places = known.campaign(extract.campaign_id), default_set(known, extract.set_id)
        layout = layout_of(connection, campaign)
        data = read_blob(connection, extract.sha256) or b""
    table = read_register_table(extract.file_name, data, _known(campaign, layout))
    return extract, campaign, places, table, layout


def _unknown() -> NotFound:
    return NotFound(mark("There is no such file of the national register here. Look at the list again."))


def _must_import(user: User) -> None:
    if not may_import(user):
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))


def _maps_enough(mapped: Mapping[str, int]) -> bool:
    return "name" in mapped and bool({"commune_code", "commune"} & mapped.keys())


def _must_map(mapped: Mapping[str, int]) -> None:
    if "name" not in mapped:
        raise InvalidInput(mark("Say which column holds the full names."))
    if not _maps_enough(mapped):
        raise InvalidInput(mark("Say which column holds the code or the name of the commune."))


def _kept(one: RegisterRow, finder: CommuneFinder) -> KeptRow:
    unit = finder.code(one.commune_code, one.commune)
    return KeptRow(
        one.row,
        one.code,
        one.name,
        one.born_on,
        one.precision,
        one.sex,
        one.phone,
        one.national_id,
        one.commune_code,
        one.commune,
        one.hamlet,
        unit,
        one.doses,
    )


def read_choices(form: Mapping[str, str], columns: int) -> tuple[dict[str, int], dict[int, Order]]:
    """What a form says of columns: ``role-PLACE`` and ``order-PLACE``. Raises InvalidInput for a role given twice."""
    mapped: dict[str, int] = {}
    orders: dict[int, Order] = {}
    for place in range(columns):
        role = form.get(f"role-{place}", "")
        if role and role in mapped:
            raise InvalidInput(
                mark("Columns {one} and {other} are said to hold the same. Leave one of them out."),
                one=column_letter(mapped[role]),
                other=column_letter(place),
            )
        if role:
            mapped[role] = place
        if form.get(f"order-{place}", "") in set(Order):
            orders[place] = Order(form[f"order-{place}"])
    return mapped, orders


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
