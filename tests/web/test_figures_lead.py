"""Every number of every page that leads to people, or to houses, leads to as many as it says."""

from __future__ import annotations

import re
from html import unescape

import requests

from tests.client.site import House, Site
from tests.web.test_hot_spots import searched, visit
from tests.web.test_menu import at_desk
from tests.web.test_people import DAY, QUESTION, visited
from tests.web.test_sign_in import Desk

__all__ = ["visited"]

PAGES = {
    "/targets": 8,
    "/targets?area=commune:00001&level=hamlet": 3,
    "/report": 15,
    "/report?area=commune:00001": 10,
    "/trends": 6,
    "/trends?area=commune:00001": 4,
    "/reasons": 3,
    "/map/compare?level=hamlet&date_left=2022-08-15": 4,
    "/map/print?level=hamlet": 3,
    "/list?view=map": 2,
    "/list?view=map&age_from=18": 2,
    f"/upcoming?from={DAY}": 4,
    f"/upcoming?from={DAY}&kind=group&area=commune:00001": 2,
}
"""Page, and how many numbers lead from it at least."""

MOST = 12
"""Numbers of a page that are followed, about; a course has two for each of its days."""

UNNAMED = ("houses=expected", "houses=never")
"""Houses of which the lists know a number and nothing else."""


def figures(page: requests.Response) -> set[tuple[str, int]]:
    """Where the numbers of a page lead, and what they say."""
    assert page.status_code == 200, page.text
    found = re.findall(r'<a (?:class="figure" )?href="(/(?:people|list)\?[^"]*)">([\d.,]+)</a>', page.text)
    return {(unescape(address), int(re.sub(r"\D", "", number))) for address, number in found}


def total(page: requests.Response) -> int:
    """How many a page of people, or of houses, says there are."""
    assert page.status_code == 200, page.text
    found = re.search(r'<p class="lead"><b>([\d.,]+)', page.text)
    assert found is not None, page.text
    return int(re.sub(r"\D", "", found[1]))


def follow(desk: Desk, path: str, least: int, seen: dict[str, int]) -> None:
    """Follow numbers of a page. seen: what pages that were opened before say."""
    found = figures(desk.get(path))
    assert len(found) >= least, (path, found)
    for address, number in sorted(found)[:: 1 + len(found) // MOST]:
        if address not in seen and not any(each in address for each in UNNAMED):
            seen[address] = total(desk.get(address))
        assert seen.get(address, number) == number, (path, address)


def test_a_number_leads_to_as_many_as_it_says(visited: Site) -> None:
    # Two who come into the group in the days ahead, one of them in each commune.
    soon = (("Lý Bé", "2017-09-05", ""),)
    visited.phone().send(House("uuid:soon", people=soon, location="22.053 105.05 300 6.5").form())
    there = House("uuid:soon-there", commune="00002", hamlet="0000201", location="22.06 105.15 300 6", people=soon)
    visited.phone().send(there.form())
    with at_desk(visited, "supervisor", "001") as desk:
        seen: dict[str, int] = {}
        for path, least in PAGES.items():
            of_people = path.startswith("/list")
            question = f"date={DAY}" if of_people else QUESTION
            follow(desk, f"{path}{'&' if '?' in path else '?'}{question}", least, seen)


def test_the_numbers_of_a_cluster_lead_to_as_many_as_they_say(sqlite_site: Site) -> None:
    visit(sqlite_site)
    with at_desk(sqlite_site, "supervisor", "001") as desk:
        searched(desk)
        follow(desk, f"/hot-spots?{QUESTION}", 2, {})
