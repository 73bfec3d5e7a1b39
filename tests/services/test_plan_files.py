"""Files of a plan: who is in them by name for whom, what they say, and that it is entered who had them made."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from icalendar import Calendar

from mapper.domain.made_plan import TeamDay, TeamStop, Unserved, VialNeed
from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam, PlanQuestion
from mapper.domain.roles import Role
from mapper.errors import NotFound
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.plan_files import MEDIA_TYPES, Wish, file_name, write
from mapper.services.plan_told import Asked
from tests.formats.test_sheet import FONTS, Reader
from tests.services import made_plans
from tests.services.made_plans import hall, made_of, of_house, planned, session
from tests.services.town import COMMUNES, EVERYTHING, HAMLETS, Answers, Town, inside, person

MONDAY, TUESDAY = date(2022, 8, 15), date(2022, 8, 16)
HOUSES = tuple(f"{n}0000000-1111-4111-8111-111111111111" for n in range(1, 5))
PEOPLE = tuple(f"{n}0000000-2222-4222-8222-222222222222" for n in range(1, 5))
NAMES = ("Nông Thị Một", "Lý Văn Hai", "Hoàng Thị Ba", "=1+1")
"""Of the first commune the first two and the last, who stays at home; the third is of the second commune."""
HERE = User(7, "commune", Role.COMMUNE_SUPERVISOR, (("squares", COMMUNES[0]),), 0)
PLANNER = User(8, "planner", Role.PLANNER, (), 0)
AT_HOME = VialNeed("ten", 1, 1.0, 9.0, 1, 1, 1, 1, 1, 0)
SITE_PAGE = "https://tungnha.example.vn/plans/1/sites/"


def house(number: int, commune: int, *days: date) -> made_plans.PlannedHouse:
    """A house of the plan with the person of its number."""
    people = [planned(PEOPLE[number], day) for day in days]
    return of_house(HOUSES[number], people, HAMLETS[commune][0], COMMUNES[commune], inside(commune))


@pytest.fixture
def planned_town(town: Town) -> Town:
    """Four houses, a plan of two sites, a day of a team that also visits one of them, and one without a place."""
    for number, name in enumerate(NAMES):
        commune = 1 if number == 2 else 0
        answers: Answers = {"household.house_number": str(10 + number), "household.phone": f"09000000{number}"}
        who = person(name=name) | {"person.id": PEOPLE[number]}
        town.send(town.write(answers, [who], commune=commune, entity=HOUSES[number]))
    return town


def keep(town: Town, told_at: str = "2022-08-14T03:00:00.000+00:00") -> int:
    """The plan."""
    first = hall(
        "Nhà văn hoá Một", [house(0, 0, MONDAY), house(2, 1, MONDAY)], [session(MONDAY, 2)], "a b/ă", COMMUNES[0]
    )
    second = hall("Trường Hai", [house(1, 0, TUESDAY)], [session(TUESDAY, 1, "")], "hai", COMMUNES[0])
    stops = (TeamStop("a b/ă", "", 450.0, 660.0, 2, 2), TeamStop("", HOUSES[3], 690.0, 710.0, 1, 1))
    day = TeamDay("Đội 1", MONDAY, 420.0, 730.0, 12_345.0, 3, stops, needs=(AT_HOME,))
    made = made_of(first, second, homes=[house(3, 0, MONDAY)], days=[day])
    made = replace(
        made, unserved={Unserved.UNREACHABLE: (of_house("x", [planned("y", None)], HAMLETS[0][0], COMMUNES[0]),)}
    )
    team = FieldTeam("Đội 1", Point(22.0, 105.0), vehicle="Xe máy")
    question = PlanQuestion("covid19", MONDAY, TUESDAY, "Tuần 33", set_id="squares", teams=(team,))
    return made_plans.keep(town.reference, made, question, told_at=told_at)


def file(town: Town, number: int, kind: str, user: User = EVERYTHING, language: str = "vi", **asked: object) -> bytes:
    wish = Wish(
        kind,
        Asked(**asked),
        language,
        "Từng Nhà",
        SITE_PAGE.removesuffix("/sites/"),
        FONTS,  # type: ignore[arg-type]
    )
    return write(town.reference, user, number, wish)


def pages(content: bytes) -> list[str]:
    read = Reader(content)
    return [read.text(page) for page in range(read.pages)]


def table(content: bytes, sheet: str) -> list[Mapping[str, object]]:
    """Rows of a sheet of a workbook by the names of its columns."""
    heads, *rows = openpyxl.load_workbook(io.BytesIO(content))[sheet].iter_rows(values_only=True)
    return [dict(zip(map(str, heads), row, strict=True)) for row in rows]


def entered(town: Town) -> list[tuple[str, str, str, str]]:
    """Who had what made of how many people, the newest first."""
    found = audit.entries(town.reference, 50, action="plan.file")
    return [(one.user_name, one.subject, one.facts["file"], one.facts["number"]) for one in found]


# Sheets


def test_a_sheet_a_site_and_day_and_one_of_visits_tell_who_comes(planned_town: Town) -> None:
    number = keep(planned_town)
    content = file(planned_town, number, "sheets.pdf")
    first, second, visits = pages(content)
    for told in (
        "Nhà văn hoá Một",
        "Xã 0",
        "Thứ Hai 15/08/2022, 07:30–11:00 · Đội 1 · 2 người",
        "Nông Thị Một",
        "Hoàng Thị Ba",
        "1980",
        "Mũi 1",
        "Trang 1/1",
        f"Kế hoạch {number} · Tuần 33 · lập lúc 14/08/2022 10:00",
    ):
        assert told in first
    assert ("Lý Văn Hai" in second, "nhân viên tại điểm tiêm" in second, "Nông Thị Một" in second) == (
        True,
        True,
        False,
    )
    for told in ("Mang theo", "Tiêm tại nhà", "2. 11:30–11:50", "=1+1", "22.05000, 105.05000", "090000003"):
        assert told in visits
    assert Reader(content).codes() == [SITE_PAGE + "a%20b/%C4%83"]
    assert entered(planned_town) == [("all", str(number), "sheets.pdf", "4")]


def test_a_commune_s_reader_gets_the_names_of_the_own_people_alone(planned_town: Town) -> None:
    number = keep(planned_town)
    whole = "".join(pages(file(planned_town, number, "sheets.pdf", HERE)))
    assert ("Nông Thị Một" in whole, "Hoàng Thị Ba" in whole, "Hoàng" in whole) == (True, False, False)
    assert "Và 1 người ở nơi ngoài địa bàn của bạn." in whole
    book = file(planned_town, number, "plan.xlsx", HERE)
    assert {row["Họ tên"] for row in table(book, "Người dân")} == {"Nông Thị Một", "Lý Văn Hai", "=1+1"}
    assert HOUSES[2].encode() not in book
    assert [row[0] for row in entered(planned_town)] == ["commune", "commune"]
    assert [row[3] for row in entered(planned_town)] == ["3", "3"]


def test_sheets_of_sites_with_none_of_the_reader_s_people_are_printed_only_where_asked_for(planned_town: Town) -> None:
    number = keep(planned_town)
    elsewhere = User(8, "elsewhere", Role.SUPERVISOR, (("squares", COMMUNES[1]),), 0)
    (only,) = pages(file(planned_town, number, "sheets.pdf", elsewhere))
    assert "Nhà văn hoá Một" in only and "Hoàng Thị Ba" in only
    (asked,) = pages(file(planned_town, number, "sheets.pdf", elsewhere, site="hai"))
    assert "Trường Hai" in asked and "Lý Văn Hai" not in asked


def test_who_sees_no_plan_gets_no_file_and_a_wrong_word_names_the_cure(planned_town: Town) -> None:
    number = keep(planned_town)
    canvasser = User(9, "canvasser", Role.CANVASSER, (("squares", COMMUNES[0]),), 0)
    for wrong in (
        lambda: file(planned_town, number, "sheets.pdf", canvasser),
        lambda: file(planned_town, number + 1, "sheets.pdf"),
        lambda: file(planned_town, number, "plan.doc"),
        lambda: file(planned_town, number, "sheets.pdf", site="none"),
        lambda: file(planned_town, number, "team-days.pdf", team="Đội 9"),
        lambda: file(planned_town, number, "sheets.pdf", day=date(2022, 8, 20)),
    ):
        with pytest.raises(NotFound):
            wrong()
    assert entered(planned_town) == []


def test_a_site_a_team_or_a_day_is_asked_for_alone(planned_town: Town) -> None:
    number = keep(planned_town)
    (only,) = pages(file(planned_town, number, "sheets.pdf", site="hai"))
    assert "Trường Hai" in only
    monday = pages(file(planned_town, number, "sheets.pdf", day=MONDAY))
    assert ["Nhà văn hoá Một" in monday[0], "Tiêm tại nhà" in monday[1], len(monday)] == [True, True, 2]
    team = pages(file(planned_town, number, "sheets.pdf", team="Đội 1"))
    assert len(team) == 2
    assert not any("Trường Hai" in page for page in team)


def test_a_team_s_page_tells_stops_hours_and_what_to_load_together_with_visits(planned_town: Town) -> None:
    number = keep(planned_town)
    (page,) = pages(file(planned_town, number, "team-days.pdf"))
    for told in ("Đội 1", "Thứ Hai 15/08/2022", "Đi lúc 07:00, về lúc 12:10", "Xe máy", "đường đi 12,3 km", "3 người"):
        assert told in page
    assert page.index("07:30–11:00") < page.index("11:30–11:50")
    assert ("Nhà văn hoá Một" in page, "Số nhà 13" in page, "22.05000, 105.05000" in page) == (True, True, True)
    assert re.search(r"ten\s+4\s+1\s+15\s+1\s+1\s", page), "three vials for the session, and one for the visit"
    assert entered(planned_town) == [("all", str(number), "team-days.pdf", "1")]


def test_a_planner_without_people_in_care_is_told_no_position_of_a_house(planned_town: Town) -> None:
    number = keep(planned_town)
    whole = "".join(pages(file(planned_town, number, "sheets.pdf", PLANNER)))
    assert ("=1+1" in whole, "090000003" in whole, "22.05000, 105.05000 · ĐT" in whole) == (True, False, False)
    book = table(file(planned_town, number, "plan.xlsx", PLANNER), "Người dân")
    assert "Điện thoại" not in book[0]
    ways = json.loads(file(planned_town, number, "plan.geojson", PLANNER))["features"]
    line = next(one for one in ways if one["geometry"]["type"] == "LineString")
    assert len(line["geometry"]["coordinates"]) == 3, "from the start to the site and back"
    assert [one[2] for one in entered(planned_town)] == ["plan.xlsx", "sheets.pdf"]


@pytest.mark.parametrize(("language", "words"), [("vi", "Mang theo"), ("en", "To take along")])
def test_paper_and_tables_speak_both_languages(planned_town: Town, language: str, words: str) -> None:
    number = keep(planned_town)
    assert words in pages(file(planned_town, number, "sheets.pdf", language=language))[0]
    book = openpyxl.load_workbook(io.BytesIO(file(planned_town, number, "plan.xlsx", language=language)))
    assert len(book.sheetnames) == 7
    assert ("Sites" in book.sheetnames) == (language == "en")


# Tables


def test_the_workbook_holds_sites_sessions_stops_people_and_who_has_no_place(planned_town: Town) -> None:
    book = file(planned_town, keep(planned_town), "plan.xlsx")
    assert [(row["Mã"], row["Số người"]) for row in table(book, "Điểm tiêm")] == [("a b/ă", 2), ("hai", 1)]
    assert [row["Từ giờ"] for row in table(book, "Buổi tiêm")] == ["07:30", "07:30"]
    assert [row["Số người"] for row in table(book, "Lịch ngày của đội")] == [2, 1]
    people = {row["Họ tên"]: row for row in table(book, "Người dân")}
    assert set(people) == set(NAMES)
    assert people["=1+1"]["Nơi"] == "tại nhà"
    assert people["Hoàng Thị Ba"]["Mã trong danh sách"] == PEOPLE[2]
    (waiting,) = table(book, "Chưa có chỗ")
    assert (waiting["Vì sao"], waiting["Số người"]) == ("không có điểm nào trong tầm đi bộ", 1)
    vials = table(book, "Lọ")
    assert [row["lọ"] for row in vials] == [3, 3, 3]


# Maps and calendars


def test_maps_and_ways_name_nobody_and_positions_of_houses_are_entered(planned_town: Town) -> None:
    number = keep(planned_town)
    for kind in ("plan.geojson", "plan.kml", "plan.gpx"):
        content = file(planned_town, number, kind)
        assert b"Nh\xc3\xa0 v\xc4\x83n ho\xc3\xa1 M\xe1\xbb\x99t" in content
        assert not any(name.encode() in content for name in (*NAMES[:3], "090000003"))
    features = json.loads(file(planned_town, number, "plan.geojson"))["features"]
    line = next(one["geometry"]["coordinates"] for one in features if one["geometry"]["type"] == "LineString")
    assert line == [[105.0, 22.0], [105.05, 22.05], [105.05, 22.05], [105.0, 22.0]]
    assert [row[3] for row in entered(planned_town)] == ["1"] * 4


def test_the_calendar_tells_counts_alone_and_keeps_its_numbers_when_planned_anew(planned_town: Town) -> None:
    content = file(planned_town, keep(planned_town), "plan.ics")
    events = list(Calendar.from_ical(content).walk("VEVENT"))
    assert [str(one["SUMMARY"]) for one in events] == [
        "Đội 1 · Nhà văn hoá Một · 2 người",
        "Đội 1 · tiêm tại 1 nhà · 1 người",
        "Trường Hai · 1 người",
    ]
    assert events[0].start.isoformat() == "2022-08-15T07:30:00+07:00"
    assert (events[0]["GEO"].to_ical(), "GEO" in events[1]) == ("22.05;105.05", False)
    text = content.decode()
    assert not any(name in text for name in (*NAMES, *PEOPLE, *HOUSES, "22.05000"))
    assert entered(planned_town) == []
    again = file(planned_town, keep(planned_town, "2022-08-15T03:00:00.000+00:00"), "plan.ics")
    anew = list(Calendar.from_ical(again).walk("VEVENT"))
    assert [one["UID"] for one in anew] == [one["UID"] for one in events]
    assert anew[0]["SEQUENCE"] > events[0]["SEQUENCE"]
    alone = file(planned_town, int(anew[0]["SEQUENCE"]), "plan.ics", team="Đội 1")
    assert len(list(Calendar.from_ical(alone).walk("VEVENT"))) == 2


def test_names_of_files_are_plain() -> None:
    wish = Wish("sheets.pdf", Asked("a b/ă", "", MONDAY))
    assert file_name(3, wish) == "plan-3-sheets-a_b__-2022-08-15.pdf"
    assert {file_name(3, Wish(kind)) for kind in MEDIA_TYPES} >= {"plan-3.xlsx", "plan-3-team-days.pdf"}
    assert Path(file_name(3, wish)).name == file_name(3, wish)
