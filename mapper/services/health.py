"""How the work in the field goes on in a commune: who sent what today, which phones are silent, what wants a hand."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from mapper.domain.campaign import Campaign
from mapper.errors import NotFound, Unavailable, mark
from mapper.services import review, walk
from mapper.services.accounts import User, sees
from mapper.services.hamlet_places import HamletPlaces, hamlet_places
from mapper.services.house_days import houses_on
from mapper.services.intake import VIETNAM
from mapper.services.listed import seen_whole
from mapper.services.reference import Known, Reference
from mapper.services.review import PlacedFinding, TroubledSubmission
from mapper.store import accounts, fieldwork, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.fieldwork import Arrivals, Contact
from mapper.store.submissions import SubmissionState

SILENT = timedelta(hours=24)
"""A phone that was not heard from for so long is silent."""

LOOKED_BACK = timedelta(days=30)
"""How far back the last submission of a phone is looked for."""

HEARD_AGAIN = timedelta(minutes=10)
"""So long a phone that asks again is not written down again."""

FINDINGS = 1000
"""So many of the newest findings of a commune are looked through for odd positions."""

COUNTED = (SubmissionState.PROCESSED, SubmissionState.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class OldForm:
    """Submissions that came today from a version of a form that is no longer the current one."""

    form_id: str
    version: str
    current: str | None
    number: int


@dataclass(frozen=True, slots=True)
class Work:
    """What a day asks of some hamlets, in houses that wanted a visit when it began.

    unvisited: never visited, by the hamlets' lists. again: nobody had been met there, or somebody was due or to be
    asked. today: of them, those expected on the day itself. left: of these, what the houses visited on the day leave.
    """

    unvisited: int
    again: int
    today: int
    left: int

    @classmethod
    def of(cls, unvisited: int, again: int, visited_today: int, days: int | None) -> Work:
        """The work spread evenly over so many days; None asks for all of it at once."""
        today = -(-(unvisited + again) // (days or 1))
        return cls(unvisited, again, today, max(0, today - visited_today))


@dataclass(frozen=True, slots=True)
class CanvasserDay:
    """One canvasser's day, or that of somebody else who sent from here; id None: came without a sender, by cable.

    expected, visited, visited_today: houses of the canvasser's hamlets in this commune, whoever visited them, by the
    end of the day and on it; expected is None where no list says. work: what the day asks of these hamlets. received,
    waiting: submissions of today, and those of them that do not count. heard_at: ISO time of the last sign of the
    phone; silent: none for a day, though canvassers alone are expected to be heard.
    """

    id: int | None
    name: str
    hamlets: tuple[str, ...]
    expected: int | None
    visited: int
    visited_today: int
    work: Work
    received: int
    waiting: int
    heard_at: str | None
    silent: bool
    old_forms: tuple[OldForm, ...] = ()


@dataclass(frozen=True, slots=True)
class Fieldwork:
    """A commune on a day. expected: houses that the hamlets' lists name, None where none does. odd: of positions.

    visited, visited_today: houses where somebody had been by the end of the day, and on it.
    last_day: of the campaign's visits, where it names one. days_left: working days until then, None where it is over.
    """

    commune_code: str
    commune: str
    day: date
    expected: int | None
    visited: int
    visited_today: int
    work: Work
    last_day: date | None
    days_left: int | None
    received: int
    people: tuple[CanvasserDay, ...]
    waiting: tuple[TroubledSubmission, ...]
    odd: tuple[PlacedFinding, ...]

    @property
    def silent(self) -> list[CanvasserDay]:
        """Canvassers whose phones were not heard from for a day, the longest silent first."""
        return sorted((one for one in self.people if one.silent), key=lambda one: one.heard_at or "")


def fieldwork_of(
    reference: Reference, user: User, campaign_id: str, commune: str, day: date, now: datetime, set_id: str = ""
) -> Fieldwork:
    """How a commune's fieldwork stands. now: when it is asked, with its zone.

    set_id: the commune's boundary set, "" for that of the hamlet list; of a hamlet that it divides what lies in the
    commune counts.

    Raises NotFound for a campaign or set that is not there, or a commune outside the user's area.
    """
    names = dict(walk.communes(reference, user, set_id))
    if commune not in names:
        raise NotFound(mark("There is no commune {commune} in your area. Choose one of the list."), commune=commune)
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(campaign_id)
        at = hamlet_places(reference, connection, known, set_id)
        narrow = _narrowed(reference, connection, known, user, at, commune)
        day_s = _Day.read(reference, connection, known, narrow, campaign, at, commune, day)
        people = _people(reference, connection, known, user, at, commune, day_s, day, min(now, _end_of(day)))
    listed = [day_s.expected(known.hamlets[code]) for code in day_s.hamlets]
    expected = [number for number in listed if number is not None]
    return Fieldwork(
        commune,
        names[commune],
        day,
        sum(expected) if expected else None,
        sum(day_s.visited.values()),
        sum(day_s.today.values()),
        day_s.work({*day_s.hamlets, *day_s.visited}),
        campaign.visits_until,
        day_s.days_left,
        sum(one.received for one in people),
        tuple(people),
        tuple(review.troubled(reference, narrow)),
        tuple(one for one in review.findings(reference, narrow, FINDINGS) if _of_position(one.code)),
    )


def version(reference: Reference) -> tuple[object, ...]:
    """What the page of this moment belongs to: another one means that something may have changed; cheap to ask."""
    with reference.database.read() as connection:
        return (
            kept.revision(reference.database, connection),
            *tallies.version(reference.database, connection),
            *fieldwork.version(connection),
        )


def _of_position(code: str) -> bool:
    return code.startswith("point_") or code == "commune_differs"


def _narrowed(
    reference: Reference, connection: Connection, known: Known, user: User, at: HamletPlaces, commune: str
) -> User:
    """The user with no more than one commune to see; whose areas hold no whole commune keeps those."""
    if at.places is None:
        return user
    line = at.places.line(commune)
    whole = not user.areas or any(set_id == at.set_id and code in line for set_id, code in user.areas)
    if not whole and not at.at_home:
        whole = commune in (seen_whole(reference, connection, known, at.places, user) or ())
    return replace(user, areas=((at.set_id, commune),)) if whole else user


@dataclass(frozen=True, slots=True)
class _Day:
    """What is counted of a commune on a day: houses by hamlet code, "" for none, and what arrived.

    visited, today: by its end, and on it; unvisited, again: as in Work, when it began.
    """

    hamlets: list[str]
    visited: Mapping[str, int]
    today: Mapping[str, int]
    unvisited: Mapping[str, int]
    again: Mapping[str, int]
    days_left: int | None
    here: frozenset[int]
    at: HamletPlaces
    commune: str
    arrived: list[Arrivals]
    current: Mapping[str, str]

    @classmethod
    def read(
        cls,
        reference: Reference,
        connection: Connection,
        known: Known,
        user: User,
        campaign: Campaign,
        at: HamletPlaces,
        commune: str,
        day: date,
    ) -> _Day:
        """Read it. user: who sees this commune alone, or as much of it as their own area holds."""
        cells = {
            cell.id: cell
            for cell in reference.cells(connection).values()
            if sees(known, user, cell) and _lies_in(known, at, cell, commune)
        }
        hamlets = walk.listed_codes(reference, connection, known, user, at, commune)
        here = houses_on(reference, connection, known, campaign, cells, day)
        listed = set(hamlets)
        beyond = {
            cell.id: cell
            for cell in reference.cells(connection).values()
            if not at.at_home and cell.id not in cells and cell.hamlet_code in listed
        }
        elsewhere = houses_on(reference, connection, known, campaign, beyond, day)
        unvisited = {
            code: max(0, (known.hamlets[code].households or 0) - here.before[code] - elsewhere.before[code])
            for code in hamlets
            if at.main(known.hamlets[code]) == commune
        }
        return cls(
            hamlets,
            here.until,
            here.today,
            unvisited,
            here.again,
            campaign.working_days(day),
            frozenset(cells),
            at,
            commune,
            fieldwork.arrivals(connection, day),
            {form.form_id: form.version for form in kept.current_forms(connection)},
        )

    def expected(self, hamlet: kept.Hamlet) -> int | None:
        """Houses that the list names; None of a part of a hamlet in which those never visited are not counted."""
        return hamlet.households if self.at.main(hamlet) == self.commune else None

    def work(self, codes: Collection[str]) -> Work:
        """What the day asks of some hamlets."""
        unvisited, again, today = (
            sum(numbers.get(code, 0) for code in codes) for numbers in (self.unvisited, self.again, self.today)
        )
        return Work.of(unvisited, again, today, self.days_left)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, VIETNAM)


def _lies_in(known: Known, at: HamletPlaces, cell: tallies.Cell, commune: str) -> bool:
    """Whether a cell's households lie in a commune: by the boundary set, where there is none as they chose."""
    if not at.at_home:
        return at.unit_of(cell) == commune
    if known.home is not None:
        return cell.units.get(known.home) == commune
    hamlet = known.hamlets.get(cell.hamlet_code or "")
    return commune in (cell.commune_code, hamlet.commune_code if hamlet else None)


