"""The pages as a browser gets them: who may see them, in which language, and what they load."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from mapper.services import accounts, review
from mapper.settings import Settings
from mapper.store import submissions
from mapper.store.submissions import SubmissionState
from mapper.web.assets import asset_url
from tests.client.site import House, Site

PASSWORD = "mười hai chữ cái"
ADDRESS = re.compile(r"""(?:https?:)?//[\w.-]+\.\w""")


class Reader:
    """A browser without scripts, signed in."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.session = requests.Session()
        reply = self.post("/sign-in", self.get("/sign-in").text, name=name, password=PASSWORD)
        assert reply.status_code == 302, reply.text

    def get(self, path: str, **query: str) -> requests.Response:
        return self.session.get(self.site.url + path, params=query, timeout=60, allow_redirects=False)

    def post(self, path: str, page: str, **fields: str) -> requests.Response:
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        data = {"csrf_token": token[1], **fields}
        return self.session.post(self.site.url + path, data=data, timeout=60, allow_redirects=False)


def reader(site: Site, *areas: str, role: str = "supervisor") -> Reader:
    """A new reader of these areas."""
    return Reader(site, site.user(role, *(areas or ("001",)), name=f"reader {site.made}", password=PASSWORD).name)


@pytest.fixture
def site(sqlite_site: Site) -> Iterator[Site]:
    yield sqlite_site


# Who may see the pages


@pytest.mark.parametrize("path", ["/", "/map", "/submissions"])
def test_without_signing_in_every_page_leads_to_the_sign_in(site: Site, path: str) -> None:
    reply = site.get(path)
    assert reply.status_code == 302
    assert reply.headers["Location"].startswith("/sign-in")
    assert reader(site).get(path).status_code == (302 if path == "/" else 200)


def test_the_first_page_is_the_map(site: Site) -> None:
    assert reader(site).get("/").headers["Location"] == "/map"


def test_a_canvasser_s_token_does_not_open_the_pages(site: Site) -> None:
    reply = site.get("/map", site.user("canvasser", "001").token)
    assert reply.status_code == 403
    assert "Xin tài khoản" in reply.text or "giám sát" in reply.text
    assert site.get("/map", site.user("supervisor", "001").token).status_code == 200


def test_the_sign_in_page_keeps_the_name_and_says_what_is_wrong(site: Site) -> None:
    site.user("supervisor", "001", name="bích", password=PASSWORD)
    browser = requests.Session()
    page = browser.get(f"{site.url}/sign-in", params={"next": "/map?group=5_plus"}, timeout=60)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    assert 'name="next" value="/map?group=5_plus"' in page.text
    form = {"csrf_token": token[1], "name": "bích", "password": "sai mật khẩu", "next": "/map?group=5_plus"}
    wrong = browser.post(f"{site.url}/sign-in", data=form, timeout=60, allow_redirects=False)
    assert wrong.status_code == 401
    assert 'value="bích"' in wrong.text
    assert 'role="alert"' in wrong.text
    right = browser.post(f"{site.url}/sign-in", data={**form, "password": PASSWORD}, timeout=60, allow_redirects=False)
    assert (right.status_code, right.headers["Location"]) == (302, "/map?group=5_plus")


# What the pages load


@pytest.mark.parametrize("path", ["/map", "/submissions", "/sign-in", "/nowhere"])
def test_no_page_names_another_server(site: Site, path: str) -> None:
    page = (requests.get(site.url + path, timeout=60) if path == "/sign-in" else reader(site).get(path)).text
    assert ADDRESS.findall(page) == []
    assert "<html" in page


def test_no_script_or_style_of_ours_asks_another_server() -> None:
    static = Path(__file__).parents[2] / "mapper" / "web" / "static"
    ours = [*static.glob("js/*.js"), *static.glob("css/*.css")]
    assert len(ours) > 8
    names = re.compile(r"http://openrosa\.org/xforms/?")  # of XML, which nobody asks
    assert [path.name for path in ours if ADDRESS.search(names.sub("", path.read_text("utf-8")))] == []


def test_scripts_are_allowed_from_this_server_and_by_a_word_used_once(site: Site) -> None:
    someone = reader(site)
    first, second = someone.get("/map"), someone.get("/map")
    policy = first.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'self' 'nonce-([\w-]+)'", policy)
    assert nonce
    assert f'<script nonce="{nonce[1]}">' in first.text
    assert nonce[1] not in second.text
    assert "unsafe" not in policy
    assert re.findall(r"\son\w+=|<script>|style=", first.text) == []


def test_the_operator_s_base_map_is_the_one_other_server_allowed(
    run_site: Callable[[Settings], Site], settings: Settings
) -> None:
    tiles = settings.model_copy(update={"tile_url": "https://{s}.tiles.example.vn/{z}/{x}/{y}.png"})
    site = run_site(tiles)
    reply = reader(site).get("/map")
    assert "img-src 'self' data: https://*.tiles.example.vn;" in reply.headers["Content-Security-Policy"]
    assert set(ADDRESS.findall(reply.text.replace("https://{s}.tiles.example.vn", ""))) == set()


def test_the_page_is_small_and_stays_so_however_many_households_there_are(site: Site) -> None:
    someone = reader(site)
    before = len(someone.get("/map", date="2022-08-31").content)
    phone = site.phone()
    for number in range(12):
        phone.send(House(f"uuid:{number}", location=f"22.05 105.0{number % 8} 300 6.5").form())
    after = len(someone.get("/map", date="2022-08-31").content)
    assert before < 60_000
    # The day of the latest visit is now known, some forty characters; no household is in the page.
    assert abs(after - before) < 100


def test_a_static_file_is_kept_for_a_year_under_an_address_that_names_its_content(site: Site) -> None:
    kept = requests.get(site.url + asset_url("js/map_page.js"), timeout=60)
    assert kept.status_code == 200
    assert {"public", "max-age=31536000", "immutable"} <= set(kept.headers["Cache-Control"].split(", "))
    assert kept.headers["Content-Type"].startswith("text/javascript")
    old = requests.get(f"{site.url}/assets/000000000000/js/map_page.js", timeout=60)
    assert "immutable" not in old.headers.get("Cache-Control", "")


@pytest.mark.parametrize("name", ["js/none.js", "../pages.py", "%2e%2e/pages.py", "..%2fpages.py"])
def test_only_static_files_are_served_as_such(site: Site, name: str) -> None:
    assert requests.get(f"{site.url}/assets/1/{name}", timeout=60).status_code == 404


def test_scripts_travel_compressed(site: Site) -> None:
    address = site.url + asset_url("vendor/leaflet/leaflet.js")
    packed = requests.get(address, headers={"Accept-Encoding": "gzip"}, timeout=60)
    plain = requests.get(address, headers={"Accept-Encoding": "identity"}, timeout=60)
    assert packed.content == plain.content
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < len(plain.content) / 2


# Language


def test_pages_are_vietnamese_until_the_reader_says_otherwise(site: Site) -> None:
    someone = reader(site)
    assert '<html lang="vi">' in someone.get("/map").text
    assert '<html lang="en">' in someone.get("/map", lang="en").text
    assert '<html lang="vi">' in someone.get("/map", lang="xx").text
    switched = someone.get("/language/en", next="/map?date=2022-08-31")
    assert (switched.status_code, switched.headers["Location"]) == (302, "/map?date=2022-08-31")
    assert '<html lang="en">' in someone.get("/map").text
    assert '<html lang="vi">' in someone.get("/map", lang="vi").text


def test_the_operator_chooses_the_first_language(run_site: Callable[[Settings], Site], settings: Settings) -> None:
    site = run_site(settings.model_copy(update={"language": "en"}))
    assert '<html lang="en">' in requests.get(f"{site.url}/sign-in", timeout=60).text


def test_a_language_that_is_not_here_is_said_so(site: Site) -> None:
    reply = requests.get(f"{site.url}/language/km", timeout=60)
    assert reply.status_code == 404
    assert "km" in reply.text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "map", "/\nx"]
)
def test_the_language_switch_leads_nowhere_else(site: Site, elsewhere: str) -> None:
    reply = requests.get(f"{site.url}/language/en", params={"next": elsewhere}, timeout=60, allow_redirects=False)
    assert reply.headers["Location"] == "/"


def test_a_link_that_names_what_is_not_here_says_what_is_shown_instead(site: Site) -> None:
    page = reader(site).get("/map", group="<b>90</b>", lang="en").text
    assert "(group: &lt;b&gt;90&lt;/b&gt;). The page shows 5_plus instead." in page
    assert "<b>90" not in page
    assert "names something that is not here" not in reader(site).get("/map", group="5_plus", lang="en").text


# Submissions


def test_what_does_not_count_is_listed_with_its_reason_in_the_reader_s_language(site: Site) -> None:
    someone = reader(site)
    assert "Không có phiếu nào đang chờ" in someone.get("/submissions").text
    site.phone().send(House("uuid:unknown-version", version="1999").form())
    vietnamese, english = someone.get("/submissions").text, someone.get("/submissions", lang="en").text
    assert "uuid:unknown-version" in vietnamese
    assert "Form house_check has no version 1999 here." in english
    assert "Form house_check has no version 1999 here." not in vietnamese


def test_a_submission_can_be_processed_again(site: Site) -> None:
    phone, someone = site.phone(), reader(site)
    phone.send(House("uuid:1").form())
    with site.reference.database.write() as connection:  # as after a crash between the two commits
        submissions.set_state(connection, "uuid:1", SubmissionState.RECEIVED, "", {})
    page = someone.get("/submissions").text
    assert 'action="/submissions/uuid:1/process"' in page
    done = someone.post("/submissions/uuid:1/process", page)
    assert (done.status_code, done.headers["Location"]) == (302, "/submissions?again=processed")
    assert "Phiếu đã được tính." in someone.get("/submissions", again="processed").text
    assert site.state("uuid:1") == "processed"


def test_what_still_cannot_be_counted_stays_on_the_list(site: Site) -> None:
    someone = reader(site)
    site.phone().send(House("uuid:1", version="1999").form())
    done = someone.post("/submissions/uuid:1/process", someone.get("/submissions").text)
    assert done.headers["Location"] == "/submissions?again=flagged"
    assert "uuid:1" in someone.get("/submissions", again="flagged").text


def test_processing_wants_the_page_s_own_form_and_a_signed_in_reader(site: Site) -> None:
    site.phone().send(House("uuid:1", version="1999").form())
    someone = reader(site)
    assert someone.session.post(f"{site.url}/submissions/uuid:1/process", timeout=60).status_code == 400
    stranger = requests.post(f"{site.url}/submissions/uuid:1/process", timeout=60, allow_redirects=False)
    assert stranger.status_code in (302, 400)
    assert site.state("uuid:1") == "flagged"
    gone = someone.post("/submissions/uuid:2/process", someone.get("/submissions").text)
    assert gone.status_code == 404


def without_tokens(page: str) -> str:
    """A page but for the tokens of its forms."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)


