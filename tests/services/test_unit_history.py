"""What a unit was and became, on squares: told by a succession, or seen in the outlines alone.

The squares 0 to 3 of the town and what became of them in the set "later", some of which took an old code:

    squares   0   1 | 2         3          (communes of district S, province P)
    later     AB    | the western and the eastern half of 2, the eastern one with 3
              A     |  C         COMMUNES[0]: the code of square 0, given to other ground
"""

from __future__ import annotations

from datetime import date

import pytest

from mapper.domain.succession import Heir, Succession
from mapper.errors import NotFound
from mapper.services import boundaries
from mapper.services.areas import Area
from mapper.services.boundaries import SetFacts
from mapper.services.questions import default_set
from mapper.services.reference import Known
from mapper.services.unit_history import Step, UnitHistory, area_there, history
from mapper.store import reference as kept
from mapper.store import successions
from mapper.store.successions import ToldSuccession
from tests.services.town import COMMUNES, Town, feature, feature_file

REUSED = COMMUNES[0]
DECREE = "Nghị quyết thử 1"


def later(town: Town, told: bool = True) -> Known:
    """The set of later, with what is told of it."""
    file = feature_file(
        town.files / "later.geojson",
        [
            feature(105.0, 22.0, 105.2, 22.1, commune_code="A", commune_name="Xã Gộp", province_code="Q"),
            feature(105.2, 22.0, 105.25, 22.1, commune_code="C", commune_name="Xã Tây", province_code="Q"),
            feature(105.25, 22.0, 105.4, 22.1, commune_code=REUSED, commune_name="Xã Đông", province_code="Q"),
        ],
    )
    boundaries.import_file(town.reference, file, SetFacts("later", "Sau", date(2025, 7, 1)))
    if told:
        pairs = (
            Heir(COMMUNES[0], "A", True, 1.0, DECREE),
            Heir(COMMUNES[1], "A", True, 1.0, DECREE),
            Heir(COMMUNES[2], "C", False, 0.5),
            Heir(COMMUNES[2], REUSED, False, 0.5),
            Heir(COMMUNES[3], REUSED, True, 1.0),
        )
        database = town.reference.database
        with database.write() as connection:
            about = ToldSuccession("squares", "later", "crosswalk", DECREE, "[]", "2026-01-01T00:00:00")
            successions.save(connection, about, Succession(pairs))
            kept.raise_revision(database, connection)
    with town.reference.database.read() as connection:
        return town.reference.known(connection)


def of(known: Known, set_id: str, level: str, code: str) -> UnitHistory:
    return history(known, default_set(known, set_id), level, code)


def told(step: Step) -> list[tuple[str, bool, float | None]]:
    return [(one.unit.code, one.whole, None if one.share is None else round(one.share, 3)) for one in step.relatives]


def test_a_merged_commune_names_those_it_was_made_of_and_they_name_it(sqlite_town: Town) -> None:
    known = later(sqlite_town)
    found = of(known, "later", "commune", "A")
    (step,) = found.steps
    assert (step.places.id, step.later, step.measured) == ("squares", False, False)
    assert told(step) == [(COMMUNES[0], True, 1.0), (COMMUNES[1], True, 1.0)]
    assert step.relatives[0].around == ("Huyện S", "Tỉnh P")
    assert step.relatives[0].sources == (DECREE,)
    (step,) = of(known, "squares", "commune", COMMUNES[1]).steps
    assert (step.places.id, step.later, told(step)) == ("later", True, [("A", True, 1.0)])


def test_a_divided_commune_tells_its_parts_and_a_part_tells_what_it_is_of(sqlite_town: Town) -> None:
    known = later(sqlite_town)
    (step,) = of(known, "squares", "commune", COMMUNES[2]).steps
    assert sorted(told(step)) == sorted([("C", False, 0.5), (REUSED, False, 0.5)])
    (step,) = of(known, "later", "commune", REUSED).steps
    assert told(step) == [(COMMUNES[3], True, 1.0), (COMMUNES[2], False, 0.5)]


def test_a_code_that_was_given_to_other_ground_is_told_on_both_sides(sqlite_town: Town) -> None:
    known = later(sqlite_town)
    (new,) = of(known, "later", "commune", REUSED).same_code
    assert (new.places.id, new.unit.name, new.elsewhere) == ("squares", "Xã 0", True)
    (old,) = of(known, "squares", "commune", REUSED).same_code
    assert (old.places.id, old.unit.name, old.elsewhere) == ("later", "Xã Đông", True)
    assert of(known, "later", "commune", "A").same_code == ()


def test_a_district_that_has_no_heir_of_its_level_tells_the_communes_on_its_ground(sqlite_town: Town) -> None:
    known = later(sqlite_town)
    (step,) = of(known, "squares", "district", "S").steps
    area = {code: default_set(known, "squares").area_km2(code) or 0 for code in COMMUNES}
    whole = sum(area[code] for code in COMMUNES[:7])
    assert {code: share for code, _, share in told(step)} == {
        "A": round((area[COMMUNES[0]] + area[COMMUNES[1]]) / whole, 3),
        "C": round(area[COMMUNES[2]] / 2 / whole, 3),
        REUSED: round((area[COMMUNES[2]] / 2 + area[COMMUNES[3]]) / whole, 3),
    }
    found = of(known, "squares", "district", "S")
    assert [one.code for one in found.around] == ["P"]
    assert [one.code for one in found.within] == sorted(COMMUNES[:7])


def test_a_province_is_followed_by_its_own_level(sqlite_town: Town) -> None:
    known = later(sqlite_town)
    (step,) = of(known, "later", "province", "Q").steps
    (province,) = step.relatives
    assert (province.unit.code, province.unit.level, province.whole) == ("P", "province", False)
    assert province.share == pytest.approx(4 / 14, abs=0.002)


def test_what_nobody_told_is_seen_in_the_outlines_as_far_as_whole_units_go(sqlite_town: Town) -> None:
    known = later(sqlite_town, told=False)
    (step,) = of(known, "later", "commune", "A").steps
    assert (step.measured, told(step)) == (True, [(COMMUNES[0], True, 1.0), (COMMUNES[1], True, 1.0)])
    # Of the divided square nothing is claimed.
    assert of(known, "squares", "commune", COMMUNES[2]).steps == ()
    # Nor that a code means another place, unless that place lies far away.
    (same,) = of(known, "later", "commune", REUSED).same_code
    assert same.elsewhere is True


def test_a_unit_that_is_not_there_is_refused(sqlite_town: Town) -> None:
    known = later(sqlite_town)
    with pytest.raises(NotFound, match="squares has no unit commune A"):
        of(known, "squares", "commune", "A")


def test_an_area_is_found_in_another_set_where_one_unit_holds_it(sqlite_town: Town) -> None:
    known = later(sqlite_town)
    squares, new = default_set(known, "squares"), default_set(known, "later")
    assert area_there(known, squares, Area("commune", COMMUNES[1]), new) == Area("commune", "A")
    assert area_there(known, squares, Area("commune", COMMUNES[2]), new) is None
    assert area_there(known, squares, Area("hamlet", "1"), new) == Area("hamlet", "1")
