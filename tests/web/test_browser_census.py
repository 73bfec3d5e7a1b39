"""The census as it is published, filled whole in a browser whose line is cut, and what the server makes of it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree
from playwright.sync_api import Locator, Page, expect

from mapper.formats.campaign import read_campaign
from mapper.formats.writer import InstanceWriter
from mapper.formats.xform import read_xform
from mapper.services import publish
from tests.browser import Pages
from tests.client.collect import FilledForm
from tests.client.site import Site
from tests.web.test_browser_fill import (
    at_the_door,
    finish,
    kept_for_later,
    only_the_lost_line,
    sent_ids,
    until,
)

pytestmark = pytest.mark.long

FORMS = Path(__file__).resolve().parents[2] / "forms"
FORM_ID = "covid19_census"
XF = "{http://www.w3.org/2002/xforms}"
NOTHING_TOLD = """async () => {
  const name = (await indexedDB.databases())[0].name;
  const asked = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
  const database = await asked(indexedDB.open(name));
  const told = await asked(database.transaction("entities").objectStore("entities").count());
  database.close();
  return told === 0;
}"""
"""The browser's own forms tell nothing any more that the server's lists do not."""


def labels(xform: bytes, language: str = "vi") -> dict[str, str]:
    """Question name -> a pattern of its label; where earlier answers stand in it, of the longest piece between them."""
    root = etree.fromstring(xform)
    texts = {
        text.get("id"): text.find(f"{XF}value")
        for translation in root.iter(f"{XF}translation")
        if f"({language})" in translation.get("lang")
        for text in translation.iter(f"{XF}text")
    }
    found = {}
    for label in root.find("{http://www.w3.org/1999/xhtml}body").iter(f"{XF}label"):
        reference = re.fullmatch(r"jr:itext\('(.*)'\)", label.get("ref") or "")
        name = (label.getparent().get("ref") or "").rpartition("/")[2]
        if reference and name and texts[reference[1]] is not None and texts[reference[1]].xpath("text()"):
            value = texts[reference[1]]
            piece = re.escape(max(value.xpath("text()"), key=len).strip())
            found[name] = piece if len(value) else rf"^\s*\*?\s*{piece}"
    return found


class Filling:
    """Answers the questions of a form by their names in the workbook."""

    def __init__(self, page: Page, asked: dict[str, str]) -> None:
        self.page = page
        self.asked = asked

    def question(self, name: str) -> Locator:
        """The question of that name, by its label."""
        label = re.compile(self.asked[name])
        return (
            self.page.locator(".question-container").filter(has=self.page.locator(".control-text", has_text=label)).last
        )

    def write(self, name: str, text: str) -> None:
        """Type a text, a number or a date, and leave the field."""
        field = self.question(name).locator("input").last
        field.press_sequentially(text)
        field.press("Tab")

    def choose(self, name: str, value: str) -> None:
        """Mark one of the choices that are shown."""
        self.question(name).locator(f"input[value='{value}']").check(force=True)

    def find(self, name: str, label: str) -> None:
        """Open a long list and choose from it."""
        self.question(name).locator(".p-select").click()
        self.page.locator(".p-select-option", has_text=label).first.click()


@pytest.fixture
def census_site(sqlite_site: Site) -> Site:
    """A server with the campaign that is published."""
    publish.publish(sqlite_site.reference, FORMS / "covid19")
    return sqlite_site


def test_a_whole_census_without_a_signal_becomes_a_household_with_its_people(
    open_page: Pages, census_site: Site
) -> None:
    site = census_site
    (version,) = [each.version for each in publish.offered_forms(site.reference) if each.form_id == FORM_ID]
    asked = labels(publish.form_xml(site.reference, FORM_ID, version))
    page = at_the_door(open_page(390))
    page.goto(f"{site.url}/key/{site.user('planner').token}/fill")
    expect(page.locator("#forms")).to_have_attribute("aria-busy", "false")
    kept_for_later(page)
    page.context.set_offline(True)
    page.goto(f"{page.url}/{FORM_ID}")
    expect(page.locator(".odk-form")).to_be_visible()
    interview(Filling(page, asked))
    finish(page)
    assert sent_ids(site) == []
    page.context.set_offline(False)
    expect(page.locator("#done-text")).to_have_text("Phiếu đã tới máy chủ.")
    only_the_lost_line(open_page)

    (instance_id,) = sent_ids(site)
    assert site.state(instance_id) == "processed"
    (household,) = site.rows("households")["households"]
    assert {"0196901", "12", "Nông Thị Mỷ", "interviewed", 22.0512, 105.0487} <= set(household)
    (person,) = site.rows("people")["people"]
    assert {"Nông Thị Mỷ", "1980-05-04", "female", "here"} <= {str(each) for each in person}
    (dose,) = site.rows("doses")["doses"]
    assert {"1", "pfizer", "2021-08-10"} <= {str(each) for each in dose}
    ids = [each for each in map(str, person) if re.fullmatch(r"[0-9a-f-]{36}", each)]
    assert {UUID(each).version for each in ids} == {4}
    assert len({*ids, household[2]}) == 2  # the household and the person are two entities
    assert "entity_without_id" not in {each for row in site.rows("findings")["findings"] for each in row}


def interview(census: Filling) -> None:
    """The census of one house: a woman with dose 1 of 2021."""
    page = census.page
    census.find("commune", "Thị trấn Phủ Thông")
    census.find("hamlet", "Phố Nà Liền")
    census.write("house_number", "12")
    page.get_by_role("button", name="Đo vị trí").click()
    page.get_by_role("button", name="Giữ vị trí này").click()
    census.choose("outcome", "interviewed")
    census.write("head", "Nông Thị Mỷ")
    census.write("expected_members", "1")
    census.write("person_name", "Nông Thị Mỷ")
    census.choose("sex", "female")
    census.choose("birth_known", "date")
    census.write("birth_date", "04/05/1980")
    for name, value in (
        ("residence", "here"),
        ("priority", "none"),
        ("infected", "no"),
        ("contraindicated", "no"),
        ("deferred", "no"),
        ("vaccinated", "yes"),
        ("dose_number", "1"),
        ("evidence", "paper_card"),
        ("vaccine", "pfizer"),
    ):
        census.choose(name, value)
    census.write("dose_date", "10/08/2021")
    census.choose("consent", "yes")


def interviewed(site: Site) -> None:
    """A phone sends the census of one house: a woman with dose 1 of 2021."""
    (version,) = [each.version for each in publish.offered_forms(site.reference) if each.form_id == FORM_ID]
    model = read_xform(publish.form_xml(site.reference, FORM_ID, version))
    campaign = read_campaign((FORMS / "covid19" / "campaign.toml").read_text("utf-8"))
    dose = {"dose.number": "1", "dose.date": date(2021, 8, 10), "dose.vaccine": "pfizer", "dose.evidence": "paper_card"}
    woman = {
        "person.name": "Nông Thị Mỷ",
        "person.sex": "female",
        "person.birth_date": date(1980, 5, 4),
        "person.residence": "here",
        "person.vaccinated": "yes",
        "person.consent": "yes",
        "doses": [dose],
    }
    house = {
        "visit.date": date(2022, 8, 10),
        "visit.outcome": "interviewed",
        "household.commune": "01969",
        "household.hamlet": "0196901",
        "household.house_number": "12",
        "household.head": "Nông Thị Mỷ",
    }
    xml = InstanceWriter(model, campaign).write(house, [woman], instance_id="uuid:11111111-1111-4111-8111-111111111111")
    site.phone(site.user("planner").token).send(FilledForm("census.xml", xml))


def test_who_is_due_is_visited_again_in_the_browser_and_holds_the_dose(open_page: Pages, census_site: Site) -> None:
    site, revisit = census_site, "covid19_revisit"
    interviewed(site)
    (version,) = [each.version for each in publish.offered_forms(site.reference) if each.form_id == revisit]
    page = at_the_door(open_page(390))
    page.goto(f"{site.url}/key/{site.user('planner').token}/fill/{revisit}")
    expect(page.locator(".odk-form")).to_be_visible()
    visit = Filling(page, labels(publish.form_xml(site.reference, revisit, version)))
    visit.find("hamlet", "Phố Nà Liền")
    visit.find("house_listed", "12")
    expect(page.locator(".odk-form")).to_contain_text("Trong danh sách có 1 người")
    visit.choose("outcome", "interviewed")
    expect(page.locator(".odk-form")).to_contain_text("Đã tiêm: Mũi 1 10/08/2021 Pfizer")
    second_dose(visit)
    finish(page)
    expect(page.locator("#done-text")).to_have_text("Phiếu đã tới máy chủ.")
    doses = site.rows("doses")["doses"]
    assert {(row[3], str(row[4]), row[5]) for row in doses} == {
        ("1", "2021-08-10", "pfizer"),
        ("2", "2021-09-10", "pfizer"),
    }
    (household,) = site.rows("households")["households"]
    assert household[-3] == 2, "the second version of the household"


def second_dose(visit: Filling) -> None:
    """The only person of the house has had dose 2."""
    visit.page.locator("input[type=checkbox][value=dose]").check(force=True)
    for name, value in (("dose_number", "2"), ("evidence", "paper_card"), ("vaccine", "pfizer")):
        visit.choose(name, value)
    visit.write("dose_date", "10/09/2021")


def test_a_house_made_without_a_signal_is_visited_again_before_anything_was_sent(
    open_page: Pages, census_site: Site
) -> None:
    site, revisit = census_site, "covid19_revisit"
    xforms = {
        form.form_id: publish.form_xml(site.reference, form.form_id, form.version)
        for form in publish.offered_forms(site.reference)
    }
    page = at_the_door(open_page(390))
    address = f"{site.url}/key/{site.user('planner').token}/fill"
    page.goto(address)
    expect(page.locator("#forms")).to_have_attribute("aria-busy", "false")
    kept_for_later(page)
    page.context.set_offline(True)
    page.goto(f"{address}/{FORM_ID}")
    expect(page.locator(".odk-form")).to_be_visible()
    interview(Filling(page, labels(xforms[FORM_ID])))
    finish(page)

    page.goto(f"{address}/{revisit}")
    expect(page.locator(".odk-form")).to_be_visible()
    visit = Filling(page, labels(xforms[revisit]))
    visit.find("hamlet", "Phố Nà Liền")
    visit.find("house_listed", "12")
    expect(page.locator(".odk-form")).to_contain_text("Trong danh sách có 1 người")
    visit.choose("outcome", "interviewed")
    second_dose(visit)
    finish(page)
    expect(page.locator("#waiting-count")).to_have_text("2")
    assert sent_ids(site) == []

    page.context.set_offline(False)
    expect(page.locator("#done-text")).to_have_text("Phiếu đã tới máy chủ.")
    only_the_lost_line(open_page)
    assert [site.state(each) for each in sent_ids(site)] == ["processed", "processed"]
    (household,) = site.rows("households")["households"]
    assert household[-3] == 2, "the second version of the household, on a branch of the browser's own"
    assert household[-2] is None, "the server gave the house out to nobody before"
    (person,) = site.rows("people")["people"]
    assert "Nông Thị Mỷ" in person
    assert {(row[3], str(row[4])) for row in site.rows("doses")["doses"]} == {("1", "2021-08-10"), ("2", "2021-09-10")}
    # The point stands on other ground than the commune that was chosen; of the updates nothing is to be said.
    assert {row[4] for row in site.rows("findings")["findings"]} == {"commune_differs"}

    # Fetched anew, the list tells by itself what this browser told until now.
    page.goto(address)
    expect(page.locator("#forms")).to_have_attribute("aria-busy", "false")
    until(page, NOTHING_TOLD)
    page.goto(f"{address}/{revisit}")
    again = Filling(page, labels(xforms[revisit]))
    again.find("hamlet", "Phố Nà Liền")
    again.find("house_listed", "12")
    again.choose("outcome", "interviewed")
    expect(page.locator(".odk-form")).to_contain_text("Mũi 2 10/09/2021 Pfizer")
