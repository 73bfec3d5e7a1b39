"""What keeps a plan of teams' days back, in words with their facts, and what would free it; most telling first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from mapper.domain.made_plan import Explained, MadePlan, Unserved
from mapper.domain.plan import FixedSession, PlanGiven
from mapper.domain.sites import SiteKind
from mapper.errors import mark
from mapper.services.scenarios import Conditions, own_days
from mapper.services.site_plan import SitePlan
from mapper.services.team_plan import TeamPlan
from mapper.services.team_stops import HomeStop, SessionStop, Stopover, minutes_at
from mapper.solve.team_days import Missed

FULL_SHARE = 0.9
"""Teams that give so large a share of the doses that they may give on their days are held back by those."""

STANDS: Mapping[Missed, str] = {
    Missed.NO_WAY: mark(
        "The session of {day} at {site} cannot be held: no way leads there from where the team sets out."
    ),
    Missed.TOO_MANY_DOSES: mark(
        "The session of {day} at {site} cannot be held: it needs more doses than its team gives on a day."
    ),
    Missed.OUT_OF_HOURS: mark(
        "The session of {day} at {site} cannot be held: with its way it takes longer than its team's day."
    ),
    Missed.NO_ROOM: mark(
        "The session of {day} at {site} cannot be held beside the others that stand for its team. Move one of them."
    ),
}


def binds(
    given: PlanGiven, held: Conditions, plan: SitePlan, sent: TeamPlan | None, made: MadePlan
) -> tuple[Explained, ...]:
    """What binds teams, days, hours and doses, and sessions that stand and cannot be held."""
    found = [*_standing(given, held, plan, sent)]
    if sent is None:
        found += _without_teams(made)
    else:
        found += _teams(given, held, sent)
        found += _missed(held, sent, made)
    late = [one for house in made.unserved.get(Unserved.DUE_LATER, ()) for one in house.people]
    if late:
        words = mark(
            "{people} people fall due after the last session within their walk, the last of them on {day}: hold a"
            " session then, or plan them with the next days."
        )
        found.append(Explained(words, {"people": len(late), "day": max(one.on for one in late).isoformat()}))
    unknown = sum(one.doses.get("", 0) for site in made.sites for one in site.sessions)
    unknown += sum(one.vials.get(dose, "") == "" for house in made.homes for one in house.people for dose in one.due)
    if unknown:
        words = mark("{doses} doses are of no vaccine known to the campaign's planning file: no vials are counted.")
        found.append(Explained(words, {"doses": unknown}))
    return tuple(found)


def _standing(given: PlanGiven, held: Conditions, plan: SitePlan, sent: TeamPlan | None) -> Iterator[Explained]:
    question, chosen = given.question, {one.site.code for one in plan.sites}
    going = {one.name for one in held.teams if sent is None or one not in sent.idle}
    names = {one.site.code: one.site.name for one in plan.sites} | {one.code: one.name for one in given.sites}

    def told(words: str, one: FixedSession) -> Explained:
        return Explained(words, {"day": one.day.isoformat(), "site": names.get(one.site, one.site), "team": one.team})

    for one in question.keeps:
        if not question.first <= one.day <= question.last:
            yield told(mark("The session of {day} at {site} stands outside the days of the plan."), one)
        elif one.site not in chosen:
            yield told(mark("The session of {day} at {site} stands, but the plan has no such site."), one)
        elif question.teams and one.team and one.team not in going:
            yield told(
                mark("The session of {day} at {site} is of team {team}, which does not go out: another one holds it."),
                one,
            )
    for stop, why in sent.missed if sent else ():
        if isinstance(stop, SessionStop) and stop.kept is not None:
            yield told(STANDS[why], stop.kept)


def _without_teams(made: MadePlan) -> Iterator[Explained]:
    mobile = sum(len(one.sessions) for one in made.sites if one.site.kind is SiteKind.MOBILE)
    if mobile:
        words = mark("No team is named: find staff for {sessions} sessions at mobile sites, or name teams.")
        yield Explained(words, {"sessions": mobile})
    homes = sum(len(house.people) for house in made.unserved.get(Unserved.NO_TEAM, ()))
    if homes:
        words = mark("No team is named: {people} people who stay at home are visited by nobody. Name a team.")
        yield Explained(words, {"people": homes})


def _teams(given: PlanGiven, held: Conditions, sent: TeamPlan) -> Iterator[Explained]:
    for one in sent.idle:
        yield Explained(
            mark("Team {team} has no hours: its day ends before it begins. Change one."), {"team": one.name}
        )
    for one in held.teams:
        if not own_days(one, given, held):
            words = mark("Team {team} works on none of the plan's days. Name one of them, or none for all.")
            yield Explained(words, {"team": one.name})


def _missed(held: Conditions, sent: TeamPlan, made: MadePlan) -> Iterator[Explained]:
    missed: dict[Missed, list[Stopover]] = {}
    for stop, why in sent.missed:
        if not (isinstance(stop, SessionStop) and stop.kept is not None):
            missed.setdefault(why, []).append(stop)
    left = sum(len(house.people) for house in made.unserved.get(Unserved.NO_TEAM, ()))
    if not left:
        return
    for why, words in (
        (
            Missed.NO_WAY,
            mark(
                "{people} people are where no way leads from the start of any team: on an island, or beyond a gap of"
                " the road map. Let a team set out from there."
            ),
        ),
        (
            Missed.TOO_MANY_DOSES,
            mark("{people} people need {doses} doses at one stop, more than any team gives on a day. Allow more."),
        ),
        (
            Missed.OUT_OF_HOURS,
            mark(
                "{people} people are so far away that the day of no team suffices for the way and the work. Let a team"
                " set out from nearer, or for longer."
            ),
        ),
    ):
        if stops := missed.get(why):
            doses = max(one.doses for one in stops)
            yield Explained(words, {"people": sum(map(_people, stops)), "doses": doses})
    if stops := missed.get(Missed.NO_ROOM):
        yield _no_room(held, sent, stops, left)


def _no_room(held: Conditions, sent: TeamPlan, stops: list[Stopover], left: int) -> Explained:
    """More days of teams, by what one does on average: of doses where those bind, of minutes of work where hours do."""
    days = len(sent.days)
    given = sum(one.doses for one in sent.days)
    may = sum(math.inf if one.team.doses is None else one.team.doses for one in sent.days)
    # Some of whom no team gets to go to a station instead.
    share = left / max(1, sum(map(_people, stops)))
    doses = share * sum(one.doses for one in stops)
    facts: dict[str, str | int | float] = {"people": left, "days": days}
    if not days:
        return Explained(mark("{people} people are without a team: no team has a day on which it can go."), facts)
    if given >= FULL_SHARE * may:
        facts |= {"more": math.ceil(doses * days / max(1, given)), "doses": given}
        words = mark(
            "{people} people are without a team: on {days} days teams give the {doses} doses that they may. It takes"
            " about {more} team days more, or more doses a day."
        )
        return Explained(words, facts)
    work = sum(minutes_at(stay.stop, held.rules) for day in sent.days for stay in day.stays)
    lacking = share * sum(minutes_at(stop, held.rules) for stop in stops)
    facts["more"] = max(1, math.ceil(lacking * days / max(work, 1.0)))
    words = mark(
        "{people} people are without a team: the hours of {days} team days are used. It takes about {more} team days"
        " more: another team, or further days."
    )
    return Explained(words, facts)


def _people(stop: Stopover) -> int:
    return len(stop.people) if isinstance(stop, HomeStop) else stop.people
