"""Every page of the product in a real browser, in Vietnamese, on a desk and on a phone: people who need help read it.

A table says how each address is opened; an address without a row fails. axe-core, which judges the pages, is looked for
where set-up put it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from playwright.sync_api import Page

from mapper.domain.roles import Role
from mapper.formats.register_dates import Order
from mapper.language import translate
from mapper.services import (
    back_checks,
    intake,
    lot_drawing,
    lots,
    national_register,
    public_figures,
    public_page,
)
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.integrity import Period
from mapper.services.lot_drawing import Plan
from mapper.services.lots import Told
from mapper.services.questions import Question
from mapper.settings import Settings
from server import create_app
from tests.browser import HEIGHTS, Pages
from tests.client.site import NEXT_VERSION, SET_ID, House, Site
from tests.conftest import CHECKOUT, missing
from tests.sentences import gather
from tests.web.planned import planned, settle
from tests.web.stocked import a_stock
from tests.web.test_boundary_sets import a_step
from tests.web.test_browser_submission import PIXEL
from tests.web.test_conflicts import contradict
from tests.web.test_forms_page import MOVED, draft, house_check, manager, phone

pytestmark = pytest.mark.long

PASSWORD = "mười hai chữ cái"
WIDTHS: Mapping[str, tuple[int, ...]] = {"nobody": (1366, 390), "administrator": (1366, 390), "supervisor": (390,)}
"""Who looks how; a supervisor sees less of the same pages."""

EVERYBODY = ("administrator", "supervisor")
ADMINISTRATOR = ("administrator",)
NOBODY = ("nobody",)

PAGES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "accounts.sign_in_page": (NOBODY, ("/sign-in",)),
    "assignment.page": (EVERYBODY, ("/assignment", "/assignment?set=squares&commune=00001")),
    "boundary_sets.page": (EVERYBODY, ("/boundary-sets",)),
    "boundary_import.page": (ADMINISTRATOR, ("/boundary-sets/import",)),
    "boundary_sets.succession": (EVERYBODY, ("/boundary-sets/squares/to/later",)),
    "cleaning.page": (EVERYBODY, ("/cleaning", "/cleaning?state=decided")),
    "compare.page": (EVERYBODY, ("/map/compare?date=2022-08-31",)),
    "conflicts.page": (EVERYBODY, ("/conflicts",)),
    "epidemic.page": (EVERYBODY, ("/epidemic-levels?date=2022-08-31",)),
    "exchange.page": (EVERYBODY, ("/exchange?date=2022-08-31",)),
    "fill.form": (NOBODY, ("/key/{token}/fill/house_check",)),
    "fill.forms": (NOBODY, ("/key/{token}/fill",)),
    "fill_trial.form": (NOBODY, ("/test/{trial}/fill/house_check",)),
    "fill_trial.forms": (NOBODY, ("/test/{trial}/fill",)),
    "follow_up.fieldwork": (EVERYBODY, ("/fieldwork",)),
    "follow_up.lists": (
        EVERYBODY,
        ("/follow-up?date=2022-08-31", "/follow-up?date=2022-08-31&commune=00001&hamlet=0000101"),
    ),
    "forecast.page": (EVERYBODY, ("/forecast", "/forecast?date=2022-08-31&area=commune:00001")),
    "forms.draft": (ADMINISTRATOR, ("/form/house_check/draft",)),
    "forms.page": (ADMINISTRATOR, ("/forms",)),
    "exports.files": (EVERYBODY, ("/export/files",)),
    "exports.waiting": (EVERYBODY, ("/export/waiting?kind=csv&date=2022-08-31",)),
    "hot_spots.page": (EVERYBODY, ("/hot-spots?date=2022-08-31",)),
    "integrity.back_check": (EVERYBODY, ("/integrity/back-checks/{draw}",)),
    "integrity.page": (EVERYBODY, ("/integrity?date=2022-08-31",)),
    "national_register.columns": (ADMINISTRATOR, ("/national-register/{extract}/columns",)),
    "national_register.compared": (EVERYBODY, ("/national-register/{extract}",)),
    "national_register.page": (EVERYBODY, ("/national-register",)),
    "own_account.page": (EVERYBODY, ("/account",)),
    "pages.map_page": (
        EVERYBODY,
        ("/map?date=2022-08-31", "/map?date=2022-08-31&layers=filter&filter=group%3D5_plus%26dose%3D1%26states%3Ddue"),
    ),
    "pages.submissions": (EVERYBODY, ("/submissions",)),
    "plans.compare": (EVERYBODY, ("/plans/compare?a={plan}&b={variant}",)),
    "plans.page": (EVERYBODY, ("/plans", "/plans?from={plan}")),
    "plan_people.people": (EVERYBODY, ("/plans/{plan}/people?why={why}",)),
    "plans.progress": (EVERYBODY, ("/plans/{plan}/progress",)),
    "plans.show": (EVERYBODY, ("/plans/{plan}",)),
    "plan_people.site": (EVERYBODY, ("/plans/{plan}/sites/TYT",)),
    "public.page": (("administrator", "nobody"), ("/public",)),
    "public.settings": (ADMINISTRATOR, ("/public/settings",)),
    "report.page": (
        EVERYBODY,
        ("/report?date=2022-08-31", "/report?date=2022-08-31&area=commune:00001&body=UBND"),
    ),
    "lists.page": (
        EVERYBODY,
        (
            "/list?date=2022-08-31&view=people&group=5_plus&dose=1&states=due",
            "/list?date=2022-08-31&view=people&text=1900",
            "/list?date=2022-08-31&view=houses",
            "/list?date=2022-08-31&view=map",
        ),
    ),
    "units.page": (
        EVERYBODY,
        ("/unit/squares/commune/00001?date=2022-08-31", "/unit/squares/district/001?date=2022-08-31"),
    ),
    "upcoming.page": (
        EVERYBODY,
        ("/upcoming?kind=group&from=2022-09-01&to=2022-10-31",),
    ),
    "list_paper.page": (
        EVERYBODY,
        ("/list/paper?date=2022-08-31&group=5_plus&dose=1", "/list/paper?date=2022-08-31&text=1900"),
    ),
    "people.page": (
        EVERYBODY,
        ("/people?date=2022-08-31", "/people?date=2022-08-31&state=vaccinated", "/people?date=2022-08-31&houses=never"),
    ),
    "reasons.page": (EVERYBODY, ("/reasons?date=2022-08-31", "/reasons?date=2022-08-31&area=commune:00001")),
    "sites.page": (EVERYBODY, ("/sites",)),
    "stock.page": (EVERYBODY, ("/stock", "/stock?area=commune:00001")),
    "slips.check_page": (("administrator", "nobody"), ("/slips/check",)),
    "slips.house": (EVERYBODY, ("/slips/of/uuid:edit",)),
    "slips.offline": (NOBODY, ("/slips/offline.html",)),
    "slips.page": (EVERYBODY, ("/slips",)),
    "slips.people": (EVERYBODY, ("/slips/people?date=2022-08-31",)),
    "submission.page": (EVERYBODY, ("/submission/uuid:photo", "/submission/uuid:edit")),
    "surveys.lot": (EVERYBODY, ("/surveys/lots/{lot}",)),
    "surveys.page": (EVERYBODY, ("/surveys?date=2022-08-31", "/surveys?date=2022-08-31&area=commune:00001")),
    "targets.page": (
        EVERYBODY,
        (
            "/targets?date=2022-08-31",
            "/targets?date=2022-08-31&area=commune:00001",
            "/targets?date=2022-08-31&area=hamlet:0000101",
        ),
    ),
    "erasing.house": (ADMINISTRATOR, ("/erasure/uuid:edit",)),
    "erasing.page": (ADMINISTRATOR, ("/erasure",)),
    "retention.page": (ADMINISTRATOR, ("/retention",)),
    "retention.campaign": (ADMINISTRATOR, ("/retention/mini",)),
    "trail.audit_page": (ADMINISTRATOR, ("/audit",)),
    "wall.page": (EVERYBODY, ("/map/print?date=2022-08-31", "/map/print?date=2022-08-31&area=commune:00001")),
    "trends.page": (
        EVERYBODY,
        ("/trends?date=2022-08-31", "/trends?date=2022-08-31&since=30&span=30&area=commune:00001"),
    ),
    "users.cards": (EVERYBODY, ("/users/cards?commune=00001",)),
    "users.one_user": (EVERYBODY, ("/users/{canvasser}", "/users/{desk}")),
    "users.user_list": (EVERYBODY, ("/users", "/users?commune=00001")),
}
"""Endpoint to who opens it, and under which addresses; what stands in braces is found when the test runs."""

NO_PAGES: Mapping[str, str] = {
    "api.": "figures for programs and for the map",
    "api_description.described": "for programs",
    "health.": "words for machines that watch",
    "base_map.": "tiles for the map",
    "assets.asset": "scripts, styles and pictures",
    "boundary_sets.file": "files to save",
    "boundary_sets.progress": "a number for a script",
    "boundary_import.progress": "a number for a script",
    "boundary_import.work": "while a file is read, and how that ended; tests/web/test_boundary_import.py",
    "retention.progress": "a number for a script",
    "boundary_sets.work": "while outlines are measured; leads elsewhere where nothing is at work",
    "boundary_sets.sets_of_program": "figures for programs",
    "boundary_sets.succession_of_program": "figures for programs",
    "exchange.adx": "a file to save",
    "exchange.data_values": "files to save",
    "exchange.left_out": "a table to save",
    "exchange.people": "files to save",
    "fill.worker": "a script",
    "fill_trial.worker": "a script",
    "filter_layer.by_hamlet": "figures for the map",
    "follow_up.fieldwork_version": "a word for a script",
    "follow_up.printed": "a PDF",
    "forecast.file": "files to save",
    "forecast.of_program": "figures for programs",
    "forecast.progress": "a number for a script",
    "forms.tried_file": "a file to save",
    "map_layers.": "figures for programs and for the map",
    "exports.people": "files to save",
    "exports.submissions": "a file to save",
    "odata.": "figures for programs",
    "exports.progress": "a number for a script",
    "exports.file_progress": "a number for a script",
    "exports.fetch": "files to save",
    "cleaning.progress": "a number for a script",
    "hot_spots.features": "figures for programs and for the map",
    "hot_spots.progress": "a number for a script",
    "people_api.count": "a number for programs",
    "people_api.people": "people for programs",
    "lists.progress": "a number for a script",
    "integrity.sheet": "a PDF",
    "integrity.progress": "a number for a script",
    "national_register.file": "files to save",
    "national_register.progress": "a number for a script",
    "openrosa": "XML and files for phones",
    "plan_files.fetch": "files to save",
    "places_api.": "places for programs and for fields to search in",
    "plans_api.": "plans for programs",
    "plans.stage": "a number for a script",
    "pages.home": "leads to the map",
    "pages.switch_language": "leads back",
    "public.script": "a script",
    "reasons.progress": "a number for a script",
    "report.file": "files to save",
    "slip_batches.": "stands only while slips are made; test_browser_slips looks at it",
    "slips.of_submission": "leads to a household",
    "slips.progress": "a number for a script",
    "stock_api.balances": "figures for programs",
    "stock_api.entries": "figures for programs",
    "stock.file": "files to save",
    "static": "scripts, styles and pictures",
    "submission.file": "a file to save",
    "submission.xml": "a file to save",
    "surveys.sheet": "a PDF",
    "units.of_program": "figures for programs",
    "surveys.template": "a table to save",
    "targets.ranking_file": "a table to save",
    "targets.responsible_file": "a table to save",
    "trail.audit_file": "a table to save",
    "trends.file": "pictures and tables to save",
    "trends.progress": "a number for a script",
    "wall.printed": "a PDF",
}
"""Endpoint, or how its name begins, to why there is no page to look at."""

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
OF_OTHERS = [".odk-form"]
"""Parts that come from other projects as they are, and are theirs to mend: forms as ODK Web Forms draws them."""

JUDGE = """async (others) => {
  const found = await axe.run({ exclude: others.map((each) => [each]) }, { resultTypes: ["violations"] });
  return found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`); }"""

READ = """() => { const names = ["aria-label", "title", "placeholder", "alt", "data-title"];
  const told = [...document.body.querySelectorAll("*")].flatMap((each) => names.map((name) => each.getAttribute(name)));
  return [document.title, document.body.innerText, ...told.filter(Boolean)].join("\\n"); }"""


def endpoints(folder: Path) -> dict[str, str]:
    """Every address that can be asked for with GET: endpoint to rule."""
    app = create_app(Settings(data_dir=folder))
    return {rule.endpoint: rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}


def is_no_page(endpoint: str) -> bool:
    return any(endpoint == each or (each and endpoint.startswith(each)) for each in NO_PAGES)


def test_the_table_names_every_address_and_none_that_is_gone(tmp_path: Path) -> None:
    there = endpoints(tmp_path)
    unnamed = {f"{endpoint} ({rule})" for endpoint, rule in there.items() if endpoint not in PAGES}
    assert {each for each in unnamed if not is_no_page(each.partition(" ")[0])} == set()
    assert PAGES.keys() - there.keys() == set()
    assert not [each for each in PAGES if is_no_page(each)]


@cache
def english() -> Mapping[str, re.Pattern[str]]:
    """The product's English sentences that are another in Vietnamese; those of one word say too little.

    Each with its pattern as words of their own, which is a thousand times slower to look for than the sentence.
    """
    found = {}
    for text in {sentence.text for sentence in gather(CHECKOUT) if sentence.text}:
        parts = [literal.strip() for literal, *_ in Formatter().parse(text)]
        longest = max(parts, key=len)
        if translate(text) != text and len(longest.split()) > 2 and longest not in translate(text):
            found[longest] = re.compile(rf"(?<!\w){re.escape(longest)}(?!\w)")
    return found


def untranslated(shown: str) -> list[str]:
    """English sentences of the catalogue that stand in a text."""
    return [sentence for sentence, alone in english().items() if sentence in shown and alone.search(shown)]


def test_an_english_sentence_among_vietnamese_is_found() -> None:
    assert untranslated("Nhật ký\nWho did what. Nobody can change or delete an entry, not even an administrator.\nHết")
    assert untranslated("Nhật ký\nAi làm việc gì. Không ai sửa hay xóa được.\nEnglish") == []


def busy_commune(site: Site) -> dict[str, str]:
    """A commune where something of everything happened; what the addresses of its pages need."""
    chief = manager(site)
    site.phone().send(
        House("uuid:photo", photo="nhà.png", hamlet="0000101").form({"nhà.png": PIXEL, "audit.csv": b"x"})
    )
    changed = (("Nông Văn Páo", "1990-02-03", ""), ("Nông Thị Mỷ", "1980-05-04", ""))
    site.phone().send(House("uuid:photo").edited("uuid:edit", head="Páo", people=changed).form())
    site.phone().send(House("uuid:flagged", version="1999").form())
    site.phone().send(House("uuid:held", deprecated_id="uuid:never").form())
    site.phone().send(House("uuid:odd", location="22.05 105.15 300 65").form())
    contradict(site)
    a_stock(site)
    chief.post("/submission/uuid:edit/remarks", chief.get("/forms").text, review="has_issues", words="Hỏi lại.")
    address = draft(chief, house_check(survey=MOVED))
    phone(site, address).send(House("uuid:try", version=NEXT_VERSION, photo="a.png").form({"a.png": PIXEL}))
    shown = public_page.PublicSettings(True, "mini", (("5_plus", "1"),), SET_ID)
    public_page.save_settings(site.reference, public_figures.EVERYBODY, shown)
    made = site.user("canvasser", "hamlet:0000101", name="Nông Thị Hoa")
    desk = site.user("commune_supervisor", "00001", name="Giám sát Xã Một", password=PASSWORD)
    return {
        "token": made.token,
        "trial": address.rpartition("/")[2],
        "canvasser": str(made.id),
        "desk": str(desk.id),
        "lot": str(a_lot(site)),
        "draw": str(a_draw(site, made.id, made.token)),
        "extract": str(an_extract(site)),
        **plans_of(site),
    }


def plans_of(site: Site) -> dict[str, str]:
    """A plan of the two communes, and another from the same people."""
    settle(site)
    plan = planned(site.reference, name="Tuần 36")
    return {"plan": str(plan), "variant": str(planned(site.reference, given_of=plan, sites=1)), "why": "no_position"}


def an_extract(site: Site) -> int:
    """Two people of the national register, one of whom the census knows."""
    made = site.user("administrator", name="Người nhập", password=PASSWORD)
    user = User(made.id, "Người nhập", Role.ADMINISTRATOR, (), 0)
    lines = ("Họ và tên;Ngày sinh;Mã xã;Mũi 1 - Ngày tiêm", "Nông Văn Páo;03/02/1990;00001;", "Lò Thị Ún;1950;00001;")
    data = "\n".join(lines).encode()
    number = national_register.upload(site.reference, user, "mini", SET_ID, "trích.csv", data, intake.today())
    columns = {"name": 0, "born": 1, "commune_code": 2}
    taken = national_register.take(site.reference, user, number, columns, {1: Order.DAY_FIRST}, intake.today())
    assert len(taken.rows) == 2
    return number


def a_draw(site: Site, canvasser: int, token: str) -> int:
    """A house drawn for a second interview."""
    site.phone(token).send(House("uuid:again", hamlet="0000101").form())
    today = intake.today()
    everybody = User(0, "all", Role.ADMINISTRATOR, (), 0)
    period = Period("mini", today, today, SET_ID)
    number = back_checks.draw_houses(site.reference, everybody, period, canvasser, None, 1)
    back_checks.tell(site.reference, everybody, number, 1, back_checks.Told("met", "yes", "1"))
    return number


def a_lot(site: Site) -> int:
    """A lot of the first commune, in part filled."""
    question = Question("mini", "5_plus", "1", date(2022, 8, 31), "commune", SET_ID)
    everybody, at = User(0, "all", Role.ADMINISTRATOR, (), 0), datetime(2022, 9, 1, tzinfo=UTC)
    plan = Plan(people=10, lower=0.6, upper=0.9)
    number = lot_drawing.draw(site.reference, everybody, question, Area("commune", "00001"), plan, at)
    lots.find(site.reference, everybody, number, {1: Told("2", "1", "away")}, Told(), at)
    return number


def faults(page: Page, widths: tuple[int, ...]) -> list[str]:
    """What is wrong with the page at each width, that of its opening first."""
    found = []
    for width in widths:
        if page.viewport_size != {"width": width, "height": HEIGHTS[width]}:
            page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            page.wait_for_timeout(150)  # what follows the width of a map or a list, follows a moment later
        found += [f"at {width} px: {each}" for each in page.evaluate(JUDGE, OF_OTHERS)]
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            found.append(f"at {width} px: the page scrolls sideways")
    shown: str = page.evaluate(READ)
    return found + [f"English: {each}" for each in untranslated(shown)]


@pytest.mark.parametrize("who", sorted(WIDTHS))
def test_every_page_is_for_everybody(open_page: Pages, sqlite_site: Site, tmp_path: Path, who: str) -> None:
    if not AXE.exists():
        missing("axe-core is not here; make setup fetches it")
    site, page = sqlite_site, open_page()
    places = busy_commune(site)
    a_step(site, tmp_path)
    if who != "nobody":
        areas = ("001",) if who == "supervisor" else ()
        name = site.user(who, *areas, name=f"người xem {site.made}", password=PASSWORD).name
        page.goto(f"{site.url}/sign-in")
        page.locator("[name=name]").fill(name)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        page.wait_for_url("**/map*")
    source = AXE.read_text("utf-8")
    wrong: dict[str, Any] = {}
    for path in (path for roles, paths in PAGES.values() if who in roles for path in paths):
        page.set_viewport_size({"width": WIDTHS[who][0], "height": HEIGHTS[WIDTHS[who][0]]})
        page.goto(site.url + path.format(**places))
        open_page.settle(page)
        page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
        page.evaluate(source)
        found = faults(page, WIDTHS[who])
        if found or open_page.problems:
            wrong[path] = found + open_page.problems
            open_page.problems.clear()
    assert not wrong, "\n".join(f"{path}: {each}" for path, several in wrong.items() for each in several)
