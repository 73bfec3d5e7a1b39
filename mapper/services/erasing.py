"""Erasing one person or one household: everything that holds them, in one transaction, and nothing else.

They count on as numbers: what they added to the tallies stays, of their place and without them. A rebuild from the
submissions, which are without them too, adds it again.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mapper.domain.dividing import TwoHouseholds
from mapper.domain.mending import SameHousehold, SamePerson, TwoPeople
from mapper.domain.people import Person
from mapper.domain.places import name_key
from mapper.domain.roles import Role
from mapper.errors import Conflict, Forbidden, InvalidInput, MapperError, NotFound, mark
from mapper.formats.declared import Roles
from mapper.formats.instance import Instance, read_instance
from mapper.formats.redaction import Member, redact
from mapper.services import audit, notice_board
from mapper.services.accounts import User
from mapper.services.counting import EVERYTHING, Gathered, gather, recount, take_out, write
from mapper.services.erased import Marks, Telling, told
from mapper.services.erasing_traces import Gone, clear_traces
from mapper.services.reference import Known, Reference
from mapper.services.tellings import tellers_of
from mapper.store import erasing, follow_up, mendings, register, tallies
from mapper.store import reference as kept
from mapper.store.database import Connection
from mapper.store.erasing import Holder
from mapper.store.mendings import Mended
from mapper.store.submissions import SubmissionState

REASONS: Mapping[str, str] = {
    "request": mark("they, or who stands for them, asked for it"),
    "mistake": mark("registered by mistake"),
    "order": mark("an authority ordered it"),
}
"""Why somebody is erased."""

WORDS: Mapping[str, str] = {
    "people": mark("people of the register"),
    "submissions": mark("submissions deleted, with all their versions"),
    "redacted": mark("submissions kept without the person"),
    "files": mark("photos and other files"),
    "mended": mark("corrections and joinings of cleaning"),
    "decided": mark("decisions about findings and contradictions"),
    "words": mark("comments and notes emptied that name them"),
    "slips": mark("slips, which no longer hold"),
    "plans": mark("plans in which they are nobody now"),
    "plans_gone": mark("plans"),
    "drawn": mark("houses of samples and lots"),
    "register": mark("entries in extracts of the national register"),
    "trials": mark("trial submissions"),
    "filters": mark("saved filters"),
    "counts": mark("numbers of the tallies that stay, without anybody"),
}
"""What is taken out, by its word in the record, in words."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom to erase. person_id: "" for the whole household. all_files: of a person, all photos of the household too."""

    campaign_id: str
    household_id: str
    person_id: str = ""
    reason: str = "request"
    all_files: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken out, or would be. number: of the erasure; people: how they are called, shown before alone."""

    number: int
    numbers: Mapping[str, int]
    people: tuple[str, ...]
    households: tuple[str, ...]


class _OnlyLooked(Exception):
    """Ends the transaction of a preview."""


def preview(reference: Reference, user: User | None, wish: Wish) -> Taken:
    """What an erasure would take out: it is done, and undone before anybody sees it. Raises what ``erase`` does."""
    try:
        with reference.database.write() as connection:
            found = _erase(reference, connection, user, wish)
            raise _OnlyLooked
    except _OnlyLooked:
        pass
    finally:
        reference.forget()
    return found


def erase(reference: Reference, user: User | None, wish: Wish) -> Taken:
    """Erase a person or a household; user None at the command line. The trail tells that somebody was, and not who.

    Afterwards ``sweep`` is to be called. Raises Forbidden, InvalidInput for an unknown reason, NotFound for whom nobody
    told of, Conflict where something must be taken back first.
    """
    with reference.database.write() as connection:
        found = _erase(reference, connection, user, wish)
        facts = {"reason": wish.reason, "number": found.number}
        kind = "erased.person" if wish.person_id else "erased.household"
        name = audit.COMMAND_LINE if user is None else user.name
        audit.record(reference, connection, user.id if user else None, name, kind, wish.campaign_id, facts)
    reference.forget()
    return found


def sweep(reference: Reference) -> None:
    """Take away copies that were made of the register, and what deleted rows left in the database's files.

    Safe to call again at any time. Raises Unavailable where somebody else uses the database meanwhile.
    """
    if reference.folder is not None and reference.folder.exists():
        shutil.rmtree(reference.folder, ignore_errors=True)
    with reference.database.write() as connection:
        notice_board.forget_people(connection)
    erasing.sweep(reference.database)
    with reference.database.write() as connection:
        kept.forget_fact(connection, erasing.DUE)


def sweep_if_due(reference: Reference) -> None:
    """The same, where somebody was erased since it was done last."""
    with reference.database.read() as connection:
        due = kept.fact(connection, erasing.DUE)
    if due is not None:
        sweep(reference)


def _erase(reference: Reference, connection: Connection, user: User | None, wish: Wish) -> Taken:
    may_erase(user)
    if wish.reason not in REASONS:
        raise InvalidInput(mark("Say why they are erased: one of {reasons}."), reasons=", ".join(REASONS))
    database = reference.database
    database.lock(connection, erasing.LOCK)
    database.lock(connection, EVERYTHING)
    known = reference.known(connection)
    known.campaign(wish.campaign_id)
    if erasing.waiting_extracts(connection, wish.campaign_id):
        raise Conflict(
            mark(
                "An extract of the national register waits for somebody to say what its columns hold, and may name "
                "them. Take it in or delete it on the page of the national register first."
            )
        )
    scope = _Scope.of(reference, connection, wish)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    kind = "person" if wish.person_id else "household"
    number = erasing.add(connection, wish.campaign_id, kind, wish.reason, user.id if user else None, at)
    work = _Erasing(reference, connection, known, wish, scope, number, at, user.id if user else None)
    return work.done()


def may_erase(user: User | None) -> None:
    """Raise Forbidden for everybody but administrators of the whole installation; None is the command line."""
    if user is not None and (user.role != Role.ADMINISTRATOR or user.areas):
        raise Forbidden(mark("Only an administrator without areas erases people. Ask one of them."))


@dataclass(frozen=True, slots=True)
class _Scope:
    """Whom it is about. whole: households that go; around: all that hang together with them, themselves too.

    people: of the register who go, ids: all their ids. mended: as it stands.
    """

    whole: tuple[str, ...]
    around: tuple[str, ...]
    people: tuple[Person, ...]
    ids: frozenset[str]
    mended: Mended

    @classmethod
    def of(cls, reference: Reference, connection: Connection, wish: Wish) -> _Scope:
        database, house = reference.database, (wish.campaign_id, wish.household_id)
        mended = mendings.holding(database, connection, [house])
        around = tuple(each for _, each in mended.houses) or (wish.household_id,)
        whole = () if wish.person_id else _one_with(mended, wish.household_id)
        seqs = {}
        for each in around:
            found = register.counted(database, connection, wish.campaign_id, each)
            if found is not None:
                seqs[each] = found[0]
        everybody = follow_up.people(database, connection, list(seqs.values()))
        wanted = {wish.person_id} if wish.person_id else set()
        for each in whole:
            wanted |= {person.id for person, _ in everybody.get(seqs.get(each, -1), ())}
        ids = _entries_of(mended, wanted)
        if any(isinstance(act, TwoPeople) and {act.person_id, act.second_id} & ids for act in mended.acts):
            raise Conflict(
                mark("One entry was divided into two people. Take that back on the page of cleaning, then erase.")
            )
        if whole and any(isinstance(act, TwoHouseholds) for act in mended.acts):
            raise Conflict(
                mark("A household was divided into two. Take that back on the page of cleaning, then erase.")
            )
        everyone = [person for several in everybody.values() for person, _ in several]
        return cls(whole, around, tuple(one for one in everyone if one.id in ids), frozenset(ids), mended)


def _one_with(mended: Mended, household_id: str) -> tuple[str, ...]:
    """A household and all that were found to be the same."""
    pairs = [(act.kept, act.other) for act in mended.acts if isinstance(act, SameHousehold)]
    pairs += [(act.household_id, act.second_id) for act, _ in mended.undone]
    return tuple(sorted(_linked({household_id}, pairs)))


def _entries_of(mended: Mended, ids: Collection[str]) -> set[str]:
    """Ids of people and of all that were found to be the same."""
    pairs = [(act.kept[1], act.other[1]) for act in mended.acts if isinstance(act, SamePerson)]
    pairs += [pair for act in mended.acts if isinstance(act, SameHousehold) for pair in act.people]
    return _linked(set(ids), pairs)


def _linked(found: set[str], pairs: Sequence[tuple[str, str]]) -> set[str]:
    before = -1
    while before < len(found):
        before = len(found)
        for pair in pairs:
            if found & set(pair):
                found |= set(pair)
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    """A submission that may hold somebody, as it was understood; instance None where it is no XML that can be read."""

    held: Holder
    instance: Instance | None
    roles: Roles
    telling: Telling | None


class _Erasing:
    """One erasure, under way."""

    def __init__(
        self,
        reference: Reference,
        connection: Connection,
        known: Known,
        wish: Wish,
        scope: _Scope,
        number: int,
        at: str,
        user_id: int | None,
    ) -> None:
        self.reference, self.connection, self.known = reference, connection, known
        self.wish, self.scope, self.number, self.at, self.user_id = wish, scope, number, at, user_id
        self.marks = Marks(reference, connection, make=True)
        self.taken: Counter[str] = Counter()
        self.names = {one.name for one in scope.people if one.name}
        self.ids = set(scope.ids)

    def done(self) -> Taken:
        """Take everything out; what it was."""
        database, connection, campaign_id = self.reference.database, self.connection, self.wish.campaign_id
        scope = self.scope
        before = [register.counted(database, connection, campaign_id, each) for each in scope.around]
        asked = [*scope.whole, *self.ids] if scope.whole else [*self.ids]
        reads = [self._read(one) for one in erasing.holders(database, connection, campaign_id, scope.around, asked)]
        leaving = [one for one in reads if scope.whole and self._goes(one, reads)]
        for one in leaving:
            for member in one.telling.members if one.telling else ():
                self._note(member)
        self._drop(leaving)
        self._redact([one for one in reads if one not in leaving])
        if not leaving and not self.taken["redacted"] and not any(before):
            raise NotFound(mark("Nobody told of this household or person in the campaign. Check their ids."))
        if not scope.whole and not scope.people and not self.taken["redacted"]:
            raise NotFound(mark("Nobody told of this household or person in the campaign. Check their ids."))
        heads = self._heads() if scope.whole else set()
        gone = Gone(
            campaign_id,
            scope.whole,
            scope.around,
            frozenset(self.ids),
            frozenset(self.names | heads),
            tuple((one.name or "", one.born_on) for one in scope.people),
        )
        clear_traces(self.reference, connection, gone, self.taken, self.at, self.user_id)
        self._count_again(before)
        self._mark_ids()
        self.taken["people"] = len(scope.people)
        numbers = {name: self.taken[name] for name in WORDS if self.taken[name]}
        erasing.set_taken(connection, self.number, numbers)
        erasing.delete_asked_files(connection)
        kept.set_fact(database, connection, erasing.DUE, self.at)
        kept.raise_revision(database, connection)
        called = tuple(one.name or one.id for one in scope.people)
        return Taken(self.number, numbers, called, scope.whole or (self.wish.household_id,))

    def _read(self, held: Holder) -> _Read:
        form = self.reference.roles(self.connection, self.known, held.form_id, held.form_version)
        roles, campaign_id = form if form is not None else (Roles.empty(), None)
        try:
            instance = read_instance(held.xml, None)
        except MapperError:
            return _Read(held, None, roles, None)
        telling = None
        if roles.draws_coverage and campaign_id in self.known.campaigns:
            telling = told(self.known, roles, campaign_id, instance, held.received_on, held.root_id)
        return _Read(held, instance, roles, telling)

    def _household(self, one: _Read) -> str | None:
        return one.held.household_id or (one.telling.household_id if one.telling else None)

    def _goes(self, one: _Read, reads: Sequence[_Read]) -> bool:
        """Whether a submission goes as a whole: the one that counts of its edits tells of a household that goes."""
        chain = [each for each in reads if each.held.root_id == one.held.root_id]
        current = [each for each in chain if each.held.state != SubmissionState.SUPERSEDED.value] or chain
        told = {self._household(each) for each in current} - {None}
        # What tells of no household in a way that can be read only names one: it goes too.
        return bool(told & set(self.scope.whole)) or not told

    def _drop(self, leaving: Sequence[_Read]) -> None:
        held = [one.held for one in leaving]
        if not held:
            return
        self.taken["submissions"] += len(held)
        self.taken["files"] += erasing.delete_submissions(self.reference.database, self.connection, held)
        marks: dict[str, str | None] = {self.marks.submission(one.instance_id): one.digest for one in held}
        erasing.add_marks(self.reference.database, self.connection, self.number, "submission", marks)

    def _redact(self, reads: Sequence[_Read]) -> None:
        """Take people out of submissions that tell of others too."""
        if not self.ids:
            return
        keys = {one.key for read in reads for one in self._members(read) if one.id in self.ids and one.name}
        gone = {
            read.held.seq: [one for one in self._members(read) if one.id in self.ids or one.key in keys]
            for read in reads
        }
        for several in gone.values():
            for one in several:
                self._note(one)
        words = self.names | {one for one in self.ids if "/" not in one}
        for read in reads:
            instance, leaving = read.instance, gone[read.held.seq]
            if instance is None or (not leaving and not self._names_them(read)):
                continue
            census = bool(read.telling and not read.telling.partial)
            day = self.at[:10]
            xml, files = redact(instance, read.roles, leaving, words, day, census=census)
            erasing.replace_xml(self.connection, read.held.seq, xml)
            wanted = None if self.wish.all_files else files
            self.taken["files"] += erasing.delete_files(self.connection, read.held.instance_id, wanted)
            self.taken["redacted"] += 1
            marks: dict[str, str | None] = {
                self.marks.of("redacted", str(self.number), read.held.instance_id): read.held.digest
            }
            erasing.add_marks(self.reference.database, self.connection, self.number, "redacted", marks)

    def _members(self, read: _Read) -> list[Member]:
        return read.telling.members if read.telling else []

    def _names_them(self, read: _Read) -> bool:
        if read.instance is None:
            return False
        hidden = {name_key(name) for name in self.names if " " in name.strip()}
        texts = [name_key(str(text)) for text in read.instance.root.itertext() if str(text).strip()]
        return any(f" {each} " in f" {text} " for each in hidden for text in texts)

    def _note(self, member: Member) -> None:
        """Remember how somebody who goes was called, and keep them out."""
        self.ids.add(member.id)
        if member.name:
            self.names.add(member.name)
        for home in () if self.scope.whole else self.scope.around:
            for kind, made in self.marks.member(self.wish.campaign_id, home, member):
                erasing.add_marks(self.reference.database, self.connection, self.number, kind, {made: None})

    def _heads(self) -> set[str]:
        """How the heads of households that go were called, and their telephones."""
        rows = follow_up.households_of(
            self.reference.database, self.connection, self.wish.campaign_id, list(self.scope.whole)
        )
        return {word for row in rows.values() for word in (row.head, row.phone) if word}

    def _count_again(self, before: Sequence[tuple[int, register.Counted] | None]) -> None:
        """Enter again who stays, and leave in the tallies what those who go were."""
        reference, connection, campaign_id = self.reference, self.connection, self.wish.campaign_id
        database, gathered = reference.database, Gathered(alone=True)
        take_out(reference, connection, [(campaign_id, each) for each in self.scope.around], gathered)
        stay = [(campaign_id, each) for each in self.scope.around if each not in self.scope.whole]
        for house in stay:
            tellers = tellers_of(reference, connection, self.known, house)
            if tellers:
                recount(reference, connection, self.known, house, tellers, gathered)
        write(reference, connection, gathered)
        left = Gathered(alone=True)
        for counted in before:
            if counted is not None:
                gather(left, campaign_id, counted[1], 1)
        for _, each in stay:
            after = register.counted(database, connection, campaign_id, each)
            if after is not None:
                gather(left, campaign_id, after[1], -1)
        sums = [list(some) for some in left.steps.sums()]
        tallies.add(database, connection, sums, left.houses)
        erasing.leave_counts(database, connection, sums, left.houses)
        self.taken["counts"] = sum(map(len, sums)) + sum(any(change) for change in left.houses.values())

    def _mark_ids(self) -> None:
        campaign_id = self.wish.campaign_id
        homes: dict[str, str | None] = {self.marks.household(campaign_id, each): None for each in self.scope.whole}
        people: dict[str, str | None] = {
            self.marks.of("person", campaign_id, each): None
            for each in self.scope.ids
            if not self.scope.whole and "/" not in each
        }
        erasing.add_marks(self.reference.database, self.connection, self.number, "household", homes)
        erasing.add_marks(self.reference.database, self.connection, self.number, "person", people)
