"""Slips for people: given out with a signature, revoked, and checked by whoever is shown one.

Kept is only what proves a slip; what stands on it stands on the slip alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mapper.domain.campaign import Campaign, Period
from mapper.domain.people import Person
from mapper.domain.slip import BirthAs, NameAs, RevokedFor, Slip, Standing, content_of, slip_of
from mapper.errors import Conflict, InvalidInput, NotFound, TooLarge, mark
from mapper.formats import slip_code
from mapper.formats.slip_code import Fault
from mapper.services import audit, slip_keys
from mapper.services.accounts import User, sees
from mapper.services.intake import now
from mapper.services.reference import Reference
from mapper.services.slip_homes import homes, mended_with
from mapper.store import follow_up
from mapper.store import reference as kept
from mapper.store import slips as store
from mapper.store.database import Connection
from mapper.store.follow_up import HouseholdRow
from mapper.store.slips import KeptSlip, NewSlip

MOST_AT_ONCE = 200
"""Slips in one PDF: fifty pages of A4."""

MONTHS = (3, 6, 12, 24)
"""How long a slip may be good."""

_SALT = "slip_salt"


@dataclass(frozen=True, slots=True)
class Choice:
    """How slips are written. months: of MONTHS, from the day they are given."""

    name: NameAs = NameAs.FULL
    birth: BirthAs = BirthAs.DATE
    months: int = 12


@dataclass(frozen=True, slots=True)
class Given:
    """A slip just given out, with the text of its QR code."""

    slip: Slip
    text: str


@dataclass(frozen=True, slots=True)
class ShownSlip:
    """A slip as the people of the office see it."""

    kept: KeptSlip
    standing: Standing


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of a household with the slips given to them, the newest first."""

    person: Person
    slips: tuple[ShownSlip, ...]