def _people(
    reference: Reference,
    connection: Connection,
    known: Known,
    user: User,
    at: HamletPlaces,
    commune: str,
    day: _Day,
    on: date,
    now: datetime,
) -> list[CanvasserDay]:
    """The canvassers of a commune whom the user oversees, by name, then whoever else sent from there."""
    canvassers = {one.id: one for one in walk.canvassers_of(reference, connection, user, at, commune)}
    senders: dict[int | None, list[Arrivals]] = {}
    for each in day.arrived:
        if each.cell_id in day.here or (each.cell_id is None and each.sender_id in canvassers):
            senders.setdefault(each.sender_id, []).append(each)
    known_ids = [number for number in {*canvassers, *senders} if number is not None]
    accounts_by_id = {one.id: one for one in accounts.everyone(connection) if one.id in set(known_ids)}
    since = max(now.date(), date.min + LOOKED_BACK) - LOOKED_BACK
    sent = fieldwork.last_sent(reference.database, connection, known_ids, since, on)
    contacts = {
        number: one
        for number, one in fieldwork.contacts(connection).items()
        if datetime.fromisoformat(one.seen_at) <= now
    }
    found = []
    for number in {*canvassers, *senders}:
        account = accounts_by_id.get(number) if number is not None else None
        hamlets = walk.hamlets_of(reference, connection, known, account, day.hamlets) if number in canvassers else []
        expected = [day.expected(known.hamlets[code]) for code in hamlets]
        came = senders.get(number, [])
        signs = [sent.get(number or 0), contacts[number].seen_at if number in contacts else None]
        heard_at = max((sign for sign in signs if sign), default=None)
        found.append(
            CanvasserDay(
                number,
                account.name if account else "",
                tuple(known.hamlets[code].label for code in hamlets),
                sum(number or 0 for number in expected) if any(n is not None for n in expected) else None,
                sum(day.visited.get(code, 0) for code in hamlets),
                sum(day.today.get(code, 0) for code in hamlets),
                day.work(hamlets),
                sum(each.number for each in came),
                sum(each.number for each in came if each.state not in COUNTED),
                heard_at,
                number in canvassers and (heard_at is None or now - datetime.fromisoformat(heard_at) >= SILENT),
                _old_forms(came, day.current),
            )
        )
    return sorted(found, key=lambda one: (one.id not in canvassers, one.id is None, one.name, one.id or 0))


