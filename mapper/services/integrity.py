"""Whose forms a supervisor should look at again: every sign with its evidence, and how each was explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from mapper.domain.campaign import Campaign
from mapper.domain.people import Outcome, Person, Visit
from mapper.domain.places import order_key
from mapper.domain.roles import OVERSEERS, Role
from mapper.errors import Forbidden, InvalidInput, MapperError, TooLarge, mark
from mapper.formats.declared import Roles
from mapper.formats.instance import read_instance
from mapper.formats.roles import read_visit
from mapper.formats.visit_moment import read_span
from mapper.services import audit, users
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.intake import VIETNAM
from mapper.services.questions import default_set
from mapper.services.reference import Known, Reference
from mapper.stats import integrity as signs
from mapper.stats.integrity import Evidence, Form, Work
from mapper.store import integrity as kept
from mapper.store.database import Connection
from mapper.store.integrity import Note, SentForm

MOST = 30_000
"""Forms that are looked through at once; of more, a smaller area or a shorter period is to be chosen."""

MOST_WORDS = 1000
"""Characters of an explanation."""

READ = 0.9
"""Share of the work that is done when all forms are read."""

_UNMET = frozenset({Outcome.ABSENT, Outcome.LOCKED, Outcome.REFUSED})
TESTS = frozenset(test.code for test in signs.TESTS)

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Period:
    """What is looked through: forms of a campaign that arrived between two days, of an area of a set."""

    campaign_id: str
    first: date
    last: date
    set_id: str = ""
    area: Area | None = None


@dataclass(frozen=True, slots=True)
class FormTold:
    """What a form tells that a supervisor can hold against the canvasser's day. opened: ISO time.

    minutes: how long it was open. house_number: None where the house has none.
    """

    house_number: str | None
    opened: str | None
    minutes: float | None
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    people: int


@dataclass(frozen=True, slots=True)
class Examined:
    """What all tests came to, by canvassers' numbers. newest: by canvasser and test the seq of the newest odd form.

    told: by key what the odd forms of shown evidence, and those beside them, tell of themselves.
    """

    works: tuple[Work, ...]
    evidence: tuple[Evidence, ...]
    newest: dict[tuple[int, str], int]
    forms: int
    told: dict[str, FormTold] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that is shown. note: how it was explained, None where nobody did; closed: nothing new came since."""

    evidence: Evidence
    name: str
    newest: int
    note: Note | None
    closed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A canvasser whom the reader looks after. signs: those still open."""

    work: Work
    name: str
    signs: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader is shown. canvassers: (number, name) of all whom the reader looks after."""

    rows: tuple[Row, ...]
    open: tuple[Sign, ...]
    closed: tuple[Sign, ...]
    canvassers: tuple[tuple[int, str], ...]
    forms: int
    told: dict[str, FormTold]


def examine(reference: Reference, user: User, period: Period, progress: Progress = lambda _: None) -> Examined:
    """Read every form of a period that a user may see, and try all tests; some seconds for a thousand of them.

    Raises Forbidden for who oversees nobody, NotFound for a campaign that is not here, TooLarge for too many forms.
    """
    only_overseers(user)
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(period.campaign_id)
        cells = cells_in(
            reference, connection, known, user, default_set(known, period.set_id, period.last), period.area
        )
        asked = (campaign.id, period.first, period.last)
        sent = kept.sent_between(reference.database, connection, *asked, cells, MOST + 1)
        if len(sent) > MOST:
            raise TooLarge(
                mark("More than {limit} forms came in this period. Choose a smaller area or a shorter period."),
                limit=MOST,
            )
        by_seq = {one.seq: one for one in sent}
        communes = {number: cell.commune_code or "" for number, cell in reference.cells(connection).items()}
        forms: list[tuple[int, Form]] = []
        numbers: dict[str, str] = {}
        for number, (seq, xml) in enumerate(kept.xml_of(reference.database, connection, list(by_seq)), 1):
            visit = read_form(reference, connection, known, campaign, by_seq[seq], xml)
            if visit is not None:
                forms.append((seq, _form(by_seq[seq], communes.get(by_seq[seq].cell_id, ""), *visit)))
                if visit[0].house_number:
                    numbers[by_seq[seq].instance_id] = visit[0].house_number
            progress(READ * number / len(sent))
    forms.sort(key=lambda each: each[0])
    works, evidence = signs.reads([form for _, form in forms])
    seqs = {form.key: seq for seq, form in forms}
    newest = {(one.canvasser, one.test): max(seqs[key] for key in one.keys) for one in evidence if one.shown}
    # What is not shown is not looked at: of it only the numbers are remembered.
    stands_out = tuple(one for one in evidence if one.shown)
    odd = {key for one in stands_out for key in one.keys}
    odd |= {two.other for one in stands_out for two in one.beside}
    told = {form.key: _told(form, numbers.get(form.key)) for _, form in forms if form.key in odd}
    return Examined(tuple(works), stands_out, newest, len(forms), told)


