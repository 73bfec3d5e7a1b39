"""Several imports of boundary sets at the same moment: one of them becomes a set, the others are told why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from mapper.errors import Conflict
from mapper.services import (
    boundaries,
    plan_work,
    plans,
    rebuilding,
    set_arrival,
    set_cells,
    set_periods,
    set_placing,
    set_work,
)
from mapper.services.accounts import OPERATOR
from mapper.services.boundaries import ImportedSet, SetFacts
from mapper.services.reference import Reference
from mapper.services.succession_view import overview
from mapper.store import reference as kept
from tests.services.kept_plans import QUESTION, houses
from tests.services.town import CHANGE, COMMUNES, EVERYTHING, STRIPS, Town, feature, feature_file, person, strips

BESIDE = SetFacts("other", "Other", CHANGE)
"""Another set of the same ground from the same day on."""


@pytest.fixture(autouse=True)
def one_unit_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outlines are written in many transactions, without rest."""
    monkeypatch.setattr(set_arrival, "_BYTES_AT_ONCE", 0)
    monkeypatch.setattr(set_work, "REST", 0)


def once_while_units_come(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Have something happen between two of the transactions that write a set's units."""
    short, calls = set_work.Work.short, 0

    def and_then(*given: object) -> object:
        nonlocal calls
        done: object = short(*given)  # type: ignore[arg-type]
        calls += 1
        if calls == 1:
            happens()
        return done

    monkeypatch.setattr(set_work.Work, "short", and_then)


def while_houses_are_placed(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Have something happen twice while an import places households."""
    short, done = set_work.Work.short, 0

    def and_then(*given: object) -> object:
        nonlocal done
        made: object = short(*given)  # type: ignore[arg-type]
        done += 1
        if done in (4, 6):
            happens()
        return made

    monkeypatch.setattr(set_work.Work, "short", and_then)


def another(town: Town, facts: SetFacts) -> ImportedSet:
    """The same file imported by another process."""
    return boundaries.import_file(Reference(town.reference.database), strips(town.files), facts)


def shown(town: Town) -> dict[str, tuple[tuple[str, int], ...]]:
    """Units of each level by set."""
    return {line.about.id: line.units for line in overview(town.reference).sets}


def thirds(town: Town) -> ImportedSet:
    """Another file under the id of the strips: three communes of another province."""
    features = [
        feature(105.0 + at / 5, 22.0, 105.2 + at / 5, 22.2, commune_code=code, commune_name=code, province_code="R")
        for at, code in enumerate("TUV")
    ]
    path = feature_file(town.files / "thirds.geojson", features)
    return boundaries.import_file(Reference(town.reference.database), path, STRIPS)


def test_of_two_imports_of_one_id_the_later_goes_on_and_the_earlier_is_told(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.send(town.write(people=[person()]))
    with monkeypatch.context() as patch:
        once_while_units_come(patch, lambda: thirds(town))
        with pytest.raises(Conflict, match="strips"):
            town.import_strips()
    assert shown(town)["strips"] == (("province", 1), ("commune", 3))
    before = town.everything()
    rebuilding.rebuild(town.reference)
    assert town.everything() == before


def test_an_import_that_another_one_took_over_ends_with_a_word(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut(BaseException):
        """The later import ends in the middle as well."""

    def begun_and_cut() -> None:
        with monkeypatch.context() as patch:
            once_while_units_come(patch, lambda: (_ for _ in ()).throw(Cut))
            with pytest.raises(Cut):
                thirds(town)

    with monkeypatch.context() as patch:
        once_while_units_come(patch, begun_and_cut)
        with pytest.raises(Conflict, match="begun anew"):
            town.import_strips()
    assert "strips" not in shown(town)
    town.import_strips()
    assert shown(town)["strips"] == (("province", 1), ("commune", 2))


def test_of_two_sets_of_one_ground_and_days_that_come_at_once_one_is_refused(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        once_while_units_come(patch, lambda: another(town, BESIDE))
        with pytest.raises(Conflict, match="on the same ground and the same days"):
            town.import_strips()
    assert sorted(shown(town)) == ["other", "squares"]
    # nothing of it is left, and with days of its own it may come
    with town.reference.database.read() as connection:
        assert kept.units(connection, "strips") == []
    town.reference.forget()
    set_periods.change(town.reference, OPERATOR, "other", CHANGE, date(2025, 12, 31))
    boundaries.import_file(town.reference, strips(town.files), replace(STRIPS, valid_from=date(2026, 1, 1)))
    assert sorted(shown(town)) == ["other", "squares", "strips"]


def test_days_are_not_changed_onto_those_of_a_set_that_came_just_now(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = sqlite_town

    def stretched() -> None:
        with pytest.raises(Conflict, match="on the same ground and the same days"):
            set_periods.change(Reference(town.reference.database), OPERATOR, "squares", None, None)

    def not_yet(*_: object) -> int:
        stretched()
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(set_placing, "go_on", not_yet)
        town.import_strips()


def test_a_plan_worked_out_while_a_set_comes_is_the_one_of_before(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = sqlite_town
    houses(town, (0, 1, 2))

    def made() -> tuple[object, ...]:
        number = plans.ask(town.reference, EVERYTHING, replace(QUESTION, set_id="squares"))
        plan_work.work_out(Reference(town.reference.database), number)
        found = plans.plan(town.reference, EVERYTHING, number).made
        assert found is not None
        return found.sites, found.days, found.homes, found.needs, dict(found.unserved)

    before, meanwhile = made(), []
    with monkeypatch.context() as patch:
        patch.setattr(set_cells, "CUT", 1)
        while_houses_are_placed(patch, lambda: meanwhile.append(made()))
        town.import_strips()
    assert len(meanwhile) == 2
    assert set(map(str, meanwhile)) == {str(before)}
    assert str(made()) == str(before)


def test_a_list_of_hamlets_that_changed_meanwhile_is_noticed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else households without a position would be placed by the codes of a set that is not that of the list."""
    town.send(town.write(people=[person()]))

    def listed() -> None:
        database = town.reference.database
        more = [kept.Hamlet(f"T{n}", f"Thôn {n}", code, None) for n, code in enumerate(["X", "Y"] * 20)]
        more += [kept.Hamlet(f"N{n}", f"Thôn {n}", f"Y{n}", None) for n in range(len(COMMUNES) + 1)]
        with database.write() as connection:
            kept.save_hamlets(database, connection, more)
            kept.raise_revision(database, connection)

    features = [
        feature(105.0 + at / 50, 22.0, 105.02 + at / 50, 22.2, commune_code=f"Y{at}", province_code="R")
        for at in range(len(COMMUNES) + 1)
    ]
    path = feature_file(town.files / "slices.geojson", features)
    with monkeypatch.context() as patch:
        once_while_units_come(patch, listed)
        with pytest.raises(Conflict, match="list of hamlets"):
            boundaries.import_file(town.reference, path, SetFacts("slices", "Slices", CHANGE))
    assert "slices" not in shown(town)
