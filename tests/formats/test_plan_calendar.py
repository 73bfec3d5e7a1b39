"""Calendars of plans, read back."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from icalendar import Calendar

from mapper.formats.plan_calendar import CalendarEvent, write_calendar

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MADE = datetime(2026, 11, 23, 3, tzinfo=UTC)


def event(key: str = "mini/2026-11-25/Đội 1/nvh/0", hour: int = 7) -> CalendarEvent:
    begin, end = (datetime(2026, 11, 25, each, 30, tzinfo=ZONE) for each in (hour, hour + 3))
    text = "40 người\nPfizer nắp tím; từ 12 tuổi: 7 lọ"
    return CalendarEvent(
        key, "Đội 1 · Nhà văn hoá", text, "Nhà văn hoá, Xã Một", (22.05, 105.05), begin, end, "https://a/b"
    )


def read(content: bytes) -> tuple[Calendar, list[object]]:
    calendar = Calendar.from_ical(content)
    return calendar, list(calendar.walk("VEVENT"))


def test_an_event_has_its_hours_in_vietnam_its_place_and_its_position() -> None:
    calendar, (one,) = read(write_calendar("Kế hoạch 7", [event()], MADE, 7))
    assert one.start == datetime(2026, 11, 25, 7, 30, tzinfo=ZONE)
    assert one["DTSTART"].params["TZID"] == "Asia/Ho_Chi_Minh"
    assert (str(one["LOCATION"]), one["GEO"].to_ical()) == ("Nhà văn hoá, Xã Một", "22.05;105.05")
    assert str(one["DESCRIPTION"]) == "40 người\nPfizer nắp tím; từ 12 tuổi: 7 lọ"
    assert (one["SEQUENCE"], one["DTSTAMP"].dt) == (7, MADE)
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["Asia/Ho_Chi_Minh"]
    assert str(calendar["X-WR-CALNAME"]) == "Kế hoạch 7"


def test_the_same_event_of_another_plan_has_the_same_uid_and_a_higher_sequence() -> None:
    _, (old,) = read(write_calendar("Kế hoạch 7", [event()], MADE, 7))
    _, (new, other) = read(write_calendar("Kế hoạch 9", [event(hour=9), event("another")], MADE, 9))
    assert old["UID"] == new["UID"] != other["UID"]
    assert new["SEQUENCE"] > old["SEQUENCE"]


def test_lines_are_no_longer_than_75_bytes_and_end_as_the_format_asks() -> None:
    content = write_calendar("Kế hoạch", [event()], MADE, 1)
    assert content.endswith(b"\r\n")
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
