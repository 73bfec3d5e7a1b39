"""Updates of one household that may contradict each other: side by side for a supervisor, who decides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from mapper.domain.campaign import Campaign
from mapper.domain.entities import Placed, Standing
from mapper.domain.people import Property, Visit
from mapper.domain.roles import OVERSEERS
from mapper.domain.updates import WHOLE, Compared, Said, compare
from mapper.errors import Conflict, Forbidden, InvalidInput, NotFound, mark
from mapper.services import audit
from mapper.services.accounts import User, visible_cells
from mapper.services.counting import EVERYTHING, Gathered, lock_together, recount, write
from mapper.services.phone_lists import reasons
from mapper.services.reference import Known, Reference
from mapper.services.review import place_name
from mapper.services.tellings import House, Rulings, Teller, fold, stands_now, tellers_of
from mapper.store import accounts, decisions, register, submissions
from mapper.store.database import Connection
from mapper.store.decisions import Decided

LISTED = 50
"""Households shown at once."""

OTHERWISE, NOW = "otherwise", "now"
"""What may be chosen of a property beside one of the updates: what is known without them, and what counts already."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the updates. version: its own; base: the version it was made to, None for one that tells none.

    sender: name of the user who sent it, None where nobody knows. aside: what of it does not count.
    """

    instance_id: str
    version: int
    base: int | None
    visited_on: date
    received_at: str
    sender: str | None
    aside: frozenset[Property]

    def leaves_out(self, row: Compared) -> bool:
        """Whether somebody decided that a property of it does not count."""
        person = (row.person, "person", "")
        return WHOLE in self.aside or row.key in self.aside or (bool(row.person) and person in self.aside)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An update and those that were made at the same time; the later one, about which to decide, stands last.

    names: of the people whom the updates speak of, by id. places: names of hamlets and communes, by code. rows: with
    one value for each side, in their order. decided: what was decided about it, None while nobody has.
    """

    campaign: Campaign
    household_id: str
    place: str
    house: str | None
    sides: tuple[Side, ...]
    rows: tuple[Compared, ...]
    names: dict[str, str]
    places: dict[object, str]
    decided: Decided | None = None

    @property
    def about(self) -> Side:
        """The update about which to decide."""
        return self.sides[-1]

    @property
    def contested(self) -> list[Compared]:
        """Properties about which to decide."""
        return [row for row in self.rows if row.contested]

    @property
    def agreed(self) -> list[Compared]:
        """Properties that are the same whichever update counts."""
        return [row for row in self.rows if not row.contested]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a supervisor chose about a contradiction.

    sides: instance ids of the updates that they saw, the one it is about last. of: by property the instance id of the
    update that is right about it, OTHERWISE or NOW; what is not named stays as it is. all_of: an update that is right
    about everything; nothing_of: one of which nothing counts.
    """

    sides: tuple[str, ...]
    of: Mapping[Property, str] = field(default_factory=dict)
    all_of: str | None = None
    nothing_of: str | None = None


def contradictions(reference: Reference, user: User, limit: int = LISTED) -> list[Contradiction]:
    """Those of the user's area about which nobody has decided yet, the newest first.

    limit: of households. Raises Forbidden for a role that does not look after others' work.
    """
    _only_overseers(user)
    with reference.database.read() as connection:
        known = reference.known(connection)
        visible = visible_cells(reference, connection, user)
        cells = reference.cells(connection)
        found: list[Contradiction] = []
        houses = register.found_in(reference.database, connection, "update_conflict", limit, visible)
        for campaign_id, household_id, cell_id in houses:
            updates = _Updates.read(reference, connection, known, (campaign_id, household_id))
            place = place_name(known, cells.get(cell_id))
            found += [_shown(connection, known, updates, place, sides) for sides in updates.open()]
    return found


def decided(reference: Reference, user: User, limit: int = LISTED, offset: int = 0) -> list[Contradiction]:
    """Those of the user's area about which somebody has decided, the latest decision first.

    Raises Forbidden for a role that does not look after others' work.
    """
    _only_overseers(user)
    with reference.database.read() as connection:
        known = reference.known(connection)
        visible = visible_cells(reference, connection, user)
        cells = reference.cells(connection)
        found = []
        for each in decisions.holding(reference.database, connection, limit, offset, visible):
            updates = _Updates.read(reference, connection, known, each.household)
            place = place_name(known, cells.get(each.cell_id))
            found.append(_shown(connection, known, updates, place, updates.weighed(each), each))
    return found


Words = Mapping[str, Mapping[str, Mapping[str, str]]]
"""By campaign and property, what its forms call each word that can be chosen."""

_CHOSEN = {
    "contraindicated": "person.contraindication",
    "refused": "person.refusal_reason",
    "deferred_until": "person.deferral_reason",
    "priorities": "person.priority",
}


def words(reference: Reference, campaign_ids: Collection[str], language: str) -> Words:
    """What the forms of some campaigns call reasons and priority groups."""
    with reference.database.read() as connection:
        return {
            campaign_id: {what: reasons(connection, campaign_id, language, [role]) for what, role in _CHOSEN.items()}
            for campaign_id in campaign_ids
        }


@dataclass(frozen=True, slots=True)
class _Updates:
    """All that is told of a household: its submissions in order of arrival, and where each of them stands."""

    household: House
    tellers: list[Teller]
    line: tuple[Placed, ...]
    rulings: Rulings

    @classmethod
    def read(cls, reference: Reference, connection: Connection, known: Known, household: House) -> _Updates:
        tellers = tellers_of(reference, connection, known, household)
        line = stands_now(connection, household, tellers)
        return cls(household, tellers, line, Rulings.read(reference, connection, tellers))

    def open(self) -> list[list[Teller]]:
        """Updates about which nobody has decided yet, each after those that it stands against."""
        found = []
        for teller, placed in zip(self.tellers, self.line, strict=True):
            against = self.rulings.opponents(self.tellers, placed)
            if self.rulings.open(teller, against):
                found.append([*against, teller])
        return found

    def weighed(self, about: Decided) -> list[Teller]:
        """The updates that a decision weighed, as far as they still tell of the household."""
        return [each for each in self.tellers if each.stored.instance_id in about.said]

    def compared(self, sides: Sequence[Teller]) -> list[Compared]:
        """What each of some updates tells, what is known without them, and what counts."""
        applied = [pair for pair in self._placed() if pair[1].standing is Standing.APPLIED]
        others = [pair for pair in applied if pair[0] not in sides]
        otherwise = fold(others, self.rulings) if others else None
        return compare([each.visit for each in sides], otherwise, fold(applied, self.rulings))

    def began_with(self) -> str | None:
        """The submission that the household began with."""
        return next((teller.stored.instance_id for teller, placed in self._placed() if placed.version == 1), None)

    def placed(self, teller: Teller) -> Placed:
        """Where an update stands."""
        return self.line[self.tellers.index(teller)]

    def _placed(self) -> list[tuple[Teller, Placed]]:
        return list(zip(self.tellers, self.line, strict=True))


def _shown(
    connection: Connection,
    known: Known,
    updates: _Updates,
    place: str,
    sides: Sequence[Teller],
    about: Decided | None = None,
) -> Contradiction:
    tellers = updates.tellers
    names = {person.id: person.name for teller in tellers for person in teller.visit.people if person.name}
    return Contradiction(
        known.campaigns[updates.household[0]],
        updates.household[1],
        place,
        next((number for teller in reversed(tellers) if (number := teller.visit.house_number)), None),
        tuple(_side(connection, updates, each) for each in sides),
        tuple(updates.compared(sides)),
        names,
        _places(known, [each.visit for each in tellers]),
        about,
    )


def _places(known: Known, visits: Sequence[Visit]) -> dict[object, str]:
    names: dict[object, str] = {}
    home = known.sets[known.home] if known.home is not None else None
    for visit in visits:
        hamlet = known.hamlets.get(visit.hamlet_code or "")
        unit = home.units.get((home.leaf, visit.commune_code or "")) if home else None
        names |= {visit.hamlet_code: hamlet.label} if hamlet else {}
        names |= {visit.commune_code: unit.name} if unit else {}
    return names


def _side(connection: Connection, updates: _Updates, teller: Teller) -> Side:
    stored, placed = teller.stored, updates.placed(teller)
    sender = accounts.by_id(connection, stored.sender_id) if stored.sender_id is not None else None
    return Side(
        stored.instance_id,
        placed.version or 0,
        placed.base,
        teller.visit.visited_on,
        stored.received_at,
        sender.name if sender else None,
        updates.rulings.aside.get(stored.instance_id, frozenset()),
    )


def decide(reference: Reference, user: User, instance_id: str, choice: Choice) -> None:
    """Say of an update and those that it contradicts which of them is right about what; counts at once.

    What the others tell of that is set aside: they are as if they did not speak of it. A rebuild keeps to it, and
    ``take_back`` opens it again. Raises Forbidden for a role that does not look after others' work, NotFound for an
    update that contradicts nothing, or lies outside of the user's area, Conflict where somebody has decided meanwhile
    or another update has come, InvalidInput for a choice that there is not, such as to set aside what the household
    began with.
    """

    def said_of(updates: _Updates) -> Said:
        about = next((t for t in updates.tellers if t.stored.instance_id == instance_id), None)
        if about is None or not updates.placed(about).against:
            raise _nothing(instance_id)
        sides = next((sides for sides in updates.open() if sides[-1] is about), [])
        ids = tuple(each.stored.instance_id for each in sides)
        if ids != choice.sides:
            raise Conflict(
                mark(
                    "Somebody has decided about submission {instance_id} meanwhile, or another update of the "
                    "household has come. Open the page of contradictions again, then decide."
                ),
                instance_id=instance_id,
            )
        said = _said(ids, updates.compared(sides), choice, updates.began_with())
        # This one takes the place of what was decided before another update came.
        before = updates.rulings.decided.get(instance_id, {})
        return {each: {**before.get(each, {}), **said.get(each, {})} for each in {**before, **said}}

    _change(reference, user, instance_id, "conflict.decided", said_of)


def take_back(reference: Reference, user: User, instance_id: str) -> None:
    """Open a contradiction again about which somebody decided; what was decided stays kept, and no longer holds.

    Raises Forbidden for a role that does not look after others' work, NotFound for an update about which nothing
    decided holds, or outside of the user's area.
    """

    def said_of(updates: _Updates) -> None:
        if instance_id not in updates.rulings.decided:
            raise NotFound(
                mark("Nothing that was decided about submission {instance_id} holds. Open the page again."),
                instance_id=instance_id,
            )

    _change(reference, user, instance_id, "conflict.reopened", said_of)


def _change(
    reference: Reference, user: User, instance_id: str, action: str, said_of: Callable[[_Updates], Said | None]
) -> None:
    """Keep what is decided about an update, and count its household anew. said_of: what that is."""
    _only_overseers(user)
    database, gathered = reference.database, Gathered()
    with database.write() as connection:
        database.lock(connection, EVERYTHING, shared=True)
        known = reference.known(connection)
        household = submissions.told_of(connection, instance_id)
        if household is None:
            raise _nothing(instance_id)
        lock_together(database, connection, [household])
        visible = visible_cells(reference, connection, user)
        if visible is not None and register.cell_of(connection, *household) not in visible:
            raise _nothing(instance_id)
        updates = _Updates.read(reference, connection, known, household)
        said = said_of(updates)
        decisions.add(connection, instance_id, said, user.id, datetime.now(UTC).isoformat(timespec="seconds"))
        recount(reference, connection, known, household, updates.tellers, gathered)
        write(reference, connection, gathered)
        facts = {"household": household[1]} | _in_short(said or {})
        audit.record(reference, connection, user.id, user.name, action, instance_id, facts)
    known.cells.update(gathered.new_cells)


def _said(sides: Sequence[str], rows: Sequence[Compared], choice: Choice, began: str | None) -> Said:
    """What a choice says of each property of each update."""
    for each in (choice.all_of, choice.nothing_of):
        if each is None or each in sides:
            continue
        if each == began:
            message = mark("The household began with submission {instance_id}, so it stays. Set the other one aside.")
        else:
            message = mark(
                "Submission {instance_id} is none of those that contradict each other here. "
                "Open the page of contradictions again."
            )
        raise InvalidInput(message, instance_id=each[:60])
    said: dict[str, dict[Property, bool]] = {each: {} for each in sides}
    if choice.nothing_of is not None:
        return said | {choice.nothing_of: {WHOLE: False}}
    contested = {row.key: row for row in rows if row.contested}
    for key in choice.of:
        if key not in contested:
            raise _no_choice(key)
    for key, row in contested.items():
        told = {each: value for each, value in zip(sides, row.values, strict=True) if value is not None}
        right = choice.of.get(key, NOW)
        if choice.all_of is not None:
            right = choice.all_of if choice.all_of in told else NOW
        if right != NOW and right not in told and not (right == OTHERWISE and row.can_stay):
            raise _no_choice(key)
        chosen = row.otherwise if right == OTHERWISE else told.get(right)
        if right == NOW or chosen == row.now:
            continue  # it counts already, and nothing has to be set aside for it
        for each, value in told.items():
            said[each][key] = value == chosen
    for place, each in enumerate(sides):
        if not any(said[each].get(row.key, True) for row in rows if row.values[place] is not None):
            said[each] = {WHOLE: False}
    return said


def _no_choice(key: Property) -> InvalidInput:
    return InvalidInput(
        mark(
            "There is no such choice about {property}: choose one of the updates that tell it. Somebody whom no other "
            "visit names is taken out as a whole only."
        ),
        property=" ".join(filter(None, key[1:]))[:60],
    )


def _in_short(said: Said) -> dict[str, str]:
    """What does not count, for the trail: names of properties alone."""
    return {
        instance_id: ", ".join(
            sorted({" ".join(filter(None, key[1:])) or "*" for key, counts in of_it.items() if not counts})
        )
        for instance_id, of_it in said.items()
        if not all(of_it.values())
    }


def _nothing(instance_id: str) -> NotFound:
    return NotFound(
        mark("Submission {instance_id} contradicts no other here. Open the page of contradictions again."),
        instance_id=instance_id,
    )


def _only_overseers(user: User) -> None:
    if user.role not in OVERSEERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
