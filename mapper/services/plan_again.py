"""A plan made again: from what it was made from, to see that it comes out the same; or for the days still to come."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from mapper.domain.made_plan import Explained, MadePlan, PlanSite
from mapper.domain.plan import FixedSession, PlanQuestion
from mapper.domain.sites import SiteKind
from mapper.errors import Conflict, Forbidden, InvalidQuestion, mark
from mapper.formats.plan_file import KeptSite, made_digest, read_given, read_sessions
from mapper.services import demand, plans
from mapper.services.accounts import User
from mapper.services.plan_access import Areas, Eyes, Sight, areas_of
from mapper.services.plan_comparison import Compared, Comparison, compare
from mapper.services.plan_given import sites_of
from mapper.services.plan_work import rules_digest, versions
from mapper.services.planning import Watched, make
from mapper.services.plans import PlanLine
from mapper.services.questions import HAMLET, default_set
from mapper.services.reference import Reference
from mapper.store import plans as kept
from mapper.store.plans import PlanRow

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a plan was made from. moment: ISO time of the census; rules: SHA-256 of planning.toml, "" for none.

    rules_now: of the one in force now. roads: what ways were reckoned by. houses, people: with anybody due. digest:
    SHA-256 of the plan, whatever time it took. versions: of the program and of what it may depend on; versions_now: as
    they are.
    """

    question: PlanQuestion
    moment: str
    rules: str
    rules_now: str
    roads: str
    houses: int
    people: int
    sites: int
    digest: str
    versions: Mapping[str, str]
    versions_now: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A plan made a second time. why: what may have made it come out otherwise, empty where it is the same."""

    same: bool
    before: str
    again: str
    why: tuple[Explained, ...]
    made: MadePlan


def origin(reference: Reference, user: User, number: int) -> Origin:
    """What a plan was made from. Raises NotFound, and Conflict for one that is not made."""
    with reference.database.read() as connection:
        row, _ = Eyes(reference, connection, user).look(number)
        told = _told(row)
        campaign = reference.known(connection).campaign(row.campaign_id)
        rules_now = rules_digest(demand.rules_told(connection, campaign))
    return Origin(
        plans.line(reference, user, number).question,
        told["moment"],
        told["rules"],
        rules_now,
        told["roads"],
        told["houses"],
        told["people"],
        told["sites"],
        told["made"],
        told["versions"],
        versions(),
    )


def repeat(reference: Reference, user: User, number: int, watched: Watched | None = None) -> Repeated:
    """Make a plan again from what it was made from, and compare; nothing is kept of it.

    Raises NotFound, Forbidden for a plan about more than the user sees, Conflict for one that is not made.
    """
    with reference.database.read() as connection:
        row, sight = Eyes(reference, connection, user).look(number)
        if sight is not Sight.WHOLE:
            raise _beyond(number)
        told = _told(row)
        campaign = reference.known(connection).campaign(row.campaign_id)
        content = kept.given(connection, number)
    assert content is not None  # kept before a plan is whole
    given = read_given(content)
    rules = demand.rules_in(given.rules, campaign)
    made = make(given, rules, watched or Watched(), reference.roads.again(given.roads, rules))
    again, summary = made_digest(made), json.loads(row.summary or "{}")
    same = again == told["made"]
    why = [] if same else list(_why(told, summary, made, row.state))
    return Repeated(same, told["made"], again, tuple(why), made)


def _why(told: Mapping[str, Any], summary: Mapping[str, Any], made: MadePlan, state: str) -> list[Explained]:
    found = []
    if state == plans.PlanState.STOPPED:
        found.append(Explained(mark("somebody stopped it before it was done")))
    if not summary.get("repeatable") or not made.quality.repeatable:
        found.append(
            Explained(mark("the time given ended the search, and how far it gets by then depends on the computer"))
        )
    if made.roads != told["roads"]:
        found.append(Explained(mark("ways were reckoned by other roads, which are not here any more")))
    for name, now in versions().items():
        before = told["versions"].get(name, "–")
        if before != now:
            words = mark("{program} was {before} and is {now}")
            found.append(Explained(words, {"program": name, "before": before, "now": now}))
    return found or [Explained(mark("nothing that is known of: tell those who look after the program"))]


def side_by_side(reference: Reference, user: User, numbers: Sequence[int]) -> Comparison:
    """Plans set beside the first of them, each by its number. Raises NotFound, Forbidden, Conflict, InvalidQuestion."""
    found = []
    for number in numbers:
        one = plans.plan(reference, user, number)
        if not one.line.whole:
            raise _beyond(number)
        with reference.database.read() as connection:
            content = kept.given(connection, number)
        if one.made is None or content is None:
            raise not_made(number)
        found.append(Compared(str(number), read_given(content), one.made))
    return compare(found)


def question_again(
    reference: Reference, user: User, number: int, today: date, keep_days: int | None = None
) -> PlanQuestion:
    """The question of a plan for the days from tomorrow on; whoever came in meanwhile drops out, since it is due.

    keep_days: sessions of teams on so many of the next days stand, with their site, team and day, and whoever was asked
    to them is asked again; None for all.
    Raises NotFound, and InvalidQuestion where the plan has no day left.
    """
    line = plans.line(reference, user, number)
    question, first = line.question, today + _ONE_DAY
    if question.last < first:
        raise InvalidQuestion(
            mark("The last day of plan {number} is over. Ask for a plan of other days."), number=number
        )
    first = max(first, question.first)
    until = question.last if keep_days is None else today + keep_days * _ONE_DAY
    keeps = tuple(
        FixedSession(one.site.code, session.day, session.team, session.people, _asked(one, session.day))
        for one in _sites(reference, user, line)
        if one.site.kind is SiteKind.MOBILE
        for session in one.sessions
        if first <= session.day <= until
    )
    off = tuple(day for day in question.off if day >= first)
    teams = tuple(one for one in question.teams if not one.days or max(one.days) >= first)
    if not question.area and line.whole:
        question = _of_the_same(reference, user, question, areas_of(line.row))
    return replace(question, first=first, off=off, teams=teams, keeps=keeps, follows=number)


def _of_the_same(reference: Reference, user: User, question: PlanQuestion, areas: Areas) -> PlanQuestion:
    """A question about all that its asker saw, for somebody who sees more: of the one area that this was."""
    if areas == user.areas or len(areas) != 1:
        return question
    set_id, code = areas[0]
    if not set_id:
        return replace(question, area=f"{HAMLET}:{code}")
    with reference.database.read() as connection:
        places = default_set(reference.known(connection), set_id)
    level = next((level for level, each in places.units if each == code), None)
    return replace(question, set_id=set_id, area=f"{level}:{code}") if level is not None else question


def _sites(reference: Reference, user: User, line: PlanLine) -> Sequence[PlanSite | KeptSite]:
    """What a user sees of the sites of a plan, none where nobody is asked to them yet."""
    if line.outlined:
        return ()
    if not line.whole:
        found = plans.plan(reference, user, line.row.id).made
        return found.sites if found is not None else ()
    with reference.database.read() as connection:
        told = kept.made(connection, line.row.id)
    if not told:
        return ()
    sites = read_sessions(told)
    sites_of(reference, told, lambda: sites)
    return sites


def _asked(site: PlanSite | KeptSite, day: date) -> tuple[str, ...]:
    """Ids of the people who are asked to a site on a day."""
    return tuple(one.id for house in site.houses for one in house.people if one.day == day)


def _told(row: PlanRow) -> dict[str, Any]:
    if row.made_with is None:
        raise not_made(row.id)
    told: dict[str, Any] = json.loads(row.made_with)
    return told


def _beyond(number: int) -> Forbidden:
    return Forbidden(mark("Plan {number} is about more than your area. Ask for a plan of your own."), number=number)


def not_made(number: int) -> Conflict:
    """What is said of a plan that did not come out yet."""
    return Conflict(mark("Plan {number} is not made yet. Wait until it is."), number=number)