@pytest.mark.parametrize("role", ["commune_supervisor", "supervisor", "planner", "administrator"])
def test_what_waits_is_shown_and_processed_only_in_its_own_area(site: Site, role: str) -> None:
    site.phone(site.user("canvasser", "00002").token).send(House("uuid:1", version="1999").form())
    there, elsewhere = reader(site, "00002", role=role), reader(site, "00001", role=role)
    assert "uuid:1" in there.get("/submissions").text
    page = elsewhere.get("/submissions", lang="en").text
    assert "uuid:1" not in page
    assert "Nothing of your area waits here." in page
    assert "submissions are kept" not in page
    refused = elsewhere.post("/submissions/uuid:1/process", page)
    nowhere = elsewhere.post("/submissions/uuid:2/process", page)
    assert (refused.status_code, nowhere.status_code) == (404, 404)
    # It is not told even that it exists; a form's token is of the second in which the page was made.
    assert without_tokens(refused.text).replace("uuid:1", "uuid:2") == without_tokens(nowhere.text)
    done = there.post("/submissions/uuid:1/process", there.get("/submissions").text)
    assert done.headers["Location"] == "/submissions?again=flagged"


def test_a_canvasser_s_token_opens_no_list_of_submissions(site: Site) -> None:
    token = site.user("canvasser", "001").token
    site.phone(token).send(House("uuid:1", version="1999").form())
    reply = site.get("/submissions", token)
    assert reply.status_code == 403
    assert "uuid:1" not in reply.text
    headers = {"Authorization": f"Bearer {token}"}
    again = requests.post(f"{site.url}/submissions/uuid:1/process", headers=headers, timeout=60, allow_redirects=False)
    assert again.status_code in (400, 403)
    assert "uuid:1" not in again.text


