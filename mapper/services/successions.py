"""What became of the units of a boundary set in the next: from a crosswalk, measured on outlines, or from the package.

Whatever is kept is compared with the other tellings that can be had, and where they disagree is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mapper.domain.people import Finding
from mapper.domain.place_names import readings
from mapper.domain.places import Unit
from mapper.domain.roles import Role
from mapper.domain.succession import Heir, Succession, check, compare, follows, in_order
from mapper.errors import Forbidden, InvalidBoundaries, InvalidInput, MapperError, NotFound, mark
from mapper.formats.crosswalk import LONGEST_SOURCE, CrosswalkRow, read_crosswalk, with_zeros
from mapper.formats.level_table import RowFault
from mapper.geo.overlap import overlaps
from mapper.services import audit, following
from mapper.services.accounts import OPERATOR, User
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.services.set_periods import period
from mapper.services.succession_report import CROSSWALK, OUTLINES, PACKAGE, Report
from mapper.store import country_units, successions
from mapper.store import outlines as drawn
from mapper.store.country_units import Country
from mapper.store.database import Connection
from mapper.store.successions import ToldSuccession

LEAST = 0.005
"""Share of an old unit from which common ground is more than two drawings of one border."""

MOST_LEAST = 0.25

UNCOVERED = 0.05
"""A share of a unit that no unit of the new set holds is told from here."""

FITS = 0.9
"""The package is asked about sets of which it knows this share of the units by code and name."""

Shares = Mapping[tuple[str, str], float]

Share = Callable[[float], None]
"""Told how much is done, 0..1."""


def _untold(done: float) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import did. pairs: that are kept. Where faults are told of rows, nothing is."""

    pairs: int
    report: Report
    faults: tuple[RowFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an import ended that was made in the background: what it did, or why it could not."""

    taken: Taken | None = None
    problem: MapperError | None = None


def attempt(take: Callable[[Share], Taken], share: Share) -> Outcome:
    """One of these imports, told how it ended though it is refused."""
    try:
        return Outcome(take(share))
    except MapperError as problem:
        return Outcome(None, problem)


def may_manage(user: User) -> bool:
    """Whether a user may say what became of units: administrators of everything."""
    return user.role is Role.ADMINISTRATOR and not user.areas


def has_package() -> bool:
    """Whether the package of the country's units is installed."""
    return country_units.is_installed()


def take_crosswalk(
    reference: Reference,
    user: User,
    name: str,
    data: bytes,
    old_set: str,
    new_set: str,
    source: str = "",
    only_known: bool = False,
    share: Share = _untold,
) -> Taken:
    """Keep what a crosswalk tells between two sets, in place of what was told between them before.

    source: the decree, for rows that name none. only_known: pass over units that the sets do not have, as of a file of
    the whole country. share: told how much is done, 0..1. Raises InvalidInput, TooLarge, NotFound, Forbidden.
    """
    _allow(user)
    table = read_crosswalk(name, data)
    old, new = _sets(reference, old_set, new_set)
    follows(period(old), period(new))
    names = _names(old), _names(new)
    rows, mended = with_zeros(table.rows, *names)
    faults, outside, left_out = list(table.faults), [], 0
    known_rows: list[CrosswalkRow] = []
    for row in rows:
        here = row.old in names[0], row.new in names[1]
        if all(here):
            known_rows.append(row)
        elif only_known:
            left_out += not any(here)
            outside += [row] if any(here) else []
        else:
            faults.append(_unknown(row, here))
    if faults:
        return Taken(0, Report(len(rows)), tuple(sorted(faults, key=lambda fault: fault.row)))
    if not known_rows:
        raise InvalidInput(mark("{name} names no pair of units of these two sets. Choose others."), name=name)
    findings = [*_zeros(mended), *_misnamed(known_rows, names), *_outside(CROSSWALK, _heirs(outside))]
    whole = Succession(tuple(_heirs([*known_rows, *(row for row in outside if row.old in names[0])])))
    telling = _Telling(CROSSWALK, Succession(tuple(_heirs(known_rows))), whole, source or name)
    shares = _measured(reference, old, new, share)
    return _keep(reference, user, (old, new), telling, len(rows), left_out, findings, shares)


def measure(
    reference: Reference,
    user: User,
    old_set: str,
    new_set: str,
    source: str = "",
    least: float = LEAST,
    share: Share = _untold,
) -> Taken:
    """Keep what the outlines of two sets tell. least: share of an old unit from which common ground counts."""
    _allow(user)
    if not 0 < least <= MOST_LEAST:
        raise InvalidInput(mark("The smallest share that counts is more than 0 and at most 25 %."))
    old, new = _sets(reference, old_set, new_set)
    shares = _measured(reference, old, new, share)
    heirs, findings = _by_ground(shares, _names(old), least)
    if not heirs:
        raise InvalidBoundaries(
            mark("{old} and {new} have no ground in common: nothing can be measured."),
            old=old.about.label,
            new=new.about.label,
        )
    found = Succession(tuple(heirs))
    telling = _Telling(OUTLINES, found, found, source)
    return _keep(reference, user, (old, new), telling, len(heirs), 0, findings, shares, least)


def take_package(reference: Reference, user: User, old_set: str, new_set: str, share: Share = _untold) -> Taken:
    """Keep what the package vietnamadminunits tells of 2025-07-01. Raises Unavailable where it is not installed."""
    _allow(user)
    old, new = _sets(reference, old_set, new_set)
    country = country_units.read_country()
    names = _names(old), _names(new)
    heirs = country.succession.heirs
    inside = [one for one in heirs if one.old in names[0] and one.new in names[1]]
    outside = [one for one in heirs if (one.old in names[0]) != (one.new in names[1])]
    if not inside or not _fits(country, old, new):
        raise InvalidBoundaries(
            mark("{package} tells of the communes before and after 01/07/2025; {old} and {new} are others."),
            package=country.source,
            old=old.about.label,
            new=new.about.label,
        )
    findings = [*_other_names(country, names), *_outside(country.source, outside)]
    whole = Succession(tuple(one for one in heirs if one.old in names[0]))
    telling = _Telling(PACKAGE, Succession(tuple(inside)), whole, country.source)
    left_out = len(heirs) - len(inside) - len(outside)
    shares = _measured(reference, old, new, share)
    return _keep(reference, user, (old, new), telling, len(heirs), left_out, findings, shares)


def remove(reference: Reference, user: User, old_set: str, new_set: str) -> None:
    """Take out what was told between two sets. Raises NotFound, Forbidden."""
    _allow(user)
    with following.telling(reference) as connection:
        if not successions.remove(connection, old_set, new_set):
            raise NotFound(mark("Nothing is told of what became of {old} in {new}."), old=old_set, new=new_set)
        _record(reference, connection, user, "succession.removed", f"{old_set} → {new_set}", {})


@dataclass(frozen=True, slots=True)
class _Telling:
    """by: of CROSSWALK, OUTLINES, PACKAGE. kept: of units that both sets have; whole: of all that the old one has."""

    by: str
    kept: Succession
    whole: Succession
    source: str


def _keep(
    reference: Reference,
    user: User,
    sets: tuple[PlaceSet, PlaceSet],
    telling: _Telling,
    rows: int,
    left_out: int,
    findings: Sequence[Finding],
    shares: Shares,
    least: float = LEAST,
) -> Taken:
    old, new = sets
    in_time = follows(period(old), period(new))
    wrong = check(telling.kept, _names(old), _names(new))
    tellings = {} if telling.by == OUTLINES else {telling.by: telling.whole}
    if telling.by != PACKAGE and country_units.is_installed():
        country = country_units.read_country()
        if _fits(country, old, new):
            mine = _names(old)
            tellings[PACKAGE] = Succession(tuple(one for one in country.succession.heirs if one.old in mine))
    doubts = compare(tellings, (OUTLINES, shares), least)
    compared = tuple(sorted((*tellings, OUTLINES), key=lambda by: by != telling.by))
    report = Report(rows, left_out, (*in_time, *findings, *wrong), tuple(doubts), compared, least)
    about = ToldSuccession(
        old.id,
        new.id,
        telling.by,
        telling.source[:LONGEST_SOURCE],
        report.to_json(),
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with following.telling(reference) as connection:
        known = reference.known(connection)
        _sets_of(known, old.id, new.id)
        in_order([*known.successions, (old.id, new.id)])
        successions.save(connection, about, telling.kept)
        facts = {"source": telling.source[:100], "number": len(telling.kept.heirs)}
        _record(reference, connection, user, f"succession.{telling.by}", f"{old.id} → {new.id}", facts)
    return Taken(len(telling.kept.heirs), report)


def _allow(user: User) -> None:
    if not may_manage(user):
        raise Forbidden(mark("What became of units is told by administrators whose area has no limits. Ask one."))


def _sets(reference: Reference, old_set: str, new_set: str) -> tuple[PlaceSet, PlaceSet]:
    with reference.database.read() as connection:
        return _sets_of(reference.known(connection), old_set, new_set)


def _sets_of(known: Known, old_set: str, new_set: str) -> tuple[PlaceSet, PlaceSet]:
    for one in (old_set, new_set):
        if one not in known.sets:
            raise NotFound(
                mark("There is no boundary set {set}. Choose one of: {sets}."),
                set=one or "-",
                sets=", ".join(known.sets) or "-",
            )
    if old_set == new_set:
        raise InvalidInput(mark("The old set and the new one are the same. Choose two."))
    return known.sets[old_set], known.sets[new_set]


def _names(places: PlaceSet) -> dict[str, str]:
    return {unit.code: unit.name for unit in places.at_level(places.leaf)}


def _heirs(rows: Iterable[CrosswalkRow]) -> Iterator[Heir]:
    return (Heir(row.old, row.new, row.whole, row.share, row.source) for row in rows)


def _unknown(row: CrosswalkRow, here: tuple[bool, bool]) -> RowFault:
    """A row that names a code which its set does not have."""
    if not here[0]:
        words, code = mark("The old set has no unit of the code {code}. Correct it, or take the row out."), row.old
    else:
        words, code = mark("The new set has no unit of the code {code}. Correct it, or take the row out."), row.new
    return RowFault(row.row, words, {"code": code})


def _zeros(mended: int) -> list[Finding]:
    if not mended:
        return []
    words = mark("{number} codes had lost the zeros in front; they were put back.")
    return [Finding("codes_lost_zeros", words, (("number", str(mended)),))]


def _misnamed(rows: Sequence[CrosswalkRow], names: tuple[Mapping[str, str], Mapping[str, str]]) -> list[Finding]:
    """Rows whose names are not those of their codes; each code once."""
    words = mark("Row {row}: {code} is {name} here, and the crosswalk calls it {told}. Check the code.")
    found: dict[tuple[int, str, str], Finding] = {}
    for row in rows:
        for side, (code, told) in enumerate(((row.old, row.old_name), (row.new, row.new_name))):
            name = names[side][code]
            if told and not is_same_unit(told, name):
                facts = (("row", str(row.row)), ("code", code), ("name", name), ("told", told[:100]))
                found.setdefault((side, code, told), Finding("other_name", words, facts))
    return list(found.values())


def is_same_unit(one: str, other: str) -> bool:
    """Whether two names may be of one unit, however they are spelled and whether or not they say what kind it is."""
    return any(
        mine.form == theirs.form and (mine.word == theirs.word or not mine.word or not theirs.word)
        for mine in readings(one)
        for theirs in readings(other)
    )


def _outside(source: str, heirs: Iterable[Heir]) -> list[Finding]:
    words = mark("{source} has {old} go to {new}, and only one of the two is in these sets. The pair is left out.")
    return [Finding("outside", words, (("source", source), ("old", one.old), ("new", one.new))) for one in heirs]


def _other_names(country: Country, names: tuple[Mapping[str, str], Mapping[str, str]]) -> list[Finding]:
    """Units of the sets that the package's lists know by another name, or not at all."""
    found = []
    for units, here in zip((country.old, country.new), names, strict=True):
        listed = _listed(units)
        for code, name in sorted(here.items()):
            if code not in listed:
                words = mark("{code} {name} is not in the list of {source}.")
                found.append(Finding("unlisted", words, _named(country, code, name)))
            elif not is_same_unit(name, listed[code]):
                words = mark("{code} is {name} here, and {told} in the list of {source}.")
                found.append(Finding("other_name", words, (*_named(country, code, name), ("told", listed[code]))))
    return found


def _named(country: Country, code: str, name: str) -> tuple[tuple[str, str], ...]:
    return ("code", code), ("name", name), ("source", country.source)


def _listed(units: Sequence[Unit]) -> dict[str, str]:
    return {unit.code: unit.name for unit in units if unit.level == "commune"}


def _fits(country: Country, old: PlaceSet, new: PlaceSet) -> bool:
    """Whether two sets are of the package's two times: it knows nearly all their units by code and name."""
    for units, places in ((country.old, old), (country.new, new)):
        listed, names = _listed(units), _names(places)
        known = sum(code in listed and is_same_unit(name, listed[code]) for code, name in names.items())
        if known < FITS * len(names):
            return False
    return True


def _measured(reference: Reference, old: PlaceSet, new: PlaceSet, share: Share) -> Shares:
    """The share of every old unit that lies in each of the new ones, however small; nearly all of what is to do."""
    with reference.database.read() as connection:
        before, after = (dict(drawn.outlines(connection, one.id, one.leaf)) for one in (old, new))
    return {(one.old, one.new): one.share_of_old for one in overlaps(before, after, share)}


def _by_ground(shares: Shares, names: Mapping[str, str], least: float) -> tuple[list[Heir], list[Finding]]:
    """Heirs by common ground, their shares of what the new set holds of the old unit; and units it does not hold."""
    of_old: dict[str, list[tuple[str, float]]] = {}
    for (old, new), share in sorted(shares.items()):
        of_old.setdefault(old, []).append((new, share))
    heirs: list[Heir] = []
    findings = []
    words = mark("{percent} % of {code} {name} lies in no unit of the new set.")
    for old, several in of_old.items():
        covered = sum(share for _, share in several)
        if covered < 1 - UNCOVERED:
            facts = (("percent", f"{100 * (1 - covered):.0f}"), ("code", old), ("name", names.get(old, "")))
            findings.append(Finding("uncovered", words, facts))
        kept_shares = [(new, share) for new, share in several if share >= least]
        total = sum(share for _, share in kept_shares)
        whole = len(kept_shares) == 1
        heirs += [Heir(old, new, whole, 1.0 if whole else share / total) for new, share in kept_shares]
    return heirs, findings


def _record(
    reference: Reference, connection: Connection, user: User, action: str, subject: str, facts: Mapping[str, object]
) -> None:
    number = None if user is OPERATOR else user.id
    audit.record(reference, connection, number, user.name, action, subject, facts)
