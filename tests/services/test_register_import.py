"""Files in the national platform's import layout: read back through our own import they tell of the same people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from mapper.domain.campaign import Campaign
from mapper.domain.people import Dose
from mapper.errors import InvalidCampaign
from mapper.formats.campaign import read_campaign
from mapper.formats.register_extract import guess, known_name, read_extract
from mapper.formats.register_layout import Layout, LayoutColumn, read_layout, usual_layout
from mapper.formats.register_table import read_register_table
from mapper.services.register_entries import CensusPerson
from mapper.services.register_import import import_file

TODAY = date(2022, 9, 8)
FOLDER = Path(__file__).parents[2] / "forms" / "covid19"
NAMES = {"01864": "Xã Quân Hà", "01865": "Xã Cẩm Giàng"}


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return read_campaign((FOLDER / "campaign.toml").read_text(encoding="utf-8"))


def person(place: int, name: str, born: date | None, precision: str, *doses: Dose) -> CensusPerson:
    facts = ("", "h", "uuid:h", name, born, precision, "female", "+84912345678", "01864", "Nà Hin")
    return replace(CensusPerson(*facts, doses), key=f"h/{place}")


PEOPLE = [
    person(1, "Nguyễn Thị Hoà", date(1980, 2, 11), "day", Dose("1", date(2021, 9, 5), "pfizer", "FK01")),
    person(2, "Lò Văn Ún", date(1951, 1, 1), "year", Dose("1", None), Dose("booster1", date(2022, 5, 9), "other")),
    person(3, "Giàng A Páo", date(1960, 7, 1), "month"),
    person(4, "=cmd()", None, "", Dose("2", date(2022, 3, 4), "vero_cell")),
]


def layouts(campaign: Campaign) -> dict[str, Layout]:
    published = read_layout((FOLDER / "register_layout.toml").read_text(encoding="utf-8"), campaign)
    # An editor on Windows may have put its mark before the text.
    assert published == read_layout("\ufeff" + (FOLDER / "register_layout.toml").read_text("utf-8"), campaign)
    columns = (
        *(LayoutColumn(*each) for each in (("ID", "code"), ("Tên", "name"), ("NS", "born"), ("GT", "sex"))),
        *(LayoutColumn(*each) for each in (("ĐVHC", "commune_code"), ("Ấp", "hamlet"), ("Liều số", "dose"))),
        *(LayoutColumn(*each) for each in (("Tel", "phone"), ("Ngày", "given"), ("VX", "vaccine"), ("Số lô", "lot"))),
        LayoutColumn("Nguồn", "text", "điều tra"),
    )
    words = {"sex": {"female": "F"}, "dose": {"booster1": "NL1"}, "vaccine": {"other": "Khác/không rõ"}}
    dosed = Layout("Doses", "dose", "mm/dd/yyyy", columns, words)
    return {"published": published, "usual": usual_layout(campaign), "dose": dosed}


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize("which", ["published", "usual", "dose"])
def test_what_is_written_for_the_platform_reads_back_equal(campaign: Campaign, which: str, kind: str) -> None:
    layout = layouts(campaign)[which]
    # One row a dose leaves out whoever has none, and no day stands in two ways in one column.
    written = [one for one in PEOPLE if one.doses] if layout.rows == "dose" else PEOPLE
    data = import_file(layout, campaign, NAMES, written, kind)
    table = read_register_table(f"list.{kind}", data, {each.name for each in layout.columns}.__contains__)
    places = layout.places(table.header)
    assert places is not None
    orders = dict.fromkeys(range(len(table.header)), layout.order)
    reading = read_extract(campaign, table, places, orders, TODAY, layout.words)
    assert reading.faults == ()
    assert [
        (one.name, one.born_on, one.precision, one.sex, one.phone, one.commune_code, one.hamlet, one.doses)
        for one in reading.rows
    ] == [
        (one.name, one.born_on, one.precision, one.sex, one.phone, one.unit, one.hamlet, one.doses) for one in written
    ]


def test_columns_of_the_published_layout_are_also_those_that_are_guessed(campaign: Campaign) -> None:
    layout = layouts(campaign)["published"]
    data = import_file(layout, campaign, NAMES, PEOPLE, "csv")
    table = read_register_table("list.csv", data, lambda each: known_name(campaign, each))
    assert guess(campaign, table) == layout.places(table.header)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ('[[columns]]\nname = "A"\nholds = "on:9"', "holds cannot be"),
        ('[[columns]]\nholds = "name"', "name is missing"),
        ('[[columns]]\nname = "A"\nholds = "name"\n[[columns]]\nname = "a "\nholds = "born"', "each name once"),
        ('rows = "house"\n[[columns]]\nname = "A"\nholds = "name"', "rows cannot be"),
        ('date_format = "d/m"\n[[columns]]\nname = "A"\nholds = "born"', "date_format cannot be"),
        ('[[columns]]\nname = "A"\nholds = "sex"\n[words.sex]\nman = "M"', "key man is unknown"),
        ('sheet = "A"', "columns is missing"),
        ("sheet =", "not valid TOML"),
    ],
)
def test_a_layout_that_cannot_be_meant_is_refused_with_its_place(campaign: Campaign, wrong: str, words: str) -> None:
    with pytest.raises(InvalidCampaign) as refused:
        read_layout(wrong, campaign)
    assert words in str(refused.value)
    assert "register_layout.toml" in str(refused.value)
