"""The invented sample: one row of households, whatever their number; answers that the form itself offers."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from mapper.domain.roles import Role
from mapper.domain.stock import Store
from mapper.domain.succession import Change
from mapper.errors import Conflict, InvalidInput
from mapper.formats.instance import read_instance
from mapper.services import (
    accounts,
    conflicts,
    intake,
    lots,
    rebuilding,
    sample,
    sample_overseeing,
    sample_stock,
    set_periods,
)
from mapper.services.accounts import OPERATOR, User
from mapper.services.forecast import ForecastQuestion, forecast
from mapper.services.invented import HOUSEHOLDS, Sent
from mapper.services.stock_view import overview
from mapper.store import reference as kept
from mapper.store import register, submissions, tables, targets
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town

ROOT = Path(__file__).resolve().parents[2]
COVID = b'id="covid19_census"'


REVISIT = b'id="covid19_revisit"'
UPDATE = b' update="1"'


def census(town: Town, number: int) -> list[bytes]:
    """The first round of the first campaign."""
    sent = [one.xml for one in sample.submissions(town.reference, ROOT, number)]
    return [xml for xml in sent if COVID in xml and UPDATE not in xml]


def second_round(town: Town, number: int) -> list[Sent]:
    """The houses that are gone to again: revisits, and censuses of houses where nobody had been met."""
    sent = sample.submissions(town.reference, ROOT, number)
    return [one for one in sent if REVISIT in one.xml or (COVID in one.xml and UPDATE in one.xml)]


def answers(forms: list[bytes], question: str) -> Counter[str]:
    return Counter(re.findall(f"<{question}>([^<]+)<", b"".join(forms).decode()))


def test_larger_sample_begins_with_the_households_of_the_smaller(new_town: Callable[[], Town]) -> None:
    town = new_town()
    few, many = census(town, 8), census(town, 20)
    assert (len(few), len(many)) == (8, 20)
    assert many[:8] == few


def test_houses_beyond_the_lists_are_spread_over_the_hamlets(new_town: Callable[[], Town]) -> None:
    with (ROOT / "forms/covid19/hamlets.csv").open(encoding="utf-8-sig", newline="") as file:
        listed = {row["name"]: int(row["households"]) for row in csv.DictReader(file)}
    visited = answers(census(new_town(), HOUSEHOLDS), "hamlet")
    assert visited.total() == HOUSEHOLDS
    assert set(visited) == set(listed)
    assert all(houses <= listed[hamlet] + 3 for hamlet, houses in visited.items())
    assert sum(houses < listed[hamlet] / 2 for hamlet, houses in visited.items()) >= 5, "some are hardly visited"


def test_invented_answers_are_choices_of_the_form(new_town: Callable[[], Town]) -> None:
    forms = census(new_town(), 200)
    assert set(answers(forms, "evidence")) == {"paper_card", "app", "recall"}
    assert {"underlying_disease", "pregnant", "none"} <= set(answers(forms, "priority"))
    assert "side_effects" in answers(forms, "refusal_reason")
    pregnant = re.findall("<sex>([^<]+)</sex>(?:(?!<sex>).)*<priority>pregnant<", b"".join(forms).decode())
    assert set(pregnant) == {"female"}


def test_form_about_children_is_told_of_children_only(new_town: Callable[[], Town]) -> None:
    sent = list(sample.submissions(new_town().reference, ROOT, 200))
    others = [one for one in sent if COVID not in one.xml and REVISIT not in one.xml]
    born = answers([one.xml for one in others], "ngay_sinh")
    assert len(others) == 40 and born.total() >= 5
    assert min(born) > "2017-08", "nobody is older than five at the census"
    assert answers([one.xml for one in sent if COVID in one.xml], "birth_date").total() > 300


def test_second_round_of_a_larger_sample_is_that_of_the_smaller_and_more(new_town: Callable[[], Town]) -> None:
    town = new_town()
    few, again, many = (second_round(town, number) for number in (200, 200, 400))
    assert few == again
    assert len({one.xml for one in many}) == len(many) > len(few) >= 15
    assert {one.xml for one in few} <= {one.xml for one in many}
    days = [one.day for one in few]
    assert days == sorted(days), "in the order in which they come"
    assert max(days) == sample.LAST_DAY
    assert min(days) >= sample.LAST_DAY - timedelta(days=17)


def test_second_round_tells_all_that_a_revisit_can(new_town: Callable[[], Town]) -> None:
    sent = [one.xml for one in second_round(new_town(), HOUSEHOLDS)]
    revisits = [xml for xml in sent if REVISIT in xml]
    assert 100 <= len(revisits) <= 200
    assert set(answers(revisits, "outcome")) == {"interviewed", "absent", "locked", "refused"}
    assert answers(revisits, "dose_number").total() > 40
    assert answers(revisits, "refusal_reason").total() > 5
    assert {"moved_out", "moved_in"} <= set(answers(revisits, "residence"))
    until = answers(revisits, "deferred_until")
    assert until[sample.LAST_DAY.isoformat()] > 3, "some come back on the last day of the sample"
    assert until.total() > until[sample.LAST_DAY.isoformat()]
    met = [xml for xml in sent if COVID in xml]
    assert len(met) > 10
    assert set(answers(met, "outcome")) == {"interviewed"}


def test_second_round_through_the_intake_is_counted_but_for_one_that_waits_and_one_of_no_house(
    new_town: Callable[[], Town],
) -> None:
    town = new_town()
    sent = list(sample.submissions(town.reference, ROOT, 200))
    for one in sent:
        received = datetime.combine(one.day, time(10), UTC)
        assert intake.receive(town.reference, one.xml, {}, received=received).new
    with town.reference.database.read() as connection:
        waiting = submissions.waiting(connection)
        found = register.findings(town.reference.database, connection, 1000, None)
    assert {one.state.value for one in waiting} == {"held", "flagged"}
    assert len(waiting) == 2
    # The communes of the town are squares elsewhere.
    odd = Counter(one.code for one in found if not one.code.startswith("point_") and one.code != "commune_differs")
    assert odd == {"update_conflict": 3, "dose_before_birth": 1}, (
        "three houses were updated twice at once, a day mistyped"
    )
    told = conflicts.words(town.reference, ["covid19"], "vi")["covid19"]
    assert told["refused"]["illness"] == "Lo vì bệnh đang có"
    assert told["deferred_until"]["acute_illness"] == "Đang ốm, sốt"
    assert told["priorities"]["pregnant"] == "Phụ nữ mang thai"
    assert "illness" not in told["deferred_until"], "a word of one question is none of another's"
    sides = [[each.version for each in one.sides] for one in conflicts.contradictions(town.reference, EVERYTHING)]
    assert sides == [[2, 3]] * 3
    assert [len({each.team for each in pair}) for pair in _pairs(sent)] == [2, 2, 2]
    before = town.everything()
    rebuilding.rebuild(town.reference)
    assert town.everything() == before


def _pairs(sent: list[Sent]) -> list[list[Sent]]:
    """Updates of one house that build on its first version, where there are two of them."""
    houses: dict[str, list[Sent]] = {}
    for one in sent:
        for entity in read_instance(one.xml).entities:
            if entity.dataset == "households" and entity.update and entity.base_version == "1":
                houses.setdefault(entity.id, []).append(one)
    return [pair for pair in houses.values() if len(pair) > 1]


def test_sample_of_nobody_or_of_another_edition_is_refused(new_town: Callable[[], Town]) -> None:
    reference = new_town().reference
    with pytest.raises(InvalidInput, match="one household or more"):
        sample.build(reference, ROOT, 0, lambda done: None)
    with reference.database.write() as connection:
        kept.set_fact(reference.database, connection, "sample", "yes")
        kept.raise_revision(reference.database, connection)
    with pytest.raises(Conflict, match="older edition"):
        sample.build(reference, ROOT, 5, lambda done: None)


def test_what_the_sample_s_supervisor_entered_is_entered_once(new_town: Callable[[], Town]) -> None:
    town = new_town()
    one = {"id": 1, "name": "somebody", "role": "supervisor", "created_at": "2022-08-01T00:00:00+00:00"}
    with town.reference.database.write() as connection:
        connection.execute(tables.users.insert().values(active=True, session_epoch=0, token_epoch=0, **one))
    user = User(1, "somebody", Role.SUPERVISOR, (("squares", "S"), ("squares", "N")), 0)
    for _ in range(2):
        sample_overseeing.oversee(town.reference, user, "squares", DAY)
        with town.reference.database.read() as connection:
            named = targets.responsible(connection, "squares")
            own = targets.every_target(connection)
    communes = sorted(COMMUNES)
    offices = {place.code: one.position for place, one in named.items()}
    assert "S" in offices and communes[0] in offices and communes[-1] not in offices, "one is left without"
    assert sum(place.level == "hamlet" for place in named) > 50
    assert all("không có thật" in office for office in offices.values())
    assert {(one.place.code, str(one.target), one.deadline) for one in own} == {
        (communes[2], "19/20", None),
        (communes[7], "17/20", date(2022, 10, 15)),
    }
    drawn = lots.lines(town.reference, user, "covid19", 10)
    assert [(line.kept.code, line.judgement) for line in drawn] == [(communes[0], None)], "one lot, and it is open"


def test_sample_has_stock_and_the_forecast_of_its_people_agrees_with_coverage(new_town: Callable[[], Town]) -> None:
    town = new_town()
    for one in sample.submissions(town.reference, ROOT, 120):
        intake.receive(town.reference, one.xml, {}, received=datetime.combine(one.day, time(9), UTC))
    made = accounts.add_user(town.reference, "giamsat", "supervisor", ["squares:P"])
    user = User(made.id, "giamsat", Role.SUPERVISOR, (), 0)
    for _ in range(2):
        sample_stock.enter(town.reference, user, "squares", sample.LAST_DAY)
    shown = overview(town.reference, EVERYTHING, "covid19", "squares", sample.LAST_DAY)
    assert shown.all_entries == len(sample_stock.rows(list(COMMUNES), "commune", Store("district", "S"), DAY)), "once"
    assert all(sample_stock.DOCUMENT in one.entry.document for one in shown.entries), "it says that it is invented"
    assert {one.facts["lot"] for one in shown.warnings} >= {"MAU-P2"}, "one lot is close to its expiry"
    days = sample.LAST_DAY, sample.LAST_DAY + timedelta(days=27)
    question = ForecastQuestion("covid19", *days, "squares", None, "commune")
    found = forecast(town.reference, EVERYTHING, question, wait=True)
    base = [one for one in found.coverage if one.group in ("5_11", "12_17", "18_plus")]
    assert found.total.now == sum(one.due for one in base) > 50
    assert any(need.stock for need in found.total.needs)


def test_sample_tells_what_became_of_its_communes(new_town: Callable[[], Town]) -> None:
    reference = new_town().reference
    # The squares lie on the same ground.
    set_periods.change(reference, OPERATOR, "squares", date(2019, 1, 1), date(2019, 12, 31))
    sample.import_outlines(reference, ROOT / "geodata")
    with reference.database.read() as connection:
        known = reference.known(connection)
    later = known.succession(sample.SET_ID, sample.LATER_SET_ID)
    assert later is not None
    old, new = (known.sets[code] for code in (sample.SET_ID, sample.LATER_SET_ID))
    names = tuple({unit.code: unit.name for unit in one.at_level(one.leaf)} for one in (old, new))
    assert Counter(later.change(code, names) for code in names[0]) == {
        Change.MERGED: 13,
        Change.RENAMED: 1,
    }
    assert sorted(names[0][one.old] for one in later.of_new["02008"]) == [
        "Xã Cẩm Giàng",
        "Xã Mỹ Thanh",
        "Xã Nguyên Phúc",
        "Xã Quân Hà",
    ]