def test_who_sees_everything_is_told_how_many_submissions_are_kept(site: Site) -> None:
    site.phone().send(House("uuid:1").form())
    page = Reader(site, site.user("administrator", name="all", password=PASSWORD).name).get("/submissions", lang="en")
    assert "1 submissions are kept." in page.text
    assert "every submission kept is counted" in page.text


def test_findings_are_shown_where_they_arose_and_only_to_their_area(site: Site) -> None:
    # The form says commune 00001, the point lies in 00002: it counts there, and the supervisor there looks at it.
    site.phone().send(House("uuid:1", location="22.05 105.15 300 6.5").form())
    there, elsewhere = reader(site, "00002"), reader(site, "00001")
    page = there.get("/submissions", lang="en").text
    assert "The form says Xã Một, the position lies in Xã Hai. The position counts." in page
    assert "Thôn Đông, Xã Hai" in page
    assert "uuid:1" not in elsewhere.get("/submissions").text


def test_a_finding_cannot_bring_markup_into_the_page(site: Site) -> None:
    person = ("<img src=x onerror=alert(1)>", "2031-01-01", "")
    site.phone().send(House("uuid:1", people=[person]).form())
    page = reader(site).get("/submissions").text
    assert "<img src=x" not in page
    assert "uuid:1" in page


