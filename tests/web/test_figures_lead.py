"""Every number of every page that leads to people, or to houses, leads to as many as it says."""

from __future__ import annotations

import re
from html import unescape

import requests

from tests.client.site import Site
from tests.web.test_menu import at_desk
from tests.web.test_people import QUESTION, visited

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


def test_a_number_leads_to_as_many_as_it_says(visited: Site) -> None:
    with at_desk(visited, "supervisor", "001") as desk:
        seen: dict[str, int] = {}
        for path, least in PAGES.items():
            found = figures(desk.get(f"{path}{'&' if '?' in path else '?'}{QUESTION}"))
            assert len(found) >= least, (path, found)
            for address, number in sorted(found)[:: 1 + len(found) // MOST]:
                if address not in seen and not any(each in address for each in UNNAMED):
                    seen[address] = total(desk.get(address))
                assert seen.get(address, number) == number, (path, address)
