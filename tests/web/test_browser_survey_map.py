"""The map of a cluster survey in a real browser: figures that are told as those of a sample, and not of a census.

Two hamlets of one commune were drawn: Thôn Đông with 4 of 8 people vaccinated, Thôn Tây with 2 of 2. Together 6 of 10.
The residuals of the ratio are -0.8 and 0.8, so the variance is 2 (0.64 + 0.64) / 10² = 0.0256; that of ten people drawn
one by one is 0.6 · 0.4 / 9, and DEFF 0.96. Of 9 / 0.96 people, and with Student's t of one degree of freedom (12.7062),
Wilson's interval is 1.99 - 99.1 %, shown as 1 - 100 %: not at all that of ten people drawn one by one (31 - 83 %).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mapper.services import publish
from tests.browser import Pages
from tests.client.site import Site, write_house_check
from tests.web.test_browser_map import NAME, PASSWORD, QUERY, open_map, point_of, with_houses


@pytest.fixture(scope="module")
def survey(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("survey-map")
    with with_houses(filled_sqlite, folder) as made:
        campaign = write_house_check(folder / "campaign") / "campaign.toml"
        campaign.write_text('design = "cluster_survey"\n' + campaign.read_text("utf-8"), "utf-8")
        publish.publish(made.reference, campaign.parent)
        yield made


@pytest.mark.parametrize("width", [390, 1366])
def test_figures_of_a_sample_are_told_as_an_estimate_with_its_interval_and_design(
    open_page: Pages, survey: Site, width: int
) -> None:
    page = open_map(
        open_page(width, signed_in=open_page.sign_in(survey.url, NAME, PASSWORD)), survey, f"{QUERY}&level=hamlet"
    )
    told = page.locator("#summary")
    expect(told.locator(".summary-number")).to_have_text("60\u202f%")
    expect(told).to_contain_text("Ước lượng từ điều tra cụm, không phải tổng rà: đã hỏi 10 người ở 2 thôn rút thăm.")
    expect(told).to_contain_text("Hiệu ứng thiết kế (DEFF) 0,96.")
    interval = told.get_by_text("khoảng tin cậy 95% của điều tra cụm 1–100\u202f%")
    assert interval.is_visible(), "the interval of a sample stands on a phone too"
    # Whom a sample names is no list of whom to go to.
    for words in ("Còn nhiều người đến hạn nhất", "xấu nhất đến tốt nhất", "nhà đã đến", "cần thêm"):
        expect(told).not_to_contain_text(words)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    at = point_of(page, "00001/0000101")
    page.mouse.click(at["x"], at["y"])
    expect(page.locator(".leaflet-popup")).to_contain_text("Mẫu điều tra không nói được gì riêng về thôn, bản này.")
    told.get_by_role("link", name="Nghĩa là gì").click()
    expect(page.locator("main")).to_contain_text("DEFF")


def test_the_same_in_english(open_page: Pages, survey: Site) -> None:
    page = open_map(
        open_page(1366, "en", signed_in=open_page.sign_in(survey.url, NAME, PASSWORD)),
        survey,
        f"{QUERY}&level=commune",
        "en",
    )
    expect(page.locator("#summary")).to_contain_text(
        "Estimate of a cluster survey, not a census: 10 people asked in 2 hamlets drawn. Design effect (DEFF) 0.96."
    )
    expect(page.locator("#summary")).to_contain_text("95% interval of the cluster survey 1–100%")
