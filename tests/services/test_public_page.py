"""What the public page shows: small numbers kept back, one day a day, and nothing that a reader could work out.

What is kept and asked of the database runs on both; attacks on the sample district, which are numbers alone, on one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from mapper.domain.suppression import add_up
from mapper.errors import InvalidInput, NotFound
from mapper.services import public_figures, public_page, reporting, sample
from mapper.services.public_figures import EVERYBODY, TOTAL, key_of, tree_of
from mapper.services.public_page import PublicSettings
from mapper.services.questions import Question
from mapper.services.reference import Reference
from mapper.store import schema
from mapper.store.database import Database
from tests.attack import Page, attack_pages, narrow, page_of_whole_sums
from tests.services.test_ranges import tell
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


def test_a_small_commune_is_kept_back_and_another_with_it(town: Town) -> None:
    for commune, done, not_done in ((0, 3, 9), (1, 6, 7), (2, 10, 12), (7, 8, 8), (8, 9, 9)):
        vaccinated_of(town, commune, done, not_done)
    rows = shown(town)
    a, b, c, d, e = (COMMUNES[at] for at in (0, 1, 2, 7, 8))
    # Of A 3 are vaccinated. Who knows that all of the southern district have 19 would know A with B and C shown.
    assert rows == {TOTAL: (27, 29), "S": (10, 12), a: None, b: None, c: (10, 12), "N": (17, 17), d: (8, 8), e: (9, 9)}
    _, found = public_page.published(town.reference, TODAY)
    within = {row.code: row.within[0] for row in found.rows}
    assert (within[TOTAL], within["S"], within["N"]) == ((3, 5), (1, 3), (2, 2)), "sums are of those shown alone"
    assert set(found.unvisited) == set(COMMUNES) - {a, b, c, d, e}, "nobody was there, and no sum holds them"
    assert found.day == TODAY - timedelta(days=1)


def test_figures_shown_are_those_of_the_readers(town: Town) -> None:
    for commune in (0, 1):
        vaccinated_of(town, commune, 6 + commune, 9)
    rows = shown(town)
    answer = reporting.coverage(
        town.reference,
        EVERYBODY,
        Question("covid19", "18_plus", "1", TODAY - timedelta(days=1), "commune", "squares"),
    )
    for unit in answer.units:
        if unit.eligible:
            assert rows[str(unit.code)] == (unit.counts[1], unit.eligible - unit.counts[1])
    assert rows[TOTAL] == (answer.total.counts[1], answer.total.eligible - answer.total.counts[1])


def test_a_published_day_stays_as_it_was_and_the_next_moves_by_five_or_not_at_all(town: Town) -> None:
    for commune in (0, 1):
        vaccinated_of(town, commune, 10, 10)
    first = shown(town)
    assert first[COMMUNES[0]] == (10, 10)
    vaccinated_of(town, 0, 4, 6)
    assert shown(town) == first, "what comes later changes nothing that was published"
    # The next day: 4 more vaccinated are too few to show, 6 more who are not are enough; the total adds up the same.
    second = shown(town, today=TODAY + timedelta(days=1))
    assert second[COMMUNES[0]] == (10, 16)
    assert second[TOTAL] == (20, 26)
    vaccinated_of(town, 0, 1, 0)
    third = shown(town, today=TODAY + timedelta(days=2))
    assert third[COMMUNES[0]] == (15, 16), "with a fifth the number moves"


def test_other_settings_of_the_same_day_follow_what_was_shown(town: Town) -> None:
    for commune in (0, 1):
        vaccinated_of(town, commune, 10, 10)
    before = shown(town)
    vaccinated_of(town, 0, 2, 2)
    wider = replace(HERE, series=(("18_plus", "1"), ("5_11", "1")))
    assert shown(town, wider) == before


def test_a_closed_page_and_one_without_figures_show_nothing(town: Town) -> None:
    with pytest.raises(NotFound, match="no public page"):
        public_page.published(town.reference, TODAY)
    save(town.reference, HERE)
    with pytest.raises(NotFound, match="no figures"):
        public_page.published(town.reference, TODAY)
    vaccinated_of(town, 0, 9, 9)
    public_page.published(town.reference, TODAY)
    save(town.reference, replace(HERE, is_open=False))
    with pytest.raises(NotFound, match="no public page"):
        public_page.published(town.reference, TODAY)


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
    town: Town, wrong: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        save(town.reference, replace(HERE, **wrong))  # type: ignore[arg-type]
    assert public_page.read_settings(town.reference) is None


def test_groups_that_overlap_are_kept_back_alike(district: Reference) -> None:
    with district.database.read() as connection:
        campaign = district.known(connection).campaign("covid19")
    found = public_figures.families(campaign, [*FEW, *ADULTS])
    assert sorted(map(sorted, found)) == sorted(map(sorted, (FEW[:2], FEW[2:], ADULTS)))


def made(reference: Reference, settings: PublicSettings, day: date, before: dict[str, Any]) -> dict[str, Any]:
    with reference.database.read() as connection:
        known = reference.known(connection)
    campaign, places = known.campaign(settings.campaign), known.sets[settings.set_id]
    return public_figures.make(reference, campaign, places, settings.series, settings.threshold, day, before)


def pages(reference: Reference, settings: PublicSettings, days: list[date]) -> list[list[Page]]:
    """By family, a page of each of these days as somebody reads it who knows the true sums from elsewhere."""
    before: dict[str, Any] = {}
    with reference.database.read() as connection:
        known = reference.known(connection)
    campaign, places = known.campaign(settings.campaign), known.sets[settings.set_id]
    families = public_figures.families(campaign, settings.series)
    found: list[list[Page]] = [[] for _ in families]
    for day in days:
        before = made(reference, settings, day, before)
        counts = public_figures.counts_of(reference, campaign.id, places, settings.series, day).counts
        for family, those in zip(families, found, strict=True):
            keys = [key_of(*each) for each in family]
            tree = tree_of(places, {code: tuple(counts[key][code] for key in keys) for code in counts[keys[0]]})
            hidden = set(before["hidden"][keys[0]])
            rows = {code: pairs for code, pairs in add_up(tree).items() if code not in hidden}
            those.append(page_of_whole_sums(tree, rows, hidden))
    return found


@pytest.mark.parametrize("threshold", [5, 10])
def test_a_day_of_the_sample_district_tells_nothing_even_to_who_knows_the_true_sums(
    district: Reference, threshold: int
) -> None:
    settings = of_sample(*((*FEW, *ADULTS) if threshold == 5 else FEW), threshold=threshold)
    day = public_page.public_day(district, settings, date(2026, 1, 1))
    found = pages(district, settings, [day])
    assert sum(len(page.hidden) for (page,) in found) > 5
    assert [narrow(attack_pages(those, doses_in_order=False)[0], threshold) for those in found] == [[]] * len(found)


def test_the_attack_succeeds_where_only_small_rows_are_kept_back(
    district: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With the smallest count of the communes just below the threshold, hardly any other is kept back with it.
    open_to_all = of_sample(("18_plus", "2"))
    day = public_page.public_day(district, open_to_all, date(2026, 1, 1))
    with district.database.read() as connection:
        places = district.known(connection).sets[sample.SET_ID]
    counts = public_figures.counts_of(district, "covid19", places, open_to_all.series, day).counts["18_plus 2"]
    settings = replace(open_to_all, threshold=max(5, min(map(min, counts.values())) + 1))
    assert narrow(attack_pages(pages(district, settings, [day])[0], doses_in_order=False)[0], settings.threshold) == []
    whole = public_figures.kept_back
    monkeypatch.setattr(public_figures, "kept_back", lambda *asked: whole(*asked, complementary=False))
    learnt = attack_pages(pages(district, settings, [day])[0], doses_in_order=False)[0]
    assert [one for one in learnt if one.high - one.low < 0.5 and one.high < settings.threshold]


def test_what_is_left_between_doses_and_between_groups_is_not_told_where_it_is_small(town: Town) -> None:
    twice = [("1", date(2022, 6, 1), "pfizer"), ("2", date(2022, 7, 1), "pfizer")]
    old = date(1950, 1, 1)
    for commune, once, both in ((0, 2, 20), (1, 9, 20), (2, 9, 20)):
        people = [person(doses=twice) for _ in range(both)] + [person(doses=twice[:1]) for _ in range(once)]
        people += [person() for _ in range(8)] + [person(old, twice[:1]) for _ in range(6)] + [person(old)] * 6
        town.send(town.write({"household.point": inside(commune, 0.5)}, people, commune=commune))
    a, b, c = COMMUNES[:3]
    alone = shown(town)
    assert alone[a] == (28, 14), "one dose alone leaves nothing to take away"
    # Dose 1 less dose 2 are the 2 + 6, 9 + 6 and 9 + 6 people of one dose: none is fewer than five.
    two = replace(HERE, series=(("18_plus", "1"), ("18_plus", "2")))
    assert shown(town, two) == alone
    # Of those under 65 in A no dose left out is fewer than five either; with a threshold of ten some are.
    assert shown(town, replace(two, threshold=9))[a] is None
    assert shown(town, replace(two, threshold=9))[c] is not None
    assert b in alone


def test_a_commune_that_is_new_and_small_is_in_no_sum_of_the_next_day(town: Town) -> None:
    for commune in (1, 2):
        vaccinated_of(town, commune, 20, 30)
    first = shown(town)
    assert first[TOTAL] == (40, 60)
    vaccinated_of(town, 0, 3, 9)
    second = shown(town, today=TODAY + timedelta(days=1))
    a, b, c = COMMUNES[:3]
    # With A in the sums, 43 less 40 would be A's, since nobody was added beside it.
    assert (second[a], second[b], second[c], second[TOTAL]) == (None, None, (20, 30), (20, 30))
    vaccinated_of(town, 0, 5, 1)
    third = shown(town, today=TODAY + timedelta(days=2))
    assert third == second, "8 are vaccinated: not yet twice five, or the page would tell when it was fewer"
    vaccinated_of(town, 0, 2, 0)
    fourth = shown(town, today=TODAY + timedelta(days=3))
    assert (fourth[a], fourth[b], fourth[TOTAL]) == ((10, 10), (20, 30), (50, 70))


def test_a_campaign_is_published_by_one_set_of_boundaries_alone(town: Town) -> None:
    vaccinated_of(town, 1, 20, 30)
    town.import_strips()
    save(town.reference, replace(HERE, set_id="strips"))
    save(town.reference, HERE)
    shown(town)
    with pytest.raises(InvalidInput, match="already published with other boundaries"):
        save(town.reference, replace(HERE, set_id="strips"))
    settings = public_page.read_settings(town.reference)
    assert settings is not None
    assert settings.set_id == "squares"


def test_a_preview_tells_how_many_communes_would_be_shown(district: Reference) -> None:
    settings = of_sample(*ADULTS[:2], FEW[0])
    found = public_page.preview(district, settings, date(2026, 1, 1))
    assert {sum(each) for each in found} == {14}
    assert found[0] == found[1], "doses of a group alike"
    assert found[2][1] > found[0][1], "children are few"


def test_a_unit_that_may_have_more_people_has_a_range_once_they_are_as_many_as_may_be_told(sqlite_town: Town) -> None:
    town = sqlite_town
    town.import_strips()
    tell(town)
    for commune, east, people in ((2, 0.1, 20), (3, 0.5, 30), (2, None, 4)):
        point = None if east is None else inside(commune, east)
        adults = [person(doses=[("1", date(2022, 8, 1), "pfizer")]) for _ in range(people // 2)]
        adults += [person() for _ in range(people - people // 2)]
        town.send(town.write({"household.point": point}, adults, commune=commune))
    settings = replace(HERE, set_id="strips")
    save(town.reference, settings)
    _, found = public_page.published(town.reference, TODAY)
    # four people are fewer than may be told apart: only that these have a part of a divided commune is
    assert (set(map(str, found.loose)), found.divided) == ({"{}"}, {"X", "Y"})
    x = next(row for row in found.rows if row.code == "X")
    assert found.between(x, 0) is None
    town.send(town.write({"household.point": None}, [person()], commune=2))
    _, found = public_page.published(town.reference, TODAY + timedelta(days=1))
    assert found.loose[0] == {"X": 5, "Y": 5}
    x = next(row for row in found.rows if row.code == "X")
    assert found.between(x, 0) == (10 / 25, 15 / 25)
    assert found.between(found.rows[0], 0) is None
    # fewer than the threshold more change nothing; then whole thresholds are told
    for days, more, told in ((2, 4, 5), (3, 2, 15)):
        people = [person(doses=[("1", date(2022, 8, 1), "pfizer")]) for _ in range(more)]
        town.send(town.write({"household.point": None}, people, commune=2))
        _, found = public_page.published(town.reference, TODAY + timedelta(days=days))
        assert found.loose[0] == {"X": told, "Y": told}
    assert {row.code: row.pairs[0] for row in found.rows if row.code in "XY" and row.code} == {
        "X": (10, 10),
        "Y": (15, 15),
    }
