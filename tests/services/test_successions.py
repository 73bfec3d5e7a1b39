"""What became of units: told by crosswalks, measured, and taken from the package; all three compared.

In the town, squares 0 and 1 become X whole, as 7 and 8; 2 and 9 are halved; 3, 4, 5 and 10, 11, 12 become Y; 6 and 13
have no heir.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from mapper.domain.roles import Role
from mapper.domain.succession import Change
from mapper.errors import Forbidden, InvalidBoundaries, InvalidInput, NotFound
from mapper.formats.register_file import write_list
from mapper.services import boundaries, set_periods, succession_view, successions, trail
from mapper.services.accounts import OPERATOR, User
from mapper.services.boundaries import SetFacts
from mapper.services.reference import Known, Reference
from mapper.services.succession_report import Report
from mapper.store import country_units
from mapper.store import successions as kept
from mapper.store.database import Database
from tests.conftest import missing
from tests.ready import sqlite_copy
from tests.services.town import COMMUNES, STRIPS, Town, feature, feature_file, person, strips

CROSSWALK = ("old_code,old_name,new_code,new_name,relation,share,decree", *(
    f"{COMMUNES[number]},Xã {number},{heir},,{relation},{share},NQ 1"
    for number, heir, relation, share in (
        (0, "X", "full", ""), (1, "X", "full", ""), (7, "X", "full", ""), (8, "X", "full", ""),
        (2, "X", "part", "50%"), (2, "Y", "part", "50%"), (9, "X", "part", "50%"), (9, "Y", "part", "50%"),
        *((number, "Y", "full", "") for number in (3, 4, 5, 10, 11, 12)),
    )
))  # fmt: skip


def known(reference: Reference) -> Known:
    with reference.database.read() as connection:
        return reference.known(connection)


def take(town: Town, *lines: str, only_known: bool = False) -> successions.Taken:
    """Take a crosswalk from the squares to the strips."""
    content = "\n".join(lines).encode()
    return successions.take_crosswalk(
        town.reference, OPERATOR, "crosswalk.csv", content, "squares", "strips", only_known=only_known
    )


def codes(taken: successions.Taken) -> Counter[str]:
    return Counter(finding.code for finding in taken.report.findings)


def test_a_crosswalk_is_kept_with_its_decree_and_compared_with_the_outlines(town: Town) -> None:
    town.import_strips()
    taken = take(town, *CROSSWALK)
    assert (taken.pairs, taken.faults) == (14, ())
    assert codes(taken) == Counter(no_heir=2)
    assert taken.report.compared == ("crosswalk", "outlines")
    assert taken.report.doubts == ()
    succession = known(town.reference).succession("squares", "strips")
    assert succession is not None
    assert {one.source for one in succession.heirs} == {"NQ 1"}
    names = {code: f"Xã {n}" for n, code in enumerate(COMMUNES)}, {"X": "Xã X", "Y": "Xã Y"}
    assert succession.change(COMMUNES[0], names) is Change.MERGED
    assert succession.change(COMMUNES[2], names) is Change.DIVIDED
    assert succession.change(COMMUNES[6], names) is Change.GONE
    with town.reference.database.read() as connection:
        (told,) = kept.told(connection)
    assert Report.from_json(told.report) == taken.report


def test_measured_on_outlines_the_same_comes_out(town: Town) -> None:
    town.import_strips()
    taken = successions.measure(town.reference, OPERATOR, "squares", "strips")
    assert taken.pairs == 14
    assert taken.report.doubts == ()
    succession = known(town.reference).succession("squares", "strips")
    assert succession is not None
    halves = {one.new: one.share for one in succession.of_old[COMMUNES[2]]}
    assert halves == {"X": pytest.approx(0.5, abs=0.001), "Y": pytest.approx(0.5, abs=0.001)}
    assert all(one.whole == (one.old not in (COMMUNES[2], COMMUNES[9])) for one in succession.heirs)


def test_where_table_and_outlines_disagree_each_pair_is_told(sqlite_town: Town) -> None:
    sqlite_town.import_strips()
    lines = [line for line in CROSSWALK if not line.startswith(COMMUNES[2])]
    taken = take(sqlite_town, *lines, f"{COMMUNES[2]},,X,,full,,")
    assert [(one.old, one.new, dict(one.says)) for one in taken.report.doubts] == [
        (COMMUNES[2], "X", {"crosswalk": True, "outlines": False}),
        (COMMUNES[2], "Y", {"crosswalk": None, "outlines": False}),
    ]
    assert [one.share for one in taken.report.doubts] == [pytest.approx(0.5, abs=0.001)] * 2


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        (("99999,,X,,full,,",), [16]),
        ((f"{COMMUNES[6]},,Q,,full,,",), [16]),
        ((f"{COMMUNES[0]},,X,,full,,", f"{COMMUNES[6]},,,,full,,"), [16, 17]),
    ],
)
def test_of_a_crosswalk_with_a_faulty_row_nothing_is_kept(
    sqlite_town: Town, lines: tuple[str, ...], rows: list[int]
) -> None:
    sqlite_town.import_strips()
    taken = take(sqlite_town, *CROSSWALK, *lines)
    assert [fault.row for fault in taken.faults] == rows
    assert known(sqlite_town.reference).successions == {}


def test_of_a_file_of_the_whole_country_what_these_sets_hold_is_taken(sqlite_town: Town) -> None:
    sqlite_town.import_strips()
    taken = take(sqlite_town, *CROSSWALK, "99999,,88888,,full,,", f"{COMMUNES[6]},,88888,,full,,", only_known=True)
    assert (taken.pairs, taken.report.left_out) == (14, 1)
    assert codes(taken) == Counter(no_heir=2, outside=1)
    with pytest.raises(InvalidInput):
        take(sqlite_town, CROSSWALK[0], "99999,,88888,,full,,", only_known=True)


def test_codes_that_lost_their_zeros_are_found_and_told(sqlite_town: Town) -> None:
    sqlite_town.import_strips()
    assert COMMUNES[0].startswith("0")
    taken = take(sqlite_town, CROSSWALK[0], f"{int(COMMUNES[0])},,X,,full,,", *CROSSWALK[2:])
    assert (taken.pairs, taken.faults) == (14, ())
    (told,) = [dict(one.facts) for one in taken.report.findings if one.code == "codes_lost_zeros"]
    assert told == {"number": "1"}


def test_what_contradicts_itself_is_told_unit_by_unit(sqlite_town: Town) -> None:
    sqlite_town.import_strips()
    taken = take(
        sqlite_town,
        CROSSWALK[0],
        f"{COMMUNES[0]},Xã 9,X,,full,,",
        f"{COMMUNES[0]},,Y,,part,,",
        f"{COMMUNES[1]},xã 1,X,X,part,,",
        f"{COMMUNES[2]},,X,Xã X,part,50%,",
        f"{COMMUNES[2]},,Y,Phường Y,part,30%,",
    )
    assert codes(taken) == Counter(no_heir=11, whole_and_more=1, part_alone=1, shares=1, other_name=2)
    named = [dict(one.facts) for one in taken.report.findings if one.code == "other_name"]
    assert [(one["row"], one["told"], one["name"]) for one in named] == [
        ("2", "Xã 9", "Xã 0"),
        ("6", "Phường Y", "Xã Y"),
    ]


def test_a_crosswalk_takes_the_place_of_what_was_told_before_and_can_be_taken_out(town: Town) -> None:
    town.import_strips()
    successions.measure(town.reference, OPERATOR, "squares", "strips")
    take(town, *CROSSWALK[:3])
    assert len(known(town.reference).successions["squares", "strips"].heirs) == 2
    successions.remove(town.reference, OPERATOR, "squares", "strips")
    assert known(town.reference).successions == {}
    with pytest.raises(NotFound):
        successions.remove(town.reference, OPERATOR, "squares", "strips")


def test_sets_in_a_turned_order_or_a_circle_are_refused(sqlite_town: Town) -> None:
    sqlite_town.import_strips()
    with pytest.raises(InvalidBoundaries) as turned:
        successions.measure(sqlite_town.reference, OPERATOR, "strips", "squares")
    assert turned.value.facts["new_begin"] == "01/01/2020"
    # told before any row, whose codes are all those of the other set then
    with pytest.raises(InvalidBoundaries, match="Exchange the old set and the new one"):
        successions.take_crosswalk(
            sqlite_town.reference, OPERATOR, "a.csv", b"old_code,new_code\n1,2\n", "strips", "squares"
        )
    boundaries.import_file(sqlite_town.reference, strips(sqlite_town.files), SetFacts("undated", "", trial=True))
    successions.measure(sqlite_town.reference, OPERATOR, "squares", "undated")
    with pytest.raises(InvalidBoundaries) as circle:
        successions.measure(sqlite_town.reference, OPERATOR, "undated", "squares")
    assert {"squares", "undated"} <= set(str(circle.value.facts["sets"]).split(" → "))


@pytest.mark.parametrize(
    ("old", "new", "error"), [("squares", "no_set", NotFound), ("squares", "squares", InvalidInput)]
)
def test_two_sets_that_are_there_are_asked_for(sqlite_town: Town, old: str, new: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        successions.measure(sqlite_town.reference, OPERATOR, old, new)


def test_only_administrators_of_everything_tell_what_became_of_units(sqlite_town: Town) -> None:
    sqlite_town.import_strips()
    for user in (
        User(3, "an", Role.SUPERVISOR, (), 0),
        User(4, "ba", Role.ADMINISTRATOR, (("squares", COMMUNES[0]),), 0),
    ):
        with pytest.raises(Forbidden):
            successions.measure(sqlite_town.reference, user, "squares", "strips")


def test_an_import_stands_in_the_audit_trail(sqlite_town: Town) -> None:
    sqlite_town.import_strips()
    take(sqlite_town, *CROSSWALK)
    (newest,) = trail.entries(sqlite_town.reference, trail.Wanted(), 1)
    assert (newest.entry.action, newest.entry.subject) == ("succession.crosswalk", "squares → strips")


def test_one_succession_is_looked_at_unit_by_unit(town: Town) -> None:
    town.import_strips()
    take(town, *CROSSWALK)
    shown = succession_view.look(town.reference, "squares", "strips")
    assert shown.changes == {
        Change.SAME: 0,
        Change.RENAMED: 0,
        Change.MERGED: 10,
        Change.DIVIDED: 2,
        Change.GONE: 2,
    }
    assert [fate.old.name for fate in succession_view.chosen(shown.fates, Change.GONE, "")] == ["Xã 13", "Xã 6"]
    assert {fate.old.around for fate in shown.fates} == {"Huyện S, Tỉnh P", "Huyện N, Tỉnh P"}
    assert len(succession_view.chosen(shown.fates, None, "XA x")) == 6
    rows = list(succession_view.pair_rows(shown.fates))
    assert len(rows) == 16
    (line,) = succession_view.overview(town.reference).steps
    assert (line.changes, line.reused, line.doubts) == (shown.changes, 0, 0)
    with pytest.raises(NotFound):
        succession_view.look(town.reference, "strips", "squares")


def test_the_file_of_a_succession_is_a_crosswalk_again(sqlite_town: Town) -> None:
    sqlite_town.import_strips()
    successions.measure(sqlite_town.reference, OPERATOR, "squares", "strips")
    before = known(sqlite_town.reference).successions["squares", "strips"]
    shown = succession_view.look(sqlite_town.reference, "squares", "strips")
    rows = succession_view.pair_rows(shown.fates, "NQ 2")
    content = write_list("csv", succession_view.PAIR_HEAD, rows, "units")
    successions.take_crosswalk(sqlite_town.reference, OPERATOR, "x.csv", content, "squares", "strips")
    after = known(sqlite_town.reference).successions["squares", "strips"]
    assert [(one.old, one.new, one.whole) for one in after.heirs] == [
        (one.old, one.new, one.whole) for one in before.heirs
    ]
    assert {one.source for one in after.heirs} == {"NQ 2"}


def test_a_code_that_means_other_ground_is_shown(sqlite_town: Town) -> None:
    path = feature_file(
        sqlite_town.files / "swapped.geojson",
        [
            feature(105.0, 22.0, 105.1, 22.1, commune_code=COMMUNES[1], commune_name="Xã 1", province_code="Q"),
            feature(105.1, 22.0, 105.2, 22.1, commune_code=COMMUNES[0], commune_name="Xã 0", province_code="Q"),
        ],
    )
    boundaries.import_file(sqlite_town.reference, path, SetFacts("swapped", "Đổi mã", date(2025, 7, 1)))
    successions.measure(sqlite_town.reference, OPERATOR, "squares", "swapped")
    shown = succession_view.look(sqlite_town.reference, "squares", "swapped")
    assert {(fate.old.name, fate.code_now.name) for fate in shown.reused if fate.code_now} == {
        ("Xã 0", "Xã 0"),
        ("Xã 1", "Xã 1"),
    }


def test_sets_are_listed_with_their_units_and_households(town: Town) -> None:
    town.send(town.write(people=[person()], commune=6))
    town.send(town.write(people=[person()], commune=0))
    town.import_strips()
    lines = {line.about.id: line for line in succession_view.overview(town.reference).sets}
    assert lines["squares"].units == (("province", 1), ("district", 2), ("commune", 14))
    assert {set_id: line.households for set_id, line in lines.items()} == {"squares": 2, "strips": 1}


@pytest.mark.parametrize(
    ("begins", "ends", "together", "step"),
    [
        (date(2025, 7, 1), None, 0, []),
        (date(2025, 6, 1), None, 0, ["period_overlap"]),
        (date(2025, 8, 1), None, 0, ["period_gap"]),
    ],
)
def test_periods_that_overlap_or_leave_a_gap_are_told(
    sqlite_town: Town, begins: date, ends: date | None, together: int, step: list[str]
) -> None:
    path = strips(sqlite_town.files)
    trial = bool(step) and step[0] == "period_overlap"
    boundaries.import_file(sqlite_town.reference, path, replace(STRIPS, valid_from=begins, valid_to=ends, trial=trial))
    taken = successions.measure(sqlite_town.reference, OPERATOR, "squares", "strips")
    sets = known(sqlite_town.reference).sets
    assert len(set_periods.beside(sqlite_town.reference, "strips")) == together
    assert [finding.code for finding in set_periods.closely(sets["squares"], sets["strips"])] == step
    assert [one for one in codes(taken) if one.startswith("period")] == step


# Real communes


@pytest.fixture(scope="module")
def provinces(both_vintages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    """The communes of four provinces in both vintages."""
    database = Database(sqlite_copy(both_vintages, tmp_path_factory.mktemp("provinces")))
    yield Reference(database)
    database.close()


def false_heirs(report: Report, liar: str) -> set[tuple[str, str]]:
    """Pairs that one telling alone has."""
    return {
        (one.old, one.new)
        for one in report.doubts
        if one.says.get(liar) is not None and all(said is None for by, said in one.says.items() if by != liar)
    }


def test_crosswalk_outlines_and_package_are_compared_and_every_disagreement_is_found(
    provinces: Reference, shared: Path
) -> None:
    if not country_units.is_installed():
        missing("the package vietnamadminunits is not installed")
    path = shared / "geodata" / "crosswalk_2022_to_2025_4prov.csv"
    taken = successions.take_crosswalk(provinces, OPERATOR, path.name, path.read_bytes(), "2022", "2025")
    assert (taken.pairs, taken.faults) == (538, ())
    assert codes(taken) == Counter()
    assert taken.report.compared == ("crosswalk", "package", "outlines")
    wrong = false_heirs(taken.report, "package")
    # Communes of Sóc Trăng that had a namesake in Hậu Giang or Cần Thơ, whose heir they get as well.
    assert sorted(wrong) == [
        ("31582", "31378"),
        ("31606", "31495"),
        ("31657", "31378"),
        ("31666", "31288"),
        ("31669", "31480"),
        ("31714", "31246"),
        ("31741", "31408"),
        ("31744", "31473"),
    ]
    with path.open(encoding="utf-8", newline="") as file:
        province = {row["legacy_code"]: row["legacy_province_code"] for row in csv.DictReader(file)}
    assert {province[old] for old, _ in wrong} == {"94"}
    # For the true heir of these eight it says "a part"; three parts are told that the outlines have no ground for.
    others = {(one.old, one.new): dict(one.says) for one in taken.report.doubts if (one.old, one.new) not in wrong}
    assert sum(says == {"crosswalk": True, "package": False, "outlines": True} for says in others.values()) == 8
    rest = {pair: says for pair, says in others.items() if says["crosswalk"] is not True}
    assert set(rest) == {
        ("06802", "06799"),
        ("06802", "06886"),
        ("06886", "06799"),
        ("07072", "07090"),
        ("07072", "07093"),
    }
    assert len(others) == 13


def test_the_package_alone_tells_what_is_published_of_it(provinces: Reference, shared: Path) -> None:
    if not country_units.is_installed():
        missing("the package vietnamadminunits is not installed")
    country = country_units.read_country()
    assert Counter(unit.level for unit in country.old) == Counter(province=63, district=696, commune=10_040)
    assert Counter(unit.level for unit in country.new) == Counter(province=34, commune=3_321)
    district = {unit.code: unit.parent_code for unit in country.old if unit.level == "commune"}
    province = {unit.code: unit.parent_code for unit in country.old if unit.level == "district"}
    for code, olds, news, divided in (("06", 108, 37, 0), ("94", 108, 50, 8), ("11", 129, 45, 0), ("22", 171, 54, 12)):
        heirs = {
            old: several
            for old, several in country.succession.of_old.items()
            if province.get(district.get(old) or "") == code
        }
        assert len(heirs) == olds
        assert len({one.new for several in heirs.values() for one in several}) == news
        assert sum(len(several) > 1 for several in heirs.values()) == divided
    taken = successions.take_package(provinces, OPERATOR, "2022", "2025")
    # Seven communes of 2022 were merged before March 2025.
    assert codes(taken)["no_heir"] == 7
    assert codes(taken)["unlisted"] == 7
    assert codes(taken)["outside"] == 8 + codes_of_neighbours(provinces, country)
    with pytest.raises(InvalidBoundaries):
        successions.take_package(provinces, OPERATOR, "2025", "2022")


def codes_of_neighbours(reference: Reference, country: country_units.Country) -> int:
    """Pairs whose old commune lies outside of the four provinces, and whose new one within."""
    here = known(reference).sets
    old, new = ({unit.code for unit in here[one].at_level("commune")} for one in ("2022", "2025"))
    return sum(one.old not in old and one.new in new for one in country.succession.heirs)


def test_the_crosswalk_of_the_whole_country_serves_four_provinces(provinces: Reference, shared: Path) -> None:
    path = shared / "geodata" / "crosswalk_202503_to_202507_national.csv"
    content = path.read_bytes()
    taken = successions.take_crosswalk(provinces, OPERATOR, path.name, content, "2022", "2025", only_known=True)
    assert taken.report.rows == 10_598
    assert codes(taken)["no_heir"] == 7
    # Xã Phú Tân of Hậu Giang is told to have gone in part to a commune of these.
    assert codes(taken)["outside"] == 1
    refused = successions.take_crosswalk(provinces, OPERATOR, path.name, content, "2022", "2025")
    assert len(refused.faults) == 10_598 - taken.pairs