def _old_forms(came: list[Arrivals], current: Mapping[str, str]) -> tuple[OldForm, ...]:
    numbers: Counter[tuple[str, str]] = Counter()
    for each in came:
        if current.get(each.form_id) != each.form_version:
            numbers[each.form_id, each.form_version] += each.number
    return tuple(OldForm(form, old, current.get(form), number) for (form, old), number in sorted(numbers.items()))


@dataclass
class HeardFrom:
    """Writes down when phones were last heard from, each not too often; one for a process, safe for threads."""

    last: dict[int, datetime] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, reference: Reference, user_id: int, device: str | None, application: str | None) -> None:
        """A user's phone has just asked for something. device, application: what it calls itself.

        Nobody's forms wait for this: where the database is busy, the next request writes it down.
        """
        now = datetime.now(UTC)
        with self.lock:
            before = self.last.get(user_id)
            if before is not None and now - before < HEARD_AGAIN:
                return
            self.last[user_id] = now
        contact = Contact(now.isoformat(timespec="seconds"), _short(device), _short(application))
        try:
            with reference.database.write_at_once() as connection:
                fieldwork.save_contact(reference.database, connection, user_id, contact)
        except Unavailable:
            with self.lock:
                self.last.pop(user_id, None)


def _short(said: str | None) -> str | None:
    """What a phone calls itself, without what no database takes."""
    return "".join(c for c in said if c.isprintable())[:100] or None if said else None
