"""What the public page shows: small numbers kept back, one day a day, and nothing that a reader could work out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from mapper.domain.suppression import add_up
from mapper.errors import InvalidInput, NotFound
from mapper.services import public_page, reporting, sample
from mapper.services.public_page import EVERYBODY, TOTAL, PublicSettings
from mapper.services.reference import Reference
from mapper.services.reporting import Question
from mapper.store import schema
from mapper.store.database import Database
from tests.attack import Recovered, attack, narrow
from tests.services.town import COMMUNES, Town, inside, person

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2022, 8, 16)
HERE = PublicSettings(True, "covid19", (("18_plus", "1"),), "squares")


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    """The sample district with 200 of its households: communes of some forty adults and a handful of children."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('district') / 'district.sqlite3'}")
    schema.upgrade(database)
    reference = Reference(database)
    sample.build(reference, ROOT, 200, lambda _: None)
    yield reference
    database.close()


def of_sample(*series: tuple[str, str], threshold: int = 5) -> PublicSettings:
    return PublicSettings(True, "covid19", series, sample.SET_ID, threshold)


FEW = (("5_11", "1"), ("5_11", "2"), ("12_17", "1"), ("12_17", "booster1"))
ADULTS = (("18_plus", "1"), ("18_plus", "2"), ("18_plus", "booster1"), ("65_plus", "1"))


def vaccinated_of(town: Town, commune: int, done: int, not_done: int) -> None:
    """One house of a commune with so many adults."""
    people = [person(doses=[("1", date(2022, 8, 1), "pfizer")]) for _ in range(done)]
    people += [person() for _ in range(not_done)]
    east = 0.1 + 0.01 * (town.numbers % 80)
    assert (
        town.send(town.write({"household.point": inside(commune, east)}, people, commune=commune)).state == "processed"
    )


def shown(town: Town, settings: PublicSettings = HERE, today: date = TODAY) -> dict[str, tuple[int, int] | None]:
    """The pair of adults' first dose of every row, by code."""
    save(town.reference, settings)
    _, found = public_page.published(town.reference, today)
    return {row.code: row.pairs[found.series.index(("18_plus", "1"))] for row in found.rows}


def save(reference: Reference, settings: PublicSettings) -> None:
    public_page.save_settings(reference, EVERYBODY, settings)


def test_a_small_commune_is_kept_back_and_another_with_it(sqlite_town: Town) -> None:
    for commune, done, not_done in ((0, 3, 9), (1, 6, 7), (2, 10, 12), (7, 8, 8), (8, 9, 9)):
        vaccinated_of(sqlite_town, commune, done, not_done)
    rows = shown(sqlite_town)
    a, b, c, d, e = (COMMUNES[at] for at in (0, 1, 2, 7, 8))
    # Of A 3 are vaccinated. In the southern district A, B and C have 19: with B and C shown, A would be known.
    assert rows == {TOTAL: (36, 45), "S": (19, 28), a: None, b: None, c: (10, 12), "N": (17, 17), d: (8, 8), e: (9, 9)}
    _, found = public_page.published(sqlite_town.reference, TODAY)
    assert set(found.unvisited) == set(COMMUNES) - {a, b, c, d, e}, "nobody was there, and no sum holds them"
    assert found.day == TODAY - timedelta(days=1)


def test_figures_shown_are_those_of_the_readers(sqlite_town: Town) -> None:
    for commune in (0, 1):
        vaccinated_of(sqlite_town, commune, 6 + commune, 9)
    rows = shown(sqlite_town)
    answer = reporting.coverage(
        sqlite_town.reference,
        EVERYBODY,
        Question("covid19", "18_plus", "1", TODAY - timedelta(days=1), "commune", "squares"),
    )
    for unit in answer.units:
        if unit.eligible:
            assert rows[str(unit.code)] == (unit.counts[1], unit.eligible - unit.counts[1])
    assert rows[TOTAL] == (answer.total.counts[1], answer.total.eligible - answer.total.counts[1])


def test_a_published_day_stays_as_it_was_and_the_next_moves_by_five_or_not_at_all(sqlite_town: Town) -> None:
    for commune in (0, 1):
        vaccinated_of(sqlite_town, commune, 10, 10)
    first = shown(sqlite_town)
    assert first[COMMUNES[0]] == (10, 10)
    vaccinated_of(sqlite_town, 0, 4, 6)
    assert shown(sqlite_town) == first, "what comes later changes nothing that was published"
    # The next day: 4 more vaccinated are too few to show, 6 more who are not are enough; the total adds up the same.
    second = shown(sqlite_town, today=TODAY + timedelta(days=1))
    assert second[COMMUNES[0]] == (10, 16)
    assert second[TOTAL] == (20, 26)
    vaccinated_of(sqlite_town, 0, 1, 0)
    third = shown(sqlite_town, today=TODAY + timedelta(days=2))
    assert third[COMMUNES[0]] == (15, 16), "with a fifth the number moves"


