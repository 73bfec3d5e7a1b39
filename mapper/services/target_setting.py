"""Targets of single areas: who may set them, what is taken, and that it is entered in the trail."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from fractions import Fraction

from mapper.domain.campaign import Campaign
from mapper.domain.roles import Role
from mapper.domain.targets import Goal
from mapper.errors import Forbidden, InvalidInput, NotFound, mark
from mapper.services import audit
from mapper.services.accounts import HAMLET_LIST, User, holds
from mapper.services.areas import Area
from mapper.services.carried_targets import source_of
from mapper.services.questions import HAMLET, default_set
from mapper.services.reference import Known, Reference
from mapper.services.targets import place_of
from mapper.store import reference as reference_store
from mapper.store import targets as kept
from mapper.store.database import Connection
from mapper.store.targets import Place

SETTERS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
"""Who sets targets: a commune is not to give itself an easier one."""

_SHARE = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?\s*%?")


def may_set(reference: Reference, user: User, place: Place | None) -> bool:
    """Whether a user may set the target of a place."""
    if place is None or user.role not in SETTERS:
        return False
    with reference.database.read() as connection:
        return holds(reference, connection, user, [(place.set_id, place.code)])


def own_goal(reference: Reference, campaign_id: str, group: str, dose: str, place: Place | None) -> Goal | None:
    """The target that a place has of its own."""
    with reference.database.read() as connection:
        found = reference.known(connection).targets.get((campaign_id, group, dose), {})
    return found.get(place) if place is not None else None


def set_elsewhere(reference: Reference, user: User, series: tuple[str, str, str], set_id: str) -> dict[str, int]:
    """Other boundary sets in which units have targets of their own for a series, and how many the user oversees.

    The same code may be another place's in another set: where they hold too, they are carried over by people
    (``carried_from``). Targets of hamlets hold in every set.
    """
    found: dict[str, int] = {}
    with reference.database.read() as connection:
        for place in reference.known(connection).targets.get(series, {}):
            other = place.set_id and place.set_id != set_id
            if other and holds(reference, connection, user, [(place.set_id, place.code)]):
                found[place.set_id] = found.get(place.set_id, 0) + 1
    return found


def carried_from(reference: Reference, series: tuple[str, str, str], set_id: str) -> str:
    """The set whose targets of a series are carried over to a set; "" for none."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        found = source_of(known, default_set(known, set_id), known.targets.get(series, {}))
    return found.id if found else ""


def set_target(
    reference: Reference,
    user: User,
    series: tuple[str, str, str],
    set_id: str,
    area: Area,
    share: str,
    deadline: str = "",
) -> None:
    """Give an area a target of its own for a campaign, group and dose.

    share: a percentage as written, above 0 and up to 100; deadline: an ISO date, "" for the one that holds around it.
    Raises InvalidInput, NotFound, Forbidden; nothing is changed then.
    """
    target = read_share(share)
    with reference.database.write() as connection:
        known, campaign = _checked(reference, connection, series)
        place = existing(known, set_id, area)
        _allow(reference, connection, user, place)
        last = _read_deadline(campaign, deadline)
        before = known.targets.get(series, {}).get(place)
        one = kept.AreaTarget(*series, place, target, last)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        kept.save_target(reference.database, connection, one, user.id, at)
        reference_store.raise_revision(reference.database, connection)
        facts = _facts(series) | {"before": _told(before), "target": _told(Goal(target, last))}
        audit.record(reference, connection, user.id, user.name, "target.set", written(place), facts)


def remove_target(reference: Reference, user: User, series: tuple[str, str, str], set_id: str, area: Area) -> None:
    """Take an area's own target away; the one around it holds again. Raises NotFound, Forbidden."""
    with reference.database.write() as connection:
        known, _ = _checked(reference, connection, series)
        place = existing(known, set_id, area)
        _allow(reference, connection, user, place)
        before = known.targets.get(series, {}).get(place)
        if before is None:
            raise NotFound(mark("This place has no target of its own for this group and dose."))
        kept.remove_target(connection, *series, place)
        reference_store.raise_revision(reference.database, connection)
        facts = _facts(series) | {"before": _told(before)}
        audit.record(reference, connection, user.id, user.name, "target.removed", written(place), facts)


def existing(known: Known, set_id: str, area: Area) -> Place:
    """The place that an area of a set is. Raises NotFound where there is none."""
    places = default_set(known, set_id)
    there = area.code in known.hamlets if area.level == HAMLET else (area.level, area.code) in places.units
    place = place_of(places, area)
    if not there or place is None:
        raise NotFound(
            mark("There is no area {area} here, or it is not among those that you may see. Choose one of the list."),
            area=str(area)[:60],
        )
    return place


def written(place: Place) -> str:
    """A place as the trail names it."""
    return f"{place.set_id or HAMLET_LIST}:{place.code}"


def read_share(text: str) -> Fraction:
    """A percentage as people write it: 95, 95 %, 92.5 or 92,5. Raises InvalidInput."""
    found = _SHARE.fullmatch(text.strip())
    share = Fraction(f"{found[1]}.{found[2] or 0}") / 100 if found else Fraction(0)
    if not 0 < share <= 1:
        raise InvalidInput(
            mark("{target} is no target. Write a percentage above 0 and up to 100, for example 95 or 92.5."),
            target=text.strip()[:20] or "–",
        )
    return share


def _read_deadline(campaign: Campaign, text: str) -> date | None:
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(mark("{date} is not a day. Write it as 2022-08-31."), date=text.strip()[:20]) from None
    if not campaign.start <= day <= campaign.until:
        raise InvalidInput(
            mark("The deadline {date} lies outside of the campaign, which runs from {start} to {until}."),
            date=day.isoformat(),
            start=campaign.start.isoformat(),
            until="…" if campaign.until == date.max else campaign.until.isoformat(),
        )
    return day


def _checked(reference: Reference, connection: Connection, series: tuple[str, str, str]) -> tuple[Known, Campaign]:
    known = reference.known(connection)
    campaign = known.campaign(series[0])
    if campaign.find(*series[1:]) is None:
        raise InvalidInput(
            mark("Campaign {campaign} has no dose {dose} for a group {group}. It has: {series}."),
            campaign=campaign.id,
            dose=series[2][:40],
            group=series[1][:40],
            series=", ".join(f"{g.code} {d.code}" for g, d in campaign.series),
        )
    return known, campaign


def _allow(reference: Reference, connection: Connection, user: User, place: Place) -> None:
    """Raises Forbidden where the user may not set this place's target."""
    if user.role not in SETTERS:
        raise Forbidden(
            mark("Targets of single areas are set by supervisors of a district or province, and by administrators.")
        )
    if not holds(reference, connection, user, [(place.set_id, place.code)]):
        raise Forbidden(mark("This place does not lie in your area as a whole. Ask whoever oversees all of it."))


def _facts(series: tuple[str, str, str]) -> dict[str, object]:
    return {"campaign": series[0], "group": series[1], "dose": series[2]}


def _told(goal: Goal | None) -> str:
    if goal is None or goal.share is None:
        return "-"
    percent = f"{float(goal.share * 100):g} %"
    return f"{percent}, {goal.deadline.isoformat()}" if goal.deadline else percent