def test_visits_are_counted_by_day_for_the_reader_s_area(site: Site) -> None:
    phone = site.phone()
    phone.send(House("uuid:1", today="2022-08-10").form())
    phone.send(House("uuid:2", today="2022-08-10", outcome="absent", people=()).form())
    phone.send(House("uuid:3", today="2022-08-11").form())
    phone.send(
        House("uuid:4", today="2022-08-12", commune="00002", hamlet="0000201", location="22.05 105.15 0 5").form()
    )
    user = accounts.by_token(site.reference, site.user("supervisor", "00001").token)
    assert user is not None
    history = [
        (each.day.isoformat(), each.visited, each.interviewed)
        for each in review.visit_history(site.reference, user, "mini")
    ]
    assert history == [("2022-08-11", 1, 1), ("2022-08-10", 2, 1)]
    everyone = accounts.by_token(site.reference, site.user("administrator").token)
    assert everyone is not None
    (newest,) = review.visit_history(site.reference, everyone, "mini", last=1)
    assert newest.day.isoformat() == "2022-08-12"
    page = reader(site, "00001").get("/submissions", lang="en").text
    assert "2 houses visited, 1 interviewed" in page


def test_long_after_the_last_visit_the_map_opens_on_its_day(site: Site) -> None:
    assert '"date": "2022-08-10"' not in reader(site).get("/map").text
    site.phone().send(House("uuid:1", today="2022-08-10").form())
    assert '"date": "2022-08-10"' in reader(site).get("/map").text


def test_the_first_page_leads_to_the_map_of_what_its_address_asks_for(site: Site) -> None:
    someone = reader(site)
    asked = {"set": "x1", "q": "Hà Vị&level=1"}
    found = someone.get("/", **asked).headers["Location"]
    assert urlsplit(found).path == "/map"
    assert parse_qs(urlsplit(found).query) == {name: [value] for name, value in asked.items()}
    assert someone.get("/").headers["Location"] == "/map"
