"""Revisits and entities as a submission tells them: what is understood, and what only becomes a finding."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

import pytest

from mapper.domain.entities import CREATED, Telling
from mapper.domain.people import Finding, Visit
from mapper.errors import InvalidInput
from mapper.formats.declared import Roles
from mapper.formats.instance import read_instance
from mapper.formats.roles import read_visit
from tests.formats.forms import CENSUS, model
from tests.formats.test_roles import CAMPAIGN, VISITED

FORM = (
    CENSUS + "| | text | kind | Kind | visit.kind | |\n| | text | own | Own | household.id | |\n"
    "| entities |\n| | list_name | label |\n| | households | ${head} |\n| | people | ${called} |"
)
HOUSE, LAN, NAM = (str(UUID(int=number, version=4)) for number in (1, 2, 3))


@cache
def roles() -> Roles:
    return Roles.of(model(FORM))


def read(inside: str = "", entity: str | None = 'update="1"', root: str = "") -> tuple[Visit, tuple[Finding, ...]]:
    meta = "" if entity is None else f'<entity dataset="households" id="{HOUSE}" {entity}/>'
    xml = f'<data id="t" version="1">{inside}<meta><instanceID>uuid:1</instanceID>{meta}</meta></data>'
    return read_visit(read_instance(xml.encode()), roles(), CAMPAIGN, VISITED, root)


def someone(inside: str, identity: str = LAN, entity: str = 'dataset="people" update="1"') -> str:
    return f'<someone>{inside}<meta><entity id="{identity}" {entity}/></meta></someone>'


REVISIT = "<kind>revisit</kind><result>interviewed</result><hamlet>1</hamlet>"


def test_the_roles_of_people_with_entities_are_read_in_one_pass() -> None:
    assert roles().flat is not None


@pytest.mark.parametrize(("kind", "partial"), [("revisit", True), ("census", False), ("", False)])
def test_the_kind_of_a_visit_says_whether_it_tells_the_whole(kind: str, partial: bool) -> None:
    visit, found = read(REVISIT.replace("revisit", kind))
    assert (visit.partial, found) == (partial, ())


def test_an_unknown_kind_counts_as_a_census() -> None:
    visit, found = read(REVISIT.replace("revisit", "party"))
    assert (visit.partial, [finding.code for finding in found]) == (False, ["kind_unknown"])


@pytest.mark.parametrize(
    ("attributes", "telling"),
    [
        ('create="1"', CREATED),
        ('create="true" baseVersion="x"', CREATED),
        ('update="1" baseVersion="3" trunkVersion="3" branchId="b9"', Telling(False, True, 3, 3, "b9")),
        ('update="true" baseVersion="1" trunkVersion="" branchId="b9"', Telling(False, True, 1, None, "b9")),
        ('create="1" update="1" baseVersion="2"', Telling(True, True, 2)),
        ('update="1" baseVersion="40963" trunkVersion="40963" branchId="b9"', Telling(False, True, 3, 3, "b9")),
        ('update="1" baseVersion="40965" trunkVersion="40963" branchId="b9"', Telling(False, True, 5, 3, "b9")),
        ('update="1" baseVersion="40963" branchId=""', Telling(False, True, 3)),
        ('create="0"', Telling(False, False)),
    ],
)
def test_what_an_entity_says_of_its_versions(attributes: str, telling: Telling) -> None:
    visit, found = read(REVISIT, attributes)
    assert (visit.household_id, visit.entity, found) == (HOUSE, telling, ())


@pytest.mark.parametrize("version", ["x", "0", "-2", "1.5", "99999999999999999999", "1 2"])
def test_a_version_that_cannot_be_is_a_finding_and_counts_as_none(version: str) -> None:
    visit, (finding,) = read(REVISIT, f'update="1" baseVersion="{version}"')
    assert visit.entity == Telling(False, True)
    assert (finding.code, dict(finding.facts)) == ("entity_version_unreadable", {"value": version[:40]})


def test_what_is_said_of_another_household_is_not_said_of_this() -> None:
    visit, _ = read(f"<own>12</own>{REVISIT}", 'update="1" baseVersion="3"')
    assert (visit.household_id, visit.entity) == ("12", CREATED)


def test_people_are_named_by_their_entities_with_what_these_say() -> None:
    people = someone("<called>Lan</called>") + someone(
        "<lives>here</lives>", NAM, 'dataset="people" update="1" baseVersion="2"'
    )
    visit, found = read(REVISIT + people)
    assert [(one.id, one.name) for one in visit.people] == [(LAN, "Lan"), (NAM, None)]
    assert [one.entity.base for one in visit.people] == [None, 2]
    assert found == ()


def answered(inside: str) -> Any:
    visit, _ = read(REVISIT + someone(inside))
    return visit.people[0].answered


def test_a_revisit_tells_which_answers_were_given() -> None:
    assert answered("<called>Lan</called>") == frozenset()
    assert answered("<lives>here</lives><contra>no</contra><agrees>undecided</agrees>") == {
        "residence",
        "contraindicated",
        "consent",
    }
    assert answered("<any_dose>unknown</any_dose><groups>elderly</groups>") == {"vaccinated", "priorities"}
    assert answered("<lives>moon</lives>") == frozenset()  # no answer that anybody understands
    census, _ = read(someone("<lives>here</lives>"))
    assert census.people[0].answered == frozenset()


def test_somebody_without_an_id_in_a_revisit_has_no_place_in_the_household() -> None:
    nameless = someone("<called>Bé</called>", "", 'dataset="people" create="1"')
    visit, found = read(REVISIT + nameless)
    assert [one.id for one in visit.people] == ["uuid:1/1"]
    assert [finding.code for finding in found] == ["entity_without_id"]
    edited, _ = read(REVISIT + nameless, root="uuid:0")
    assert [one.id for one in edited.people] == ["uuid:0/1"]
    census, _ = read(nameless)
    assert [one.id for one in census.people] == [f"{HOUSE}/1"]


def test_an_odd_list_or_id_is_a_finding_for_each_entity_that_is_made_or_updated() -> None:
    people = someone("<called>A</called>", "lan", 'dataset="trees" create="1"')
    people += someone("<called>B</called>", "nam", 'dataset="trees"')
    visit, found = read(REVISIT + people)
    assert [finding.code for finding in found] == ["entity_list_unknown", "entity_id_unusual"]
    assert [one.id for one in visit.people] == ["lan", "nam"]


def test_the_lists_of_a_second_campaign_have_a_word_in_front() -> None:
    _, found = read(REVISIT + someone("", LAN, 'dataset="measles_people" create="1"'))
    assert found == ()


def test_a_revisit_that_names_no_household_is_refused() -> None:
    with pytest.raises(InvalidInput, match="names no household"):
        read(REVISIT, None)
    assert read(f"<own>12</own>{REVISIT}", None)[0].household_id == "12"
    assert read("<result>interviewed</result>", None, "uuid:0")[0].household_id == "uuid:0"