def test_other_settings_of_the_same_day_follow_what_was_shown(sqlite_town: Town) -> None:
    for commune in (0, 1):
        vaccinated_of(sqlite_town, commune, 10, 10)
    before = shown(sqlite_town)
    vaccinated_of(sqlite_town, 0, 2, 2)
    wider = replace(HERE, series=(("18_plus", "1"), ("5_11", "1")))
    assert shown(sqlite_town, wider) == before


def test_a_closed_page_and_one_without_figures_show_nothing(sqlite_town: Town) -> None:
    with pytest.raises(NotFound, match="no public page"):
        public_page.published(sqlite_town.reference, TODAY)
    save(sqlite_town.reference, HERE)
    with pytest.raises(NotFound, match="no figures"):
        public_page.published(sqlite_town.reference, TODAY)
    vaccinated_of(sqlite_town, 0, 9, 9)
    public_page.published(sqlite_town.reference, TODAY)
    save(sqlite_town.reference, replace(HERE, is_open=False))
    with pytest.raises(NotFound, match="no public page"):
        public_page.published(sqlite_town.reference, TODAY)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"threshold": 4}, InvalidInput),
        ({"threshold": 101}, InvalidInput),
        ({"series": ()}, InvalidInput),
        ({"series": (("18_plus", "nine"),)}, InvalidInput),
        ({"text": "x" * 1001}, InvalidInput),
        ({"campaign": "other"}, NotFound),
        ({"set_id": "other"}, NotFound),
    ],
)
def test_settings_that_cannot_be_are_refused_and_change_nothing(
    sqlite_town: Town, wrong: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        save(sqlite_town.reference, replace(HERE, **wrong))  # type: ignore[arg-type]
    assert public_page.read_settings(sqlite_town.reference) is None


def test_groups_that_overlap_are_kept_back_alike(district: Reference) -> None:
    with district.database.read() as connection:
        campaign = district.known(connection).campaign("covid19")
    found = public_page.families(campaign, [*FEW, *ADULTS])
    assert sorted(map(sorted, found)) == sorted(map(sorted, (FEW[:2], FEW[2:], ADULTS)))


def learnt_from(reference: Reference, settings: PublicSettings) -> tuple[int, list[Recovered]]:
    """How many rows of the district are kept back, and what a reader of the others learns of them all the same."""
    made = public_page.make(reference, settings, public_page.public_day(reference, settings, date(2026, 1, 1)), {})
    with reference.database.read() as connection:
        known = reference.known(connection)
    learnt, back = [], 0
    for family in public_page.families(known.campaign("covid19"), settings.series):
        keys = [public_page._key(*each) for each in family]
        pairs = {code: tuple(made["held"][key][code] for key in keys) for code in made["visited"]}
        tree = public_page._tree(known.sets[settings.set_id], pairs)
        hidden = set(made["hidden"][keys[0]])
        rows = {code: counts for code, counts in add_up(tree).items() if code not in hidden}
        back += len(hidden)
        learnt += narrow(attack(tree, rows, hidden, doses_in_order=False), settings.threshold)
    return back, learnt


@pytest.mark.parametrize("threshold", [5, 10])
def test_an_attack_on_the_sample_district_learns_nothing(district: Reference, threshold: int) -> None:
    groups = (*FEW, *ADULTS) if threshold == 5 else FEW
    back, learnt = learnt_from(district, of_sample(*groups, threshold=threshold))
    assert back > 5
    assert learnt == []


def test_the_attack_succeeds_where_only_small_rows_are_kept_back(
    district: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With the smallest count of the communes just below the threshold, hardly any other is kept back with it.
    open_to_all = of_sample(("18_plus", "2"))
    day = public_page.public_day(district, open_to_all, date(2026, 1, 1))
    counts = public_page.make(district, open_to_all, day, {})["held"]["18_plus 2"].values()
    settings = replace(open_to_all, threshold=max(5, min(map(min, counts)) + 1))
    assert learnt_from(district, settings)[1] == []
    whole = public_page.kept_back
    monkeypatch.setattr(public_page, "kept_back", lambda *asked: whole(*asked, complementary=False))
    _, learnt = learnt_from(district, settings)
    assert [one for one in learnt if one.high - one.low < 0.5 and one.high < settings.threshold]


def test_a_preview_tells_how_many_communes_would_be_shown(district: Reference) -> None:
    settings = of_sample(*ADULTS[:2], FEW[0])
    found = public_page.preview(district, settings, date(2026, 1, 1))
    assert {sum(each) for each in found} == {14}
    assert found[0] == found[1], "doses of a group alike"
    assert found[2][1] > found[0][1], "children are few"


def test_differences_between_days_are_none_or_large(district: Reference) -> None:
    settings = of_sample(*ADULTS[:3])
    last = public_page.public_day(district, settings, date(2026, 1, 1))
    before: dict[str, object] = {}
    published = []
    for back in range(480, -1, -24):
        before = public_page.make(district, settings, last - timedelta(days=back), before)
        published.append({(key, code): pair for key, row in before["held"].items() for code, pair in row.items()})
    moved = [
        abs(new - old)
        for one, other in pairwise(published)
        for place in one
        for old, new in zip(one[place], other[place], strict=True)
    ]
    assert {0} < set(moved)
    assert all(each == 0 or each >= 5 for each in moved)
