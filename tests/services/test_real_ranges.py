"""Households of the real communes of 2022, with and without a point, on those of 2025: the truth lies in the range."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mapper.domain.household import HOUSE_COUNTS
from mapper.domain.ledger import INSIDE, State
from mapper.domain.ranges import OneOf
from mapper.services import figure_rows, successions
from mapper.services.accounts import OPERATOR
from mapper.services.reference import Known, Reference
from mapper.services.row_sums import Ground, RowSum
from mapper.store.database import Database
from tests.ready import sqlite_copy

CROSSWALK = "crosswalk_2022_to_2025_4prov.csv"
VACCINATED = INSIDE.index(State.VACCINATED)
DUE = INSIDE.index(State.DUE)


@pytest.fixture(scope="module")
def known(shared: Path, both_vintages: Path, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Both sets and the crosswalk; the set of 2022 is the one that household forms name communes of."""
    reference = Reference(Database(sqlite_copy(both_vintages, tmp_path_factory.mktemp("ranges"))))
    content = (shared / "geodata" / CROSSWALK).read_bytes()
    assert successions.take_crosswalk(reference, OPERATOR, CROSSWALK, content, "2022", "2025").faults == ()
    with reference.database.read() as connection:
        return replace(reference.known(connection), home="2022")


@pytest.fixture(scope="module")
def told(shared: Path) -> dict[str, dict[str, str]]:
    """The crosswalk as its file has it: by old commune its new ones, each with its relation."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    with (shared / "geodata" / CROSSWALK).open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            found[row["legacy_code"]][row["new_code"]] = row["relation"]
    return found


def test_every_commune_is_followed_as_the_crosswalk_says(known: Known, told: dict[str, dict[str, str]]) -> None:
    divided = 0
    for code, heirs in told.items():
        leaf = known.followed(code, known.sets["2025"])
        if list(heirs.values()) == ["full"]:
            assert leaf == next(iter(heirs))
        else:
            divided += 1
            assert isinstance(leaf, OneOf)
            assert set(leaf.codes) == set(heirs)
    assert len(told) - divided > 400
    assert divided > 10


def test_the_truth_lies_within_the_ranges_of_real_communes(known: Known, told: dict[str, dict[str, str]]) -> None:
    old, new = known.sets["2022"], known.sets["2025"]
    draw, chance = random.Random(2025), np.random.default_rng(2025)
    sums: dict[figure_rows.Row, RowSum] = {}
    placed: dict[tuple[str, str | None], dict[str, int]] = {}
    truth: dict[str, Counter[str]] = defaultdict(Counter)
    everything: Counter[str] = Counter()
    for code, heirs in told.items():
        west, south, east, north = old.units[old.leaf, code].bounds
        number = 60 if len(heirs) > 1 else 4
        lon, lat = chance.uniform(west, east, 60 * number), chance.uniform(south, north, 60 * number)
        inside = old.placer.place(lon, lat) == list(old.placer.codes).index(code)
        there = new.placer.place(lon[inside], lat[inside])
        # Of two drawings of a border neither is exact: only ground that both sources give to the same heirs.
        drawn = [new.placer.codes[at] for at in there.tolist() if at >= 0 and new.placer.codes[at] in heirs]
        for unit in drawn[:number]:
            members = Counter({"vaccinated": draw.randrange(4), "due": draw.randrange(3)})
            has_point = draw.random() < 0.6
            row: figure_rows.Row = (unit if has_point else known.followed(code, new), None)
            into = sums.setdefault(row, RowSum([0] * len(INSIDE), [0] * len(HOUSE_COUNTS)))
            states, houses = list(into.states), list(into.houses)
            states[VACCINATED] += members["vaccinated"]
            states[DUE] += members["due"]
            houses[0] += 1
            houses[HOUSE_COUNTS.index("people")] += members.total()
            into.states, into.houses = states, houses
            if has_point:
                of_source = placed.setdefault((code, None), {})
                of_source[unit] = of_source.get(unit, 0) + 1
            truth[unit] += members
            truth[new.above(unit, "province") or ""] += members
            everything += members
    ground = Ground(sums, {}, {}, "", True, {}, {}, placed)
    ranges = 0
    for level in ("commune", "province"):
        more = figure_rows.beside(ground, sums, {}, new, level, None, None)
        certain: dict[str | None, Counter[str]] = defaultdict(Counter)
        for row, one in sums.items():
            of_row = {"vaccinated": one.states[VACCINATED], "due": one.states[DUE]}
            certain[figure_rows.unit_of(new, level, row)].update(of_row)
        for unit in new.at_level(level):
            own, maybe = certain[unit.code], more.units.get(unit.code)
            if maybe is None:
                # wholly merged communes, and every province: exact
                assert +own == +truth[unit.code]
                continue
            ranges += 1
            for name, at in (("vaccinated", VACCINATED), ("due", DUE)):
                assert own[name] <= truth[unit.code][name] <= own[name] + maybe.states[at]
            eligible = truth[unit.code].total()
            share = maybe.coverage(own["vaccinated"], own.total())
            assert eligible
            assert share is not None
            assert share.least <= truth[unit.code]["vaccinated"] / eligible <= share.most
        assert sum(certain.values(), Counter()) == everything
        if level == "province":
            assert not more.units
            assert not certain[None]
    assert ranges > 10
