"""How many sites a plan may have where nobody says: the fixed ones, and as many more as days of teams hold."""

from __future__ import annotations

from mapper.domain.made_plan import Explained, MadePlan, Unserved
from mapper.domain.plan import Aim, PlanGiven, PlanQuestion
from mapper.domain.sites import SiteKind
from mapper.errors import mark
from mapper.services.scenarios import Conditions, own_days

LACKING = frozenset((Unserved.NOT_CHOSEN, Unserved.NO_TEAM))
"""Why those have no place to whom further sites would give one, if teams had the time."""


def sites_at_first(given: PlanGiven, under: Conditions, kept: int) -> int:
    """As many as asked for, and all that are kept; where nobody says, a further one for each stay of a team.

    A team stays for ``mobile_days``; without teams it is as if there were one. What teams have left of their days is
    used for more sites after that (``spare_hours``).
    """
    wish = given.question
    if wish.sites is not None:
        return max(wish.sites, kept)
    days = [len(own_days(team, given, under)) for team in under.teams] if wish.teams else [len(under.days)]
    return kept + max(1, sum(each // wish.mobile_days for each in days))


def sites_told(wish: PlanQuestion, made: MadePlan) -> Explained | None:
    """How many sites a plan uses and why, where nobody said how many."""
    if wish.sites is not None or wish.aim is Aim.FEWEST_SITES or not made.people:
        return None
    used = [one.site.kind for one in made.sites if one.people or one.site.kind is SiteKind.FIXED]
    fixed = sum(kind is SiteKind.FIXED for kind in used)
    facts = {"sites": len(used), "fixed": fixed, "mobile": len(used) - fixed, "days": len(made.days)}
    if not wish.teams:
        words = mark(
            "{sites} sites are used, {fixed} fixed and {mobile} mobile: nobody said how many, and no team is named, so "
            "that there is one mobile site at most for each working day of one team."
        )
    elif LACKING & {why for why, number in made.by_why().items() if number}:
        words = mark(
            "{sites} sites are used, {fixed} fixed and {mobile} mobile: as many as {days} days of teams have time for."
        )
    else:
        words = mark(
            "{sites} sites are used, {fixed} fixed and {mobile} mobile: with these everybody has one within their walk "
            "whom any could reach, in {days} days of teams."
        )
    return Explained(words, facts)
