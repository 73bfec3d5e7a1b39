"""Pages of vaccine stock and forecast: what is entered stands there, what is refused keeps what was typed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import openpyxl
import pytest
import requests

from mapper.services import audit, coming
from mapper.services.intake import today
from tests.client.site import House, Site
from tests.web.stocked import EXPIRY, a_stock, stocked, with_vials
from tests.web.test_pages import Reader, reader

PLACE = {"campaign": "mini", "set": "squares"}
DUE = (("Nông Thị Mỷ", "1980-05-04", ""), ("Nông Văn Páo", "1990-02-03", ""))


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    with_vials(sqlite_site)
    yield sqlite_site


def send(who: Reader, path: str, **typed: str) -> requests.Response:
    return who.post(path, who.get("/stock", lang="en").text, **PLACE | typed)


def received(doses: str = "100", **more: str) -> dict[str, str]:
    what = {"what": "received", "store": "district:001", "formulation": "ten", "lot": "LÔ-1"}
    return what | {"expiry": EXPIRY.isoformat(), "amount": doses, "unit": "doses", "day": today().isoformat()} | more


def words(page: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def upload(who: Reader, content: str) -> requests.Response:
    key = re.search(r'name="csrf_token" value="([^"]+)"', who.get("/stock").text)
    assert key
    return who.session.post(
        f"{who.site.url}/stock/import?lang=en",
        data=PLACE | {"csrf_token": key[1]},
        files={"file": ("kho.csv", content.encode())},
        allow_redirects=False,
        timeout=60,
    )


def test_what_comes_goes_moves_and_is_counted_is_entered_in_two_forms(site: Site) -> None:
    who = reader(site, "001")
    assert "Nothing was entered yet." in who.get("/stock", lang="en").text
    assert send(who, "/stock", **received("10", unit="vials", document="PXK 12")).status_code == 303
    line = "district:001|ten|LÔ-1"
    page = who.get("/stock", lang="en").text
    assert "Entry 1 is in the ledger." in page or "Đã ghi bút toán 1" in page
    assert f'value="{line}"' in page and "100" in words(page) and "10 vials" in words(page)
    day = today().isoformat()
    going = {"line": line, "unit": "doses", "day": day}
    assert send(who, "/stock", **going, what="moved", amount="60", other="commune:00001").status_code == 303
    line = "commune:00001|ten|LÔ-1"
    going["line"] = line
    assert send(who, "/stock", **going, what="used", amount="17").status_code == 303
    assert send(who, "/stock", **going, what="wasted:open_vial", amount="3").status_code == 303
    assert send(who, "/stock", **going, what="counted", amount="39").status_code == 303
    told = words(who.get("/stock", lang="en").text)
    assert "stock count (difference -1)" in told and "thrown away: left over in opened vials" in told
    assert "3 vials and 9 doses" in told
    assert "15 %" in told, "three of twenty doses opened"


def test_more_than_there_is_is_refused_in_words_and_what_was_typed_stays(site: Site) -> None:
    who = reader(site, "001")
    stocked(site, "received", "district:001", 20)
    typed = {"line": "district:001|ten|LÔ-1", "what": "used", "amount": "21", "unit": "doses"}
    refused = send(who, "/stock?lang=en", **typed, day=today().isoformat(), document="Phiên 7")
    assert refused.status_code == 400
    assert "Huyện A has 20 doses of lot LÔ-1 (ten) at the end of" in refused.text and "21 would go" in refused.text
    assert 'value="21"' in refused.text and 'value="Phiên 7"' in refused.text
    for wrong in ({"amount": "x"}, {"day": "tomorrow"}, {"what": "lent"}, {"store": "commune:9"}, {"expiry": "soon"}):
        assert send(who, "/stock", **received() | wrong).status_code == 400
    for number in ("", "x", "99"):
        assert send(who, "/stock/undo", number=number).status_code == 400
    assert "21" not in words(who.get("/stock.csv").text)


def test_a_wrong_entry_is_undone_by_another_and_both_stay(site: Site) -> None:
    who = reader(site, "001")
    number = stocked(site, "received", "district:001", 20)
    page = who.get("/stock", lang="en").text
    assert 'aria-label="Undo entry' in page
    assert send(who, "/stock/undo", number=str(number)).status_code == 303
    told = words(who.get("/stock", lang="en").text)
    assert f"undoes entry {number}" in told and "undone" in told
    assert "No vaccine stands in the ledger" in told
    assert 'aria-label="Undo entry' not in who.get("/stock", lang="en").text


def test_a_table_is_taken_whole_or_told_row_by_row(site: Site) -> None:
    who, day = reader(site, "001"), f"{today():%d/%m/%Y}"
    rows = f"day,kind,store,formulation,lot,expiry,doses\n{day},received,001,ten,A,{EXPIRY},50\n"
    wrong = upload(who, rows + f"{day},used,001,ten,A,,60\n{day},used,001,ten,,,1\n")
    assert wrong.status_code == 400
    told = words(wrong.text)
    assert "Row 3:" in told and "has 50 doses" in told and "Row 4:" in told and "The lot is missing" in told
    assert upload(who, "").status_code == 400
    assert upload(who, rows + f"{day},used,001,ten,A,,40\n").status_code == 303
    assert "2 entries are in the ledger." in words(who.get("/stock", lang="en").text)


def test_files_hold_every_lot_and_entry_and_no_formula(site: Site) -> None:
    who = reader(site, "001")
    stocked(site, "received", "district:001", 20, lot="=1+1", document="@cmd")
    for what, cell in (("balances", "'=1+1"), ("ledger", "'@cmd")):
        text = who.get(f"/stock/{what}.csv").content.decode("utf-8-sig")
        assert any(cell in row for row in csv.reader(io.StringIO(text)))
        book = openpyxl.load_workbook(io.BytesIO(who.get(f"/stock/{what}.xlsx").content))
        cells = [one for row in book.worksheets[0].iter_rows() for one in row if one.value is not None]
        assert any(one.value == cell[1:] for one in cells) and not any(one.data_type == "f" for one in cells)
    assert who.get("/stock/balances.pdf").status_code == 404
    assert who.get("/stock/people.csv").status_code == 404
    again = Reader(site, site.user("administrator", name="khác", password="mười hai chữ cái").name)
    ledger = again.get("/stock/ledger.csv").content.decode("utf-8-sig")
    assert upload(again, ledger).status_code == 400, "what one ledger holds it does not take a second time"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_of_all_are_days_without_stock_and_no_fault(site: Site, day: str) -> None:
    who = reader(site, "001")
    for path in (f"/stock?date={day}", f"/api/stock?campaign=mini&date={day}"):
        assert who.get(path).status_code == 200
    assert who.get(f"/forecast?date={day}").status_code in (200, 400)
    assert who.get(f"/api/forecast?campaign=mini&from={day}").status_code in (200, 400)


def test_who_may_see_and_enter(site: Site) -> None:
    a_stock(site)
    commune = reader(site, "00002", role="commune_supervisor")
    page = words(commune.get("/stock", lang="en").text)
    assert "LÔ-1" not in page and "GẦN" not in page
    assert send(commune, "/stock", **received()).status_code == 400
    planner = reader(site, "001", role="planner")
    page = planner.get("/stock", lang="en").text
    assert "LÔ-1" in page and 'action="/stock"' not in page.replace('method="get" action="/stock"', "")
    assert planner.post("/stock", planner.get("/list").text, **PLACE | received()).status_code == 400
    token = site.user("canvasser", "001").token
    for path in ("/stock", "/forecast", "/api/stock?campaign=mini", "/api/forecast?campaign=mini"):
        assert site.get(path, token).status_code == 403
        assert site.get(path).status_code in (302, 401)


def test_warnings_stand_first_and_say_what_to_do(site: Site) -> None:
    a_stock(site)
    page = words(reader(site, "001").get("/stock", lang="en").text)
    assert "lot CŨ of Pfizer of ten expired on" in page and "20 doses are still there" in page
    assert "lot GẦN" in page and "Pfizer of ten" in page
    assert page.index("To look at first") < page.index("lot CŨ") < page.index("In the stores on")


def test_the_forecast_says_what_is_due_what_to_order_and_how_that_is_known(site: Site) -> None:
    site.phone().send(House("uuid:a", people=DUE).form())
    site.phone().send(House("uuid:b", commune="00002", hamlet="0000201", location="", people=DUE[:1]).form())
    stocked(site, "received", "commune:00001", 10)
    who = reader(site, "001")
    on = {"lang": "en", "from": today().isoformat()}
    page = words(who.get("/forecast", **on).text)
    assert "3 people are due for 3 doses on" in page
    assert "Xã Hai" in page and "10 missing, from" in page
    assert "5 and older 3" in page, "what coverage says, with its link"
    assert "Vials to order" in page
    hamlets = words(who.get("/forecast", **on, area="commune:00001").text)
    assert ": 2 doses (1 hamlets)" in hamlets and "Thôn Đông 2 2" in hamlets
    assert "2 people are due for 2 doses" in hamlets
    rows = list(csv.reader(io.StringIO(who.get("/forecast.csv", **on).content.decode("utf-8-sig"))))
    assert [row[:6] for row in rows[1:]] == [
        ["Xã Hai", "00002", "Pfizer of ten", "1", "1", "1"],
        ["Xã Một", "00001", "Pfizer of ten", "2", "2", "1"],
        ["Together", "", "Pfizer of ten", "3", "3", "2"],
    ]
    assert who.get("/forecast.xlsx").status_code == 200
    for wrong in ({"from": "x"}, {"to": "2000-01-01"}, {"sessions": "9"}):
        reply = who.get("/forecast", lang="en", **wrong)
        assert reply.status_code == 200 and 'role="alert"' in reply.text


def test_programs_read_stock_and_forecast_within_their_area(site: Site) -> None:
    a_stock(site)
    site.phone().send(House("uuid:a", people=DUE).form())
    token = site.user("planner", "001").token
    found = site.get("/api/stock?campaign=mini", token).json()
    lots = {(one["store"], one["lot"]): one for one in found["lots"]}
    assert lots["district:001", "GẦN"]["use_first"] and lots["district:001", "CŨ"]["expired"]
    assert lots["commune:00001", "LÔ-1"]["doses"] == 38
    assert found["promised"] == [{"store": "district:001", "formulation": "ten", "allocated": 300, "received": 270}]
    assert found["use"]["ten"]["open_waste"] == pytest.approx(0.15)
    assert found["warnings"][0]["grade"] == "trouble"
    entries = site.get("/api/stock/entries?campaign=mini", token).json()["entries"]
    assert [one["kind"] for one in entries][-3:] == ["used", "wasted", "counted"]
    told = site.get("/api/forecast?campaign=mini&level=commune", token).json()
    assert told["total"]["doses_due_now"] == 2 == told["coverage_says_due"][0]["due"]
    assert told["total"]["vaccines"][0]["stock_doses"] == 248 and "Nông" not in str(told)
    hamlets = site.get("/api/forecast?campaign=mini", token).json()
    assert [one["code"] for one in hamlets["units"]] == ["0000101"]
    other = site.user("planner", "00002").token
    assert site.get("/api/stock?campaign=mini", other).json()["lots"] == []
    assert site.get("/api/forecast?campaign=mini", other).json()["total"]["doses_due"] == 0
    for path in ("stock", "forecast"):
        assert site.get(f"/api/{path}?campaign=mini&area=commune:00001", other).status_code == 404
        assert site.get(f"/api/{path}?campaign=mini&area=commune:99999", token).status_code == 404
    assert site.get("/api/stock", token).status_code == 400
    assert site.get("/api/stock?campaign=none", token).status_code == 404
    assert site.get("/api/forecast?campaign=mini&from=2022-02-31", token).status_code == 400


def told_of(lot: str = "LÔ-7", **more: object) -> dict[str, object]:
    """An entry as a program tells it."""
    what = {"day": today().isoformat(), "kind": "received", "store": "district:001", "formulation": "ten", "lot": lot}
    return what | {"expiry": EXPIRY.isoformat(), "doses": 120} | more


def tell(site: Site, token: str, body: object, path: str = "entries", **asked: str) -> requests.Response:
    sent = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.post(
        f"{site.url}/api/stock/{path}",
        json=body,
        params={"campaign": "mini", "lang": "en"} | asked,
        headers=sent,
        timeout=60,
    )


def test_programs_enter_by_the_rules_of_the_page_and_the_same_twice_is_one_entry(site: Site) -> None:
    token = site.user("supervisor", "001").token
    reply = tell(site, token, told_of(document="PXK 9"))
    assert reply.status_code == 201
    (entry,) = reply.json()["entries"]
    assert (entry["number"], entry["kind"], entry["doses"], entry["document"]) == (1, "received", 120, "PXK 9")
    assert (entry["day"], entry["expiry"]) == (today().isoformat(), EXPIRY.isoformat())
    again = tell(site, token, told_of(document="PXK 9"))
    assert again.status_code == 409 and "as entry 1" in again.json()["error"]["message"]
    move = told_of(kind="moved", doses=None, vials=5, expiry=None, to_store="commune:00001")
    assert tell(site, token, move).json()["entries"][0]["to_store"] == "commune:00001"
    lots = {one["store"]: one["doses"] for one in site.get("/api/stock?campaign=mini", token).json()["lots"]}
    assert lots == {"district:001": 70, "commune:00001": 50}
    wasted = told_of(kind="wasted", doses=3, reason="broken")
    assert tell(site, token, wasted).status_code == 201
    assert tell(site, token, {"document": "nhầm"}, "entries/3/undo").status_code == 201
    assert tell(site, token, {}, "entries/3/undo").status_code == 409, "it is undone already"
    kept = site.get("/api/stock/entries?campaign=mini", token).json()["entries"]
    assert [(one["number"], one["kind"], one["undoes"]) for one in kept] == [
        (1, "received", None),
        (2, "moved", None),
        (3, "wasted", None),
        (4, "wasted", 3),
    ]
    trail = [one.action for one in audit.entries(site.reference, 10) if one.action.startswith("stock.")]
    assert trail == ["stock.undone", "stock.entered", "stock.entered", "stock.entered"]


def test_a_list_of_a_program_is_entered_whole_or_told_entry_by_entry(site: Site) -> None:
    token = site.user("supervisor", "001").token
    good, used = told_of("A"), told_of("A", kind="used", doses=20, expiry=None)
    reply = tell(site, token, [good, used, told_of("A", kind="used", doses=500), told_of("B", kind="lost"), {"x": 1}])
    assert reply.status_code == 400
    told = reply.json()["error"]
    assert told["message"].startswith("Nothing was entered: 3 entries are wrong.")
    assert [one["entry"] for one in told["entries"]] == [3, 4, 5]
    assert "has 100 doses of lot A" in told["entries"][0]["message"]
    assert site.get("/api/stock/entries?campaign=mini", token).json()["entries"] == []
    numbers = [one["number"] for one in tell(site, token, [good, used]).json()["entries"]]
    assert numbers == [1, 2]
    assert tell(site, token, []).status_code == 400


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (told_of(kind="lost"), "lost is no kind of entry"),
        (told_of(doses=12.5), "The field doses of an entry is a text or a whole number."),
        (told_of(doses=True), "The field doses of an entry is a text or a whole number."),
        (told_of(undoes=1), "An entry is a JSON object of these fields: day, kind, store,"),
        (told_of(expiry=None), "The expiry of lot LÔ-7 is missing."),
        (told_of(day="2031-01-01"), "cannot be right"),
        (told_of(formulation="none"), "none is no vaccine"),
        ("received", "An entry is a JSON object of these fields"),
        (None, "An entry is a JSON object of these fields"),
    ],
)
def test_a_program_hears_what_is_wrong_with_an_entry(site: Site, body: object, words: str) -> None:
    reply = tell(site, site.user("supervisor", "001").token, body)
    assert reply.status_code == 400 and words in reply.json()["error"]["message"], reply.text


def test_programs_enter_only_where_their_user_may(site: Site) -> None:
    assert tell(site, site.user("supervisor", "00002").token, told_of()).status_code in (403, 404)
    assert tell(site, site.user("planner", "001").token, told_of()).status_code == 403
    assert tell(site, site.user("canvasser", "00001").token, told_of()).status_code == 403
    assert tell(site, "", told_of()).status_code in (400, 401)
    assert tell(site, site.user("supervisor", "001").token, told_of(), campaign="none").status_code == 404
    who = reader(site, "001")
    sent = who.session.post(f"{site.url}/api/stock/entries?campaign=mini", data=json.dumps(told_of()), timeout=60)
    assert sent.status_code == 400, "a page of somebody else cannot enter with a reader's cookie"
    assert site.get("/api/stock/entries?campaign=mini", site.user("supervisor", "001").token).json()["entries"] == []


def test_while_many_people_are_read_the_page_says_how_far_that_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.phone().send(House("uuid:a", people=DUE).form())
    monkeypatch.setattr(coming, "AT_ONCE", 0)
    who = reader(site, "001")
    page = who.get("/forecast", lang="en").text
    assert 'id="at-work"' in page and "The people of this area are being read" in page
    address = re.search(r'data-url="([^"]+)"', page)
    assert address
    for _ in range(200):
        if who.get(address[1].replace("&amp;", "&")).json()["stage"] == "done":
            break
    assert "2 people are due for 2 doses" in words(who.get("/forecast", lang="en").text)
    token = site.user("supervisor", "001").token
    assert site.get("/api/forecast?campaign=mini&from=2022-08-01", token).status_code == 503
