"""A house that was on the list already, where nobody was met: the census updates it and makes no second one."""

from __future__ import annotations

import pytest

from mapper.formats.instance import InstanceEntity, read_instance
from tests.engine.census import HOUSE, IN_BACH_THONG, PLACE, adult
from tests.engine.conftest import MEDIA
from tests.engine.javarosa import Form, JavaRosa, NotOffered, NotRelevant
from tests.engine.lists import ABSENT, ELSEWHERE, HOUSE_COLUMNS, HOUSES, LISTS, MET, OFFLINE, rows


@pytest.fixture(scope="module")
def listed(engine: JavaRosa, census_xform: bytes) -> Form:
    """The census on a phone whose lists hold houses."""
    return engine.load(census_xform, {**MEDIA, **LISTS})


def house_of(xml: bytes) -> InstanceEntity:
    (house,) = [entity for entity in read_instance(xml).entities if entity.dataset == "households"]
    return house


def test_houses_not_met_yet_are_offered_in_their_hamlet_alone(listed: Form) -> None:
    entry = listed.new().fill({"commune": "01969", "hamlet": "0196901"})
    assert entry.choices("known_house") == {ABSENT: "7 - Lò Văn Ứng", OFFLINE: "8"}
    for other in (MET, ELSEWHERE):
        with pytest.raises(NotOffered):
            entry.answer("known_house", other)
    entry.answer("hamlet", "0196902")
    assert list(entry.choices("known_house")) == [ELSEWHERE]


def test_where_the_list_holds_no_such_house_nothing_is_asked(listed: Form, census: Form) -> None:
    entry = listed.new().fill({"commune": "01972", "hamlet": "0197201"})
    assert not entry.is_relevant("known_house")
    with pytest.raises(NotRelevant):
        census.new().fill({"commune": "01969", "hamlet": "0196901"}).answer("known_house", ABSENT)


def test_house_on_the_list_is_updated_on_the_version_that_the_phone_holds(listed: Form) -> None:
    entry = listed.new().fill({"commune": "01969", "hamlet": "0196901", "known_house": ABSENT})
    assert (entry.value("house_number"), entry.value("head")) == ("7", "Lò Văn Ứng")
    rest = {name: value for name, value in HOUSE.items() if name in ("location", "outcome", "expected_members")}
    xml = entry.fill(rest).fill({"person": [adult(person_name="Lò Văn Ứng", sex="male")]}).finalise()
    house = house_of(xml)
    assert (house.id, house.create, house.update) == (ABSENT, False, True)
    assert (house.base_version, house.trunk_version, house.branch_id) == ("2", "2", "")
    assert house.label == "7 - Lò Văn Ứng"
    assert f"<of_household>{ABSENT}</of_household>".encode() in xml


def test_house_made_by_this_phone_is_updated_in_its_own_branch(listed: Form) -> None:
    entry = listed.new().fill({"commune": "01969", "hamlet": "0196901", "known_house": OFFLINE})
    house = house_of(entry.fill({"location": IN_BACH_THONG, "outcome": "absent"}).finalise())
    assert (house.id, house.create, house.update) == (OFFLINE, False, True)
    assert (house.base_version, house.trunk_version, house.branch_id) == ("1", "", "b8")


def test_new_house_is_made_while_others_are_on_the_list(listed: Form) -> None:
    house = house_of(listed.new().fill({**PLACE, "outcome": "locked"}).finalise())
    assert (house.create, house.update, house.base_version) == (True, False, "")
    assert house.id not in (ABSENT, OFFLINE)


@pytest.mark.parametrize("change", [{"known_house": None}, {"hamlet": "0196902"}])
def test_house_chosen_by_mistake_is_not_updated(listed: Form, change: dict[str, object]) -> None:
    entry = listed.new().fill({"commune": "01969", "hamlet": "0196901", "known_house": OFFLINE}).fill(change)
    house = house_of(entry.fill({"house_number": "3", "location": IN_BACH_THONG, "outcome": "absent"}).finalise())
    assert (house.create, house.update) == (True, False)
    assert house.id != OFFLINE


def test_edit_after_the_phone_has_taken_the_house_off_the_list_updates_the_same_house(
    engine: JavaRosa, census_xform: bytes, listed: Form
) -> None:
    entry = listed.new().fill({"commune": "01969", "hamlet": "0196901", "known_house": ABSENT})
    first = entry.fill({"location": IN_BACH_THONG, "outcome": "interviewed", "expected_members": 1})
    sent = first.fill({"person": [adult()]}).finalise()
    # What the phone itself does to its list when the form is finalised, and a list in which the house is no more.
    met = [{**row, "outcome": "interviewed"} for row in HOUSES if row["name"] == ABSENT]
    for houses in (met, [row for row in HOUSES if row["name"] != ABSENT]):
        now = engine.load(census_xform, {**MEDIA, "households.csv": rows(HOUSE_COLUMNS, houses)})
        edited = now.edit(sent).answer("house_number", "7A").finalise()
        assert (house_of(edited).id, house_of(edited).update) == (ABSENT, True)
