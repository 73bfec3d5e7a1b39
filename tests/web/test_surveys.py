"""The page of samples over the wire: lots drawn, filled and judged, surveys from a file, and who may see what."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

import pytest
from lxml import html
from sqlalchemy import select

from mapper.language import translate
from mapper.store import tables
from tests.client.site import House, Site
from tests.formats.test_sheet import Reader
from tests.web.test_menu import at_desk
from tests.web.test_sign_in import Desk

ASKED = {"area": "commune:00001", "date": "2022-08-31", "campaign": "mini"}
PLAN = {"people": "10", "upper": "90", "lower": "60", "risk": "10", "allowed": ""}
"""Of ten people one may be unvaccinated: see tests/services/test_lots.py."""


@pytest.fixture
def desk(site: Site) -> Iterator[Desk]:
    """A supervisor of the district, in English."""
    with at_desk(site, "supervisor", "001") as made:
        made.session.cookies.set("lang", "en")
        yield made


def draw(desk: Desk, **other: str) -> str:
    """The address of a new lot of the first commune."""
    desk.get("/surveys", **ASKED)
    answer = desk.post("/surveys/lots", **{**ASKED, **PLAN, **other})
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def positions(page: str) -> list[str]:
    return [
        str(each.get("name"))[5:] for each in html.fromstring(page).xpath("//ol//input[starts-with(@name,'seen-')]")
    ]


def test_a_lot_is_drawn_filled_and_judged_in_words(desk: Desk) -> None:
    address = draw(desk)
    page = desk.get(address).text
    # Fifteen houses are listed and none was visited: each is told by its number.
    assert len(positions(page)) == 12
    assert "House not visited yet, number" in page
    assert "5 and older, Dose 1" in page
    assert "If really only 60% are vaccinated, there is still a chance of 4.6% that this lot is accepted." in page
    assert "If really 90% are vaccinated, there is a chance of 26.4% that this lot is not accepted." in page
    found = {f"seen-{at}": "1" for at in positions(page)[:10]} | {
        f"vaccinated-{at}": "1" for at in positions(page)[:10]
    }
    one = positions(page)[3]
    answer = desk.post(f"{address}/findings", **(found | {f"vaccinated-{one}": "0", f"reason-{one}": "away"}))
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{address}#verdict")
    page = desk.get(address).text
    assert "1 of 10 people seen are not vaccinated; 1 are allowed." in page
    assert html.fromstring(page).xpath("string(//h2[@id='verdict'])").strip() == "Accepted"
    listed = desk.get("/surveys", **ASKED).text
    assert "Lot 1" in listed
    assert "10 people, 1 allowed" in listed


def test_a_lot_of_visited_houses_names_them_to_who_may_read_lists(site: Site, desk: Desk) -> None:
    for number in range(15):
        site.phone().send(House(f"uuid:{number:04}", head=f"Nông Văn {number}").form())
    address = draw(desk)
    assert "Nông Văn" in desk.get(address).text
    answer = desk.get(f"{address}/sheet.pdf")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "private, no-store"
    sheet = Reader(answer.content)
    assert sheet.codes() == [f"{site.url}{address}"]
    assert "Nông Văn" in sheet.text()
    with site.reference.database.read() as connection:
        a = tables.audit
        assert connection.execute(select(a.c.subject).where(a.c.action == "lot.printed")).scalars().all() == [
            address.rpartition("/")[2]
        ]
    with at_desk(site, "commune_supervisor", "00002") as other:
        assert other.get(address).status_code == 404
        assert other.get(f"{address}/sheet.pdf").status_code == 404
        assert "Nông Văn" not in other.get(address).text
        assert other.post(f"{address}/findings", seen="1", vaccinated="1").status_code == 404
        assert address not in other.get("/surveys", campaign="mini").text


def test_what_cannot_be_is_said_and_what_was_typed_stays(sqlite_site: Site) -> None:
    with at_desk(sqlite_site, "supervisor", "001") as desk:
        desk.session.cookies.set("lang", "en")
        address = draw(desk)
        wrong = desk.post(
            f"{address}/findings", **{"seen-1": "1", "vaccinated-1": "2", "seen-2": "1", "vaccinated-2": "1"}
        )
        assert wrong.status_code == 400
        assert "House 1: write how many people were seen" in wrong.text
        typed = html.fromstring(wrong.text).xpath("//input[@name='vaccinated-1' or @name='seen-2']/@value")
        assert sorted(typed) == ["1", "2"]
        assert "Nothing entered yet" in desk.get(address).text
        for other, says in (
            ({"people": "ten"}, "People to look at: ten is no whole number."),
            ({"people": "900"}, "Look at 1 to 500 people."),
            ({"lower": "much"}, "Bad coverage: much is no share from 0 to 100 %."),
            ({"upper": "101"}, "Good coverage: 101 is no share from 0 to 100 %."),
            ({"people": "100"}, "Only 15 houses are known here"),
            ({"area": ""}, "Choose the area of the lot first"),
        ):
            answer = desk.post("/surveys/lots", **{**ASKED, **PLAN, **other})
            assert (answer.status_code, says in html.fromstring(answer.text).text_content()) == (400, True), other
        assert desk.get("/surveys/lots/99").status_code == 404
        assert desk.post("/surveys/lots", **{**ASKED, **PLAN, "area": "commune:nowhere"}).status_code == 404
        with sqlite_site.reference.database.read() as connection:
            assert len(connection.execute(select(tables.lots)).all()) == 1


def test_nothing_is_drawn_or_written_without_a_token_of_the_page(sqlite_site: Site) -> None:
    with at_desk(sqlite_site, "supervisor", "001") as desk:
        draw(desk)
        for path, fields in (
            ("/surveys/lots", {**ASKED, **PLAN}),
            ("/surveys/lots/1/findings", {"seen": "1"}),
            ("/surveys/file", {}),
        ):
            assert desk.post(path, **fields, csrf_token="").status_code == 400
        with sqlite_site.reference.database.read() as connection:
            assert [row.found_at for row in connection.execute(select(tables.lots))] == [None]


def test_a_table_is_answered_in_words_and_not_kept(sqlite_site: Site) -> None:
    with at_desk(sqlite_site, "planner") as desk:
        desk.session.cookies.set("lang", "en")
        desk.get("/surveys")
        before = sqlite_site.rows()

        def send(content: bytes, name: str = "survey.csv") -> tuple[int, str]:
            answer = desk.session.post(
                f"{desk.url}/surveys/file", data={"csrf_token": desk.csrf}, files={"file": (name, content)}, timeout=60
            )
            return answer.status_code, " ".join(" ".join(html.fromstring(answer.text).xpath("//main//text()")).split())

        rows = "".join(
            f"{cluster},{int(person < hits)}\n"
            for cluster, hits in zip("abcd", (6, 8, 8, 10), strict=True)
            for person in range(10)
        )
        status, said = send(f"cluster,vaccinated\n{rows}".encode())
        # As worked out by hand in tests/stats/test_surveys.py: share .8, DEFF 39/24, 24 people.
        assert status == 200
        assert "Most likely 80% are vaccinated; the truth lies between" in said
        assert "40 people were asked in 4 clusters. Since neighbours are alike, they tell as much as 24 people" in said
        assert "DEFF 1.63" in said
        status, said = send(b"cluster,vaccinated\na,1\na,0\n")
        assert (status, "cannot be said" in said, "design effect" in said) == (200, True, False)
        status, said = send(b"cluster,vaccinated\na,1\na,maybe\n")
        assert (status, "Survey, row 3: vaccinated is maybe. Write 1 for yes or 0 for no." in said) == (400, True)
        answer = desk.post("/surveys/file")
        assert (answer.status_code, "Choose the CSV of the survey." in answer.text) == (400, True)
        assert sqlite_site.rows() == before


def test_the_template_is_a_table_for_a_spreadsheet(sqlite_site: Site) -> None:
    with at_desk(sqlite_site, "planner") as desk:
        answer = desk.get("/surveys/template.csv")
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert answer.headers["Content-Disposition"] == "attachment; filename=survey.csv"
        assert answer.content.startswith(b"\xef\xbb\xbf")
        table = list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))
        assert set(table[0]) == {"cluster", "stratum", "weight", "vaccinated"}


def test_samples_are_for_those_who_read_figures(sqlite_site: Site) -> None:
    for path in ("/surveys", "/surveys/lots/1", "/surveys/template.csv"):
        answer = sqlite_site.get(path)
        assert (answer.status_code, "/sign-in" in answer.headers.get("Location", "")) == (302, True)
        phone = sqlite_site.user("canvasser", "00001")
        assert sqlite_site.get(path, phone.token).status_code == 403


def test_the_sentence_of_the_risk_is_said_in_vietnamese(sqlite_site: Site) -> None:
    with at_desk(sqlite_site, "supervisor", "001") as desk:
        page = " ".join(html.fromstring(desk.get(draw(desk)).text).text_content().split())
        risk = translate(
            "If really only {lower} are vaccinated, there is still a chance of {risk} that this lot is accepted.",
            lower="60 %",
            risk="4,6 %",
        )
        assert risk in page
        assert risk == "Nếu thực ra chỉ 60 % đã tiêm thì vẫn có 4,6 % khả năng lô này được cho là đạt."
