"""Which place a code and a name mean: found, asked or unknown, and never guessed; by the lists of all Viet Nam.

One rule is held against every fifth unit alone unless the whole proof is asked for.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from mapper.domain.place_names import spelled, unmarked
from mapper.domain.places import fold
from mapper.linkage.gazetteer import Gazetteer, How, NamedPlace, Told
from tests.proofs import drawn

VINTAGES = {
    "legacy2022_units.csv": ("commune", "district", "province"),
    "vn2025_units.csv": ("commune", "province"),
}
OLD_STYLE = {"oà": "òa", "oá": "óa", "oả": "ỏa", "oã": "õa", "oạ": "ọa", "oè": "òe", "oé": "óe", "oẻ": "ỏe"}
OLD_STYLE |= {"uỳ": "ùy", "uý": "úy", "uỷ": "ủy", "uỹ": "ũy", "uỵ": "ụy"}
UNIT_WORD = re.compile(r"(xã|phường|thị trấn|đặc khu|huyện|quận|thị xã|thành phố|tỉnh)\s+", re.IGNORECASE)


def listed(shared: Path, name: str) -> Gazetteer:
    """The units of a list of all Viet Nam."""
    levels = VINTAGES[name]
    found = {}
    with (shared / "geodata" / name).open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            line = [(level, row[f"{level}_code"], row[f"{level}_name"]) for level in levels]
            for at, unit in enumerate(line):
                found[unit[:2]] = NamedPlace(*unit, tuple(line[at + 1 :]))
    return Gazetteer(found.values())


def styles(name: str) -> set[str]:
    """A name with the tone mark where either school puts it, and in both Unicode forms."""
    old, new = name, name
    for one, other in OLD_STYLE.items():
        # A tone within "oàn" or "quý" has one place alone.
        old = re.sub(rf"(?<!q){one}(?!\w)", other, old)
        new = re.sub(rf"(?<!q){other}(?!\w)", one, new)
    return {name, old, new, unicodedata.normalize("NFD", name), name.upper()}


def bare(name: str) -> str:
    return UNIT_WORD.sub("", name, count=1)


@pytest.fixture(scope="module", params=VINTAGES)
def country(request: pytest.FixtureRequest, shared: Path) -> Gazetteer:
    return listed(shared, request.param)


def test_every_unit_is_found_by_its_name_in_its_parent_in_both_styles(country: Gazetteer) -> None:
    for place in country.places:
        for by in (0, 1):
            around = tuple((code, "") if by else ("", name) for _, code, name in place.around)
            for written in styles(place.name):
                found = country.match(Told("", written, around), {place.level})
                assert (found.how, found.place) == (How.NAME, place), written


def test_without_unit_word_or_marks_a_unit_is_found_or_asked_for_and_no_other_is_taken(country: Gazetteer) -> None:
    taken: Counter[str] = Counter()
    for place in country.places[:: drawn(1, 5)]:
        around = tuple((code, "") for _, code, _ in place.around)
        for written in (bare(place.name), fold(place.name), fold(bare(place.name))):
            found = country.match(Told("", written, around), {place.level})
            taken[found.how] += 1
            assert found.place in (place, None), (written, place, found)
            # A number alone is no name, and all the others stand among those that are asked for.
            assert found.place == place or bare(place.name).isdecimal() or place in found.candidates, written
    assert taken[How.SEVERAL] < sum(taken.values()) / 100


def test_country_wide_no_name_of_several_places_is_guessed(country: Gazetteer) -> None:
    forms = Counter((place.level, spelled(place.name)) for place in country.places)
    folded = Counter((place.level, unmarked(spelled(place.name))) for place in country.places)
    asked = 0
    for place in country.places:
        found = country.match(Told("", place.name), {place.level})
        plain = country.match(Told("", fold(place.name)), {place.level})
        if forms[place.level, spelled(place.name)] > 1:
            assert found.how is How.SEVERAL and place in found.candidates, place
            asked += 1
        else:
            assert found.place == place
        if folded[place.level, unmarked(spelled(place.name))] > 1:
            assert plain.how is How.SEVERAL and place in plain.candidates, place
        else:
            assert plain.place == place
    assert asked == {11362: 3919, 3355: 580}[len(country.places)]


def test_the_spelling_of_the_map_is_that_of_the_list(shared: Path) -> None:
    found = listed(shared, "vn2025_units.csv")
    features = json.loads((shared / "geodata" / "vn2025_communes_4prov.geojson").read_text("utf-8"))["features"]
    written = [feature["properties"] for feature in features]
    assert sum(each["name_on_map"] != each["commune_name"] for each in written) == 8
    for each in written:
        place = found.match(Told("", each["name_on_map"], ((each["province_code"], ""),)), {"commune"}).place
        assert place is not None and place.code == each["commune_code"]


P, Q = ("province", "01", "Tỉnh Pa"), ("province", "02", "Tỉnh Quỳ")
D, E = ("district", "010", "Huyện Đa Hòa"), ("district", "020", "Huyện Em")
SMALL = Gazetteer(
    [
        NamedPlace(*P),
        NamedPlace(*Q),
        NamedPlace(*D, (P,)),
        NamedPlace(*E, (Q,)),
        NamedPlace("commune", "01001", "Xã Long Phú", (D, P)),
        NamedPlace("commune", "01002", "Thị trấn Long Phú", (D, P)),
        NamedPlace("commune", "01003", "Xã Hòa Bình", (D, P)),
        NamedPlace("commune", "02001", "Xã Hoà Bình", (E, Q)),
        NamedPlace("commune", "02002", "Phường 1", (E, Q)),
        NamedPlace("commune", "02003", "Phường 10", (E, Q)),
        NamedPlace("commune", "02004", "Xã Hoa Lộc", (E, Q)),
        NamedPlace("commune", "02005", "Xã Hòa Lộc", (E, Q)),
        NamedPlace("commune", "12005", "Xã Sa Pa", (E, Q)),
        NamedPlace("commune", "12006", "Xã Sa Pả", (E, Q)),
        NamedPlace("commune", "30001", "Mường Chà", (E, Q)),
    ]
)


def codes(told: Told) -> tuple[How, str | None, list[str]]:
    found = SMALL.match(told, {"commune"})
    return found.how, found.place.code if found.place else None, [each.code for each in found.candidates]


def test_a_code_comes_first_and_lost_zeros_are_told() -> None:
    assert codes(Told("01003")) == (How.CODE, "01003", [])
    assert codes(Told("1003")) == (How.FILLED, "01003", [])
    assert codes(Told("1003", "Hoà Bình")) == (How.FILLED, "01003", [])
    assert codes(Told("99999")) == (How.UNKNOWN, None, [])


def test_a_code_that_is_another_place_than_the_name_is_asked_for() -> None:
    assert codes(Told("01003", "Xã Hoa Lộc")) == (How.OTHER, None, ["01003", "02004"])
    assert codes(Told("01003", "Hòa Bình", (("02", ""),))) == (How.OTHER, None, ["01003", "02001"])
    assert codes(Told("01003", "", (("", "Tỉnh Cũ"),))) == (How.OTHER, None, ["01003"])
    # Numbers are read to the letter, other names may have a slip of the pen.
    assert codes(Told("02002", "Phường 10"))[0] is How.OTHER
    assert codes(Told("01003", "Xã Hòa Bìnhh"))[:2] == (How.CODE, "01003")


def test_a_code_and_its_name_stand_against_a_district_that_the_set_does_not_know() -> None:
    assert codes(Told("01003", "Hòa Bình", (("", "Huyện Cũ"),))) == (How.CODE, "01003", [])


def test_a_name_is_looked_for_within_what_is_told_around_it() -> None:
    assert codes(Told("", "Hòa Bình")) == (How.SEVERAL, None, ["01003", "02001"])
    assert codes(Told("", "Hòa Bình", (("", "Tỉnh Pa"),))) == (How.NAME, "01003", [])
    assert codes(Told("", "X. Hoà Bình", (("", "H. Em"), ("2", "")))) == (How.NAME, "02001", [])
    assert codes(Told("", "Hòa Bình", (("", "huyen da hoa"),))) == (How.NAME, "01003", [])


def test_a_place_around_that_nobody_knows_is_asked_for() -> None:
    assert codes(Told("", "Hòa Bình", (("", "Tỉnh Cũ"),)))[:2] == (How.AROUND, None)


def test_a_name_that_lies_elsewhere_than_told_is_offered_and_not_taken() -> None:
    assert codes(Told("", "Hoa Lộc", (("01", ""),)))[:2] == (How.UNKNOWN, None)
    assert "02004" in codes(Told("", "Hoa Lộc", (("01", ""),)))[2]


def test_the_unit_word_decides_where_it_is_told() -> None:
    assert codes(Told("", "Long Phú")) == (How.SEVERAL, None, ["01001", "01002"])
    assert codes(Told("", "TT Long Phú")) == (How.NAME, "01002", [])
    assert codes(Told("", "Xã Mường Chà")) == (How.NAME, "30001", [])
    found = codes(Told("", "Phường Long Phú"))
    assert found[:2] == (How.UNKNOWN, None) and set(found[2]) >= {"01001", "01002"}


def test_a_number_alone_is_no_name_but_its_wards_are_offered() -> None:
    assert codes(Told("", "P.01")) == (How.NAME, "02002", [])
    how, place, near = codes(Told("", "1"))
    assert (how, place) == (How.UNKNOWN, None) and "02002" in near


def test_marks_decide_where_they_are_typed_and_without_any_all_are_asked_for() -> None:
    assert codes(Told("", "Hòa Lộc")) == (How.NAME, "02005", [])
    assert codes(Told("", "Xã Hoa Lộc")) == (How.NAME, "02004", [])
    assert codes(Told("", "hoa loc")) == (How.SEVERAL, None, ["02004", "02005"])
    assert codes(Told("", "Sa Pa")) == (How.SEVERAL, None, ["12005", "12006"])
    assert codes(Told("", "Xã Sa Pa")) == (How.NAME, "12005", [])
    assert codes(Told("", "muong cha")) == (How.UNMARKED, "30001", [])


def test_other_marks_are_no_match_but_the_nearest_is_offered() -> None:
    how, place, near = codes(Told("", "Hóa Lộc"))
    assert (how, place) == (How.UNKNOWN, None) and set(near[:2]) == {"02004", "02005"}


def test_names_are_looked_for_in_the_own_area_first() -> None:
    own = {("commune", "02001")}
    assert SMALL.match(Told("", "Hòa Bình"), {"commune"}, own).place == SMALL.places[7]
    assert SMALL.match(Told("", "Mường Chà"), {"commune"}, own).place == SMALL.places[-1]


def test_of_nothing_told_nothing_is_found() -> None:
    assert codes(Told()) == (How.UNKNOWN, None, [])
    assert codes(Told("", "–"))[:2] == (How.UNKNOWN, None)