@dataclass(frozen=True, slots=True)
class HouseSlips:
    """A household and its people's slips. former: of people who are not in it any more."""

    campaign: Campaign
    house: HouseholdRow
    members: tuple[Member, ...]
    former: tuple[ShownSlip, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What is to be said of a slip that was signed here. at: since when it was revoked, or its key withdrawn."""

    slip: Slip
    standing: Standing
    at: str | None
    campaign: Campaign | None


def household(reference: Reference, user: User, campaign_id: str, household_id: str, day: date) -> HouseSlips:
    """A household with its slips. Raises NotFound where there is none that the user may see."""
    with reference.database.read() as connection:
        campaign = reference.known(connection).campaign(campaign_id)
        seq = _visible(reference, connection, user, campaign_id, [household_id])[household_id]
        house = follow_up.by_number(reference.database, connection, campaign_id, [seq])[seq]
        people = [person for person, _ in follow_up.people(reference.database, connection, [seq]).get(seq, [])]
        living = homes(reference, connection, campaign_id, [household_id])
        given = store.of_household(connection, campaign_id, household_id)
        others = [each for each in living.people if each != household_id]
        theirs = store.of_households(reference.database, connection, campaign_id, others) if others else []
        given += [one for one in theirs if living.of(one.household_id, one.person_id) == household_id]
        given.sort(key=lambda one: one.issued_at, reverse=True)
        salt, withdrawn = kept.fact(connection, _SALT) or "", _withdrawn(reference, connection)
        shown = []
        for one in given:
            person = living.person(one.household_id, one.person_id)
            shown.append(ShownSlip(one, _standing(one, _sealed(salt, person) if person else None, withdrawn, day)))
    here = {person.id for person in people}
    members = tuple(Member(person, tuple(one for one in shown if one.kept.person_id == person.id)) for person in people)
    house_slips = HouseSlips(campaign, house, members, tuple(one for one in shown if one.kept.person_id not in here))
    if people:
        facts = {"campaign": campaign_id, "household": household_id, "number": len(people)}
        audit.record_seen(reference, user.id, user.name, "people.listed", campaign_id, facts)
    return house_slips


def household_of(reference: Reference, instance_id: str) -> tuple[str, str]:
    """(campaign, household) of a submission. Raises NotFound where it tells of none."""
    with reference.database.read() as connection:
        found = store.household_of(connection, instance_id)
    if found is None:
        raise NotFound(mark("This submission tells of no household yet, so that there is nobody to give a slip to."))
    return found


def _visible(
    reference: Reference, connection: Connection, user: User, campaign_id: str, household_ids: Sequence[str]
) -> dict[str, int]:
    """Numbers in the register of households that the user may see, all of them. Raises NotFound for any other."""
    known, cells = reference.known(connection), reference.cells(connection)
    found = store.houses(reference.database, connection, campaign_id, household_ids)
    if len(found) < len(set(household_ids)) or not all(sees(known, user, cells[cell]) for _, cell in found.values()):
        raise NotFound(mark("There is no such household, or it is not among those that you may see."))
    return {identity: seq for identity, (seq, _) in found.items()}


def give(
    reference: Reference,
    user: User,
    campaign_id: str,
    wanted: Mapping[str, Sequence[str] | None],
    choice: Choice,
    day: date,
) -> list[Given]:
    """Give slips to people of households, in the order asked for; it is entered in the audit trail.

    wanted: by household the ids of its people, None for all of them. Older slips of these households that the register
    contradicts by now are revoked. Raises NotFound for a household that the user may not see, InvalidInput where
    nobody was chosen, TooLarge for more than MOST_AT_ONCE.
    """
    with reference.database.write() as connection:
        reference.known(connection).campaign(campaign_id)
        seqs = _visible(reference, connection, user, campaign_id, list(wanted))
        told = follow_up.people(reference.database, connection, list(seqs.values()))
        chosen = [
            (household_id, person)
            for household_id, ids in wanted.items()
            for person, _ in told.get(seqs[household_id], [])
            if ids is None or person.id in ids
        ]
        if not chosen:
            raise InvalidInput(mark("Nobody was chosen. Choose at least one person."))
        if len(chosen) > MOST_AT_ONCE:
            raise TooLarge(
                mark("These are {people} people; at most {most} slips are made at once. Choose fewer."),
                people=len(chosen),
                most=MOST_AT_ONCE,
            )
        signing = begin_signing(reference, connection, user, campaign_id, choice, day)
        made = [signing.slip(household_id, person) for household_id, person in chosen]
        given, new = [one for one, _ in made], [one for _, one in made]
        contents = {
            household_id: {person.id: signing.sealed(person) for person, _ in told.get(seq, [])}
            for household_id, seq in seqs.items()
        }
        keep_given(reference, connection, campaign_id, contents, new)
        facts: dict[str, object] = {"campaign": campaign_id, "number": len(new)}
        facts |= {"household": next(iter(wanted))} if len(wanted) == 1 else {}
        audit.record(reference, connection, user.id, user.name, "slip.given", campaign_id, facts)
    return given


@dataclass(frozen=True, slots=True)
class Signing:
    """With what the slips of one making are signed. day: on which they are given; at: the same as ISO time."""

    campaign_id: str
    choice: Choice
    key: bytes
    key_id: str
    salt: str
    day: date
    until: date
    at: str
    user_id: int | None

    def slip(self, household_id: str, person: Person) -> tuple[Given, NewSlip]:
        """A person's slip and what is kept of it. Raises what ``slip_of`` and ``sign_legibly`` raise."""
        identity = secrets.token_urlsafe(9)
        slip = slip_of(identity, self.campaign_id, person, self.choice.name, self.choice.birth, self.day, self.until)
        text = slip_code.sign_legibly(slip, self.key)
        kept_of_it = NewSlip(
            id=identity,
            campaign_id=self.campaign_id,
            household_id=household_id,
            person_id=person.id,
            sha256=_sha256(text),
            content=self.sealed(person),
            key_id=self.key_id,
            issued_on=self.day,
            until=self.until,
            issued_at=self.at,
            issued_by=self.user_id,
        )
        return Given(slip, text), kept_of_it

    def sealed(self, person: Person) -> str:
        """A hash of what the register says of somebody, which tells nobody what that is."""
        return _sealed(self.salt, person)


def begin_signing(
    reference: Reference, connection: Connection, user: User, campaign_id: str, choice: Choice, day: date
) -> Signing:
    """What signs slips of a day, within a write; the key is made with the first. Raises InvalidInput."""
    if choice.months not in MONTHS:
        raise InvalidInput(mark("A slip is good for {months} months."), months=", ".join(map(str, MONTHS)))
    key = slip_keys.signing_key(reference, connection)
    return Signing(
        campaign_id,
        choice,
        key,
        slip_code.key_id(slip_code.public_key(key)),
        kept.keep_fact(reference.database, connection, _SALT, secrets.token_hex(32)),
        day,
        Period(choice.months).after(day) - timedelta(days=1),
        now().isoformat(timespec="seconds"),
        user.id or None,
    )


def keep_given(
    reference: Reference,
    connection: Connection,
    campaign_id: str,
    contents: Mapping[str, Mapping[str, str]],
    new: Sequence[NewSlip],
) -> None:
    """Keep slips; older ones of their households that the register contradicts are revoked, as a page without a line
    is to know.

    contents: by household and person what the register says, sealed.
    """
    if not new:
        return
    together = mended_with(reference, connection, campaign_id, contents)
    living = homes(reference, connection, campaign_id, together)
    salt = kept.fact(connection, _SALT) or ""
    for old in store.of_households(reference.database, connection, campaign_id, [*contents, *together]):
        content = contents.get(old.household_id, {}).get(old.person_id)
        if content is None and (person := living.person(old.household_id, old.person_id)) is not None:
            content = _sealed(salt, person)
        if old.revoked_at is None and old.content != content:
            store.revoke(connection, old.id, new[0].issued_at, new[0].issued_by, RevokedFor.REPLACED)
    store.add(connection, new)


def revoke(reference: Reference, user: User, identity: str, reason: str) -> KeptSlip:
    """Let a slip hold no more. Raises NotFound for one outside the user's areas, Conflict where it was revoked."""
    if reason not in set(RevokedFor) - {RevokedFor.REPLACED}:
        raise InvalidInput(mark("Say why the slip is revoked: choose one of the reasons."))
    with reference.database.write() as connection:
        old = store.slip(connection, identity)
        if old is None:
            raise NotFound(mark("There is no such slip, or it is not among those that you may see."))
        living = homes(reference, connection, old.campaign_id, [old.household_id])
        answering = living.answers_for(old.household_id, old.person_id)
        _visible(reference, connection, user, old.campaign_id, [answering])
        at = now().isoformat(timespec="seconds")
        if not store.revoke(connection, identity, at, user.id or None, reason):
            raise Conflict(mark("This slip was revoked before. Nothing was changed."))
        facts = {"campaign": old.campaign_id, "household": old.household_id, "reason": reason}
        audit.record(reference, connection, user.id, user.name, "slip.revoked", identity, facts)
    return old


def check(reference: Reference, typed: str, day: date) -> Checked | Fault:
    """What is to be said of a slip's text, or of the address in its QR code."""
    text = slip_code.from_address(typed)
    with reference.database.read() as connection:
        known_keys = slip_keys.keys(reference, connection)
        found = slip_code.check(text, {key.id: key.public for key in known_keys})
        if isinstance(found, Fault):
            return found
        slip = found.slip
        withdrawn = _withdrawn(reference, connection)
        campaign = reference.known(connection).campaigns.get(slip.campaign_id)
        old = store.slip(connection, slip.id)
        if old is None or not hmac.compare_digest(old.sha256, _sha256(text)):
            at = withdrawn.get(found.key_id)
            return Checked(slip, Standing.WITHDRAWN if at else Standing.UNKNOWN, at, campaign)
        living = homes(reference, connection, old.campaign_id, [old.household_id])
        person = living.person(old.household_id, old.person_id)
        content = _sealed(kept.fact(connection, _SALT) or "", person) if person else None
    standing = _standing(old, content, withdrawn, day)
    at = withdrawn.get(old.key_id) if standing is Standing.WITHDRAWN else old.revoked_at
    return Checked(slip, standing, at, campaign)


def _standing(one: KeptSlip, content: str | None, withdrawn: Mapping[str, str], day: date) -> Standing:
    """content: the seal of what the register says now, None where it knows the person no more."""
    if one.key_id in withdrawn:
        return Standing.WITHDRAWN
    if one.revoked_at is not None:
        return Standing.SUPERSEDED if one.reason == RevokedFor.REPLACED else Standing.REVOKED
    if day > one.until:
        return Standing.EXPIRED
    return Standing.GOOD if content == one.content else Standing.SUPERSEDED


def _withdrawn(reference: Reference, connection: Connection) -> dict[str, str]:
    return {key.id: key.withdrawn_at for key in slip_keys.keys(reference, connection) if key.withdrawn_at}


def _sealed(salt: str, person: Person) -> str:
    """A hash of what the register says of somebody, which tells nobody what that is."""
    return hmac.new(salt.encode(), content_of(person).encode(), hashlib.sha256).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Known:
    """What a page without a line must know. revoked: by number, since when; of slips that would be good otherwise."""

    keys: tuple[slip_keys.SlipKey, ...]
    revoked: Mapping[str, str]
    campaigns: Mapping[str, Campaign]


def known(reference: Reference, day: date) -> Known:
    """Everything that checks a slip on a day without asking this server again; nobody's name is in it."""
    with reference.database.read() as connection:
        found = tuple(slip_keys.keys(reference, connection))
        return Known(found, dict(store.revoked(connection, day)), reference.known(connection).campaigns)


def counts(reference: Reference) -> tuple[int, int]:
    """How many slips were given out, and how many of them revoked."""
    with reference.database.read() as connection:
        return store.counts(connection)


def campaign(reference: Reference, campaign_id: str) -> Campaign:
    """A campaign by its id. Raises NotFound where it is unknown."""
    with reference.database.read() as connection:
        return reference.known(connection).campaign(campaign_id)
