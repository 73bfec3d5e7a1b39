"""The invented sample: one row of households, whatever their number; answers that the form itself offers."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mapper.errors import Conflict, InvalidInput
from mapper.services import sample
from mapper.store import reference as kept
from tests.services.town import Town

ROOT = Path(__file__).resolve().parents[2]
COVID = b'id="covid19_census"'


def census(town: Town, number: int) -> list[bytes]:
    return [sent.xml for sent in sample.submissions(town.reference, ROOT, number) if COVID in sent.xml]


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
    visited = answers(census(new_town(), sample.HOUSEHOLDS), "hamlet")
    assert visited.total() == sample.HOUSEHOLDS
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
    others = [one for one in sent if COVID not in one.xml]
    born = answers([one.xml for one in others], "ngay_sinh")
    assert len(others) == 40 and born.total() >= 5
    assert min(born) > "2017-08", "nobody is older than five at the census"
    assert answers([one.xml for one in sent if COVID in one.xml], "birth_date").total() > 300


def test_sample_of_nobody_or_of_another_edition_is_refused(new_town: Callable[[], Town]) -> None:
    reference = new_town().reference
    with pytest.raises(InvalidInput, match="one household or more"):
        sample.build(reference, ROOT, 0, lambda done: None)
    with reference.database.write() as connection:
        kept.set_fact(reference.database, connection, "sample", "yes")
        kept.raise_revision(reference.database, connection)
    with pytest.raises(Conflict, match="older edition"):
        sample.build(reference, ROOT, 5, lambda done: None)