def shown(reference: Reference, user: User, period: Period, found: Examined | None) -> Shown:
    """What was found, with the names of those alone whom a user looks after, and how it was explained."""
    only_overseers(user)
    with reference.database.read() as connection:
        names = {one.id: one.name for one in users.managed(reference, connection, user, Role.CANVASSER)}
        notes = kept.notes(reference.database, connection, period.campaign_id, list(names))
    found = found or Examined((), (), {}, 0)
    every = []
    for one in found.evidence:
        if one.canvasser in names:
            note, newest = notes.get((one.canvasser, one.test)), found.newest[one.canvasser, one.test]
            closed = note is not None and note.closes and newest <= note.upto_seq
            every.append(Sign(one, names[one.canvasser], newest, note, closed))
    still = tuple(sign for sign in every if not sign.closed)
    rows = [
        Row(work, names[work.canvasser], sum(sign.evidence.canvasser == work.canvasser for sign in still))
        for work in found.works
        if work.canvasser in names
    ]
    rows.sort(key=lambda row: (-row.signs, order_key(row.name), row.work.canvasser))
    canvassers = sorted(names.items(), key=lambda each: (order_key(each[1]), each[0]))
    return Shown(
        tuple(rows), still, tuple(sign for sign in every if sign.closed), tuple(canvassers), found.forms, found.told
    )


def explain(
    reference: Reference, user: User, campaign_id: str, canvasser: int, test: str, upto: int, words: str
) -> None:
    """Note how a sign is explained, which closes it until newer forms show the same.

    upto: seq of the newest form that it showed. Raises InvalidInput without words, NotFound for a canvasser whom the
    user does not look after.
    """
    words = words.strip()
    if not words:
        raise InvalidInput(mark("Write what explains it, in your own words."))
    if len(words) > MOST_WORDS:
        raise InvalidInput(mark("Write at most {most} characters."), most=MOST_WORDS)
    _note(reference, user, campaign_id, canvasser, test, upto, words, closes=True)


def open_again(reference: Reference, user: User, campaign_id: str, canvasser: int, test: str) -> None:
    """Take an explanation back; what was written stays in the record."""
    _note(reference, user, campaign_id, canvasser, test, 0, "", closes=False)


def _note(
    reference: Reference, user: User, campaign_id: str, canvasser: int, test: str, upto: int, words: str, closes: bool
) -> None:
    only_overseers(user)
    if test not in TESTS:
        raise InvalidInput(mark("There is no sign {sign}. Choose one of the page."), sign=test[:40])
    with reference.database.write() as connection:
        known = reference.known(connection)
        known.campaign(campaign_id)
        account = users.find_managed(reference, connection, user, canvasser)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        kept.add_note(connection, Note(campaign_id, account.id, test, upto, words, closes, user.id or None, at))
        action = "integrity.explained" if closes else "integrity.reopened"
        facts = {"campaign": campaign_id, "sign": test}
        audit.record(reference, connection, user.id, user.name, action, str(account.id), facts)


def only_overseers(user: User) -> None:
    """Raise Forbidden for who looks after nobody."""
    if user.role not in OVERSEERS:
        raise Forbidden(mark("This page is for those who look after canvassers. Ask their supervisor."))


Read = tuple[Visit, datetime | None, datetime | None]


def read_form(
    reference: Reference, connection: Connection, known: Known, campaign: Campaign, sent: SentForm, xml: bytes
) -> Read | None:
    """What a submission tells, and when it was opened and finished; None where nobody can read it."""
    form = reference.roles(connection, known, sent.form_id, sent.form_version)
    if form is None or not form[0].draws_coverage:
        return None
    roles: Roles = form[0]
    try:
        instance = read_instance(xml, reference.namespaces(connection, known))
        visit, _ = read_visit(instance, roles, campaign, sent.received_on, sent.instance_id)
    except MapperError:
        return None
    return (visit, *read_span(instance.root, roles))


def _form(sent: SentForm, commune: str, visit: Visit, start: datetime | None, end: datetime | None) -> Form:
    met = visit.outcome == Outcome.INTERVIEWED
    local = start.astimezone(VIETNAM) if start is not None else None
    point = visit.point
    told = visit.people if met and not visit.partial else ()
    return Form(
        key=sent.instance_id,
        canvasser=sent.sender_id,
        place=commune,
        phone=sent.device_id or "",
        start=start.timestamp() if start is not None else None,
        end=end.timestamp() if end is not None else None,
        hour=local.hour + local.minute / 60 if local is not None else None,
        lat=point.lat if point is not None else None,
        lon=point.lon if point is not None else None,
        accuracy_m=point.accuracy_m if point is not None else None,
        outcome="met" if met else "unmet" if visit.outcome in _UNMET else "empty",
        whole=not visit.partial,
        people=tuple(_answers(person) for person in told),
        ages=tuple((visit.visited_on - person.born_on).days * 4 // 1461 for person in told if person.born_on),
        dose_days=tuple(dose.given_on.isoformat() for one in told for dose in one.doses if dose.given_on),
    )


def _told(form: Form, house_number: str | None) -> FormTold:
    opened = None if form.start is None else datetime.fromtimestamp(form.start, UTC).isoformat(timespec="seconds")
    minutes = None if form.seconds is None else form.seconds / 60
    return FormTold(house_number, opened, minutes, form.lat, form.lon, form.accuracy_m, len(form.people))


def _answers(person: Person) -> tuple[str, ...]:
    """What is compared between two households; names are left out, since who copies changes them."""
    return (
        person.born_on.isoformat() if person.born_on else "",
        person.sex or "",
        person.residence,
        person.contraindication or "",
        person.refusal_reason or str(person.refused),
        *(f"{dose.code} {dose.given_on} {dose.vaccine}" for dose in person.doses),
    )
