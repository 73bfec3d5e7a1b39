"""Days of teams and sessions of sites as a calendar (RFC 5545): when, where and how many; nobody's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """Something that takes place. key: the same words for the same thing in every plan, from which its UID follows.

    begin, end: in their own zone. at: latitude and longitude, None where it is in several places.
    """

    key: str
    title: str
    text: str
    place: str
    at: tuple[float, float] | None
    begin: datetime
    end: datetime
    address: str = ""


def write_calendar(name: str, events: Sequence[CalendarEvent], moment: datetime, version: int) -> bytes:
    """The calendar. moment: when the plan was made; version: rises from plan to plan, so that a newer one counts."""
    from icalendar import Calendar, Event  # its zones load slowly

    calendar = Calendar()
    calendar.add("prodid", "-//Tung Nha//Plan//VI")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    for one in events:
        event = Event()
        event.add("uid", str(uuid5(NAMESPACE_URL, f"tung-nha:{one.key}")))
        event.add("dtstamp", moment)
        event.add("sequence", version)
        event.add("dtstart", one.begin)
        event.add("dtend", one.end)
        event.add("summary", one.title)
        event.add("description", one.text)
        event.add("location", one.place)
        if one.at is not None:
            event.add("geo", one.at)
        if one.address:
            event.add("url", one.address)
        calendar.add_component(event)
    calendar.add_missing_timezones()
    content: bytes = calendar.to_ical()
    return content
