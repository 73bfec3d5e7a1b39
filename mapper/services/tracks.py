"""The canvassers' ways of a day: which houses, one after the other, and when; for those who oversee them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from mapper.domain.people import Point
from mapper.domain.places import order_key
from mapper.domain.roles import OVERSEERS
from mapper.domain.walk import length_m
from mapper.errors import Forbidden, TooLarge, mark
from mapper.formats.visit_moment import read_moment
from mapper.services.accounts import User
from mapper.services.areas import Area, cells_in
from mapper.services.intake import VIETNAM
from mapper.services.questions import default_set
from mapper.services.reference import Reference
from mapper.store import tracks as kept
from mapper.store.tracks import Sent

LATE = timedelta(days=14)
"""What came within this of its day is looked through whole: a house visited again later is known by its last visit."""

MOST = 20_000
"""Visits of a day that are drawn at once; of more, an area is to be chosen."""

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stop:
    """One house on the way. at: the time of day in Vietnam, HH:MM, "" where nobody knows; told: by the form itself."""

    instance_id: str
    lat: float
    lon: float
    at: str
    told: bool


@dataclass(frozen=True, slots=True)
class Track:
    """One canvasser's houses of a day in the order of visiting. metres: as the crow flies from house to house."""

    user_id: int
    name: str
    stops: tuple[Stop, ...]
    metres: float


def tracks(
    reference: Reference, user: User, campaign_id: str, day: date, set_id: str = "", area: Area | None = None
) -> list[Track]:
    """The ways of a day, by the canvassers' names, as far as their houses lie in a user's area.

    A visit of which the phone told more than LATE after its day is there too, unless its house was visited again.

    area: only houses of this part of the set. Raises Forbidden for who oversees nobody, NotFound for a campaign that
    is not here, TooLarge for a day of more visits than can be drawn.
    """
    if user.role not in OVERSEERS:
        raise Forbidden(mark("The canvassers' ways are for those who look after them. Ask their supervisor."))
    with reference.database.read() as connection:
        known = reference.known(connection)
        known.campaign(campaign_id)
        cells = cells_in(reference, connection, known, user, default_set(known, set_id, day), area)
        # The server's clock may be a day behind the phone's; at an end of the calendar there is no day more.
        first, last = max(day, date.min + _A_DAY) - _A_DAY, min(day, date.max - LATE) + LATE
        found = kept.sent_of(reference.database, connection, campaign_id, day, (first, last), cells, MOST + 1)
        found += kept.sent_later(reference.database, connection, campaign_id, day, last, cells, MOST + 1)
        if len(found) > MOST:
            raise TooLarge(mark("There are more than {limit} visits on that day. Choose an area."), limit=MOST)
        of: dict[int, list[tuple[datetime, int, Stop]]] = {}
        names: dict[int, str] = {}
        for one in found:
            form = reference.roles(connection, known, one.form_id, one.form_version)
            told_day, moment = read_moment(one.xml, form[0]) if form is not None else (None, None)
            if one.certain or (told_day or one.received_on) == day:
                names[one.sender_id] = one.sender
                of.setdefault(one.sender_id, []).append(_stop(one, day, moment))
    return [
        Track(user_id, names[user_id], stops, length_m([Point(stop.lat, stop.lon) for stop in stops]))
        for user_id in sorted(of, key=lambda user_id: (order_key(names[user_id]), user_id))
        for stops in [tuple(stop for *_, stop in sorted(of[user_id], key=lambda each: each[:2]))]
    ]


def _stop(one: Sent, day: date, moment: datetime | None) -> tuple[datetime, int, Stop]:
    """A house with what it is ordered by: the moment its form was opened on the day, else when it arrived."""
    arrived = datetime.fromisoformat(one.received_at)
    arrived = (arrived if arrived.tzinfo else arrived.replace(tzinfo=UTC)).astimezone(VIETNAM)
    opened = moment.astimezone(VIETNAM) if moment is not None else None
    told = opened is not None and opened.date() == day
    at = opened if opened is not None and told else arrived
    shown = at.strftime("%H:%M") if at.date() == day else ""
    return at, one.seq, Stop(one.instance_id, one.lat, one.lon, shown, told)
