"""How many sites a plan has where nobody says: as many as days of teams hold, and why is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import Aim, PlanGiven
from mapper.domain.sites import SiteKind
from mapper.services.planning import make
from mapper.services.scenarios import conditions
from mapper.services.site_number import sites_at_first, sites_told
from tests.services.plan_cases import MONDAY, RULES, at, fixed, given, house, mobile, team

FAR_M = 15_000.0
"""From each hamlet to the next: nobody walks to another."""
SITES = [fixed("station", at(0, 0)), *(mobile(f"m{n}", at(n * FAR_M, 0)) for n in range(1, 7))]
HOUSES = [house(f"h{n}", at(n * FAR_M + 100, 0), 6, hamlet=f"{n}") for n in range(7)]


def asked(days: int, teams: int, **other: object) -> PlanGiven:
    crews = tuple(team(f"Đội {n}", at(0, 0)) for n in range(teams))
    return given(HOUSES, SITES, days, teams=crews, sites=None, proposed=False, **other)  # type: ignore[arg-type]


def mobiles(made: MadePlan) -> int:
    return sum(one.site.kind is SiteKind.MOBILE and one.people > 0 for one in made.sites)


def test_at_first_there_is_one_more_site_for_each_day_of_a_team() -> None:
    def number(wish: PlanGiven) -> int:
        return sites_at_first(wish, conditions(wish, RULES), kept=1)

    assert number(asked(3, 2)) == 1 + 3 * 2
    assert number(asked(3, 2, mobile_days=2)) == 1 + 2 * (3 // 2)
    assert number(asked(3, 0)) == 1 + 3, "without teams as if there were one"
    one_day = asked(3, 2)
    teams = (replace(one_day.question.teams[0], days=(MONDAY,)), one_day.question.teams[1])
    assert number(replace(one_day, question=replace(one_day.question, teams=teams))) == 1 + 1 + 3
    assert number(replace(one_day, question=replace(one_day.question, sites=2))) == 2
    assert (
        sites_at_first(replace(one_day, question=replace(one_day.question, sites=2)), conditions(one_day, RULES), 4)
        == 4
    )


def test_more_sites_are_used_while_a_day_has_time_for_them() -> None:
    """One team and one day: one mobile site at first, then whatever lies on its way and fits its ten hours."""
    few, many = make(asked(1, 1), RULES), make(asked(4, 2), RULES)
    assert 1 < mobiles(few) < 6, "to the sixth hamlet and back are 234 km of way, more than nine hours"
    assert mobiles(many) == 6 and many.served == many.people
    limited = asked(1, 1)
    limited = replace(limited, question=replace(limited.question, sites=2))
    assert mobiles(make(limited, RULES)) == 1, "a number that is asked for holds"


@pytest.mark.parametrize(
    ("days", "teams", "words"), [(1, 1, "have time for"), (4, 2, "whom any could reach"), (2, 0, "no team is named")]
)
def test_the_plan_says_how_many_it_uses_and_why(days: int, teams: int, words: str) -> None:
    wish = asked(days, teams)
    made = make(wish, RULES)
    told = sites_told(wish.question, made)
    assert told is not None and words in told.words
    assert told.facts["mobile"] == mobiles(made) and told.facts["sites"] == 1 + mobiles(made)
    assert told.words.format(**told.facts)


def test_nothing_is_said_where_somebody_said_how_many_or_asked_for_the_fewest() -> None:
    wish = asked(2, 1)
    made = make(wish, RULES)
    assert sites_told(replace(wish.question, sites=3), made) is None
    assert sites_told(replace(wish.question, aim=Aim.FEWEST_SITES), made) is None
    assert sites_told(wish.question, replace(made, sites=(), homes=(), unserved={})) is None, "nobody is due"


def test_the_shortest_ways_too_need_no_number() -> None:
    made = make(asked(4, 2, aim=Aim.LEAST_TRAVEL), RULES)
    assert mobiles(made) == 6
