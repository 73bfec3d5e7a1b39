"""What pages say of plans, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from babel.dates import format_date

from mapper.domain.made_plan import WHY, Explained, MadePlan
from mapper.domain.plan import Aim, PlanQuestion
from mapper.errors import mark
from mapper.language import written_facts
from mapper.services.plan_comparison import Difference, Figures
from mapper.services.plans import PlanState
from mapper.services.site_number import sites_told
from mapper.web.language_choice import chosen_language, say
from mapper.web.pages import count

STATES: Mapping[PlanState, str] = {
    PlanState.WAITING: mark("waiting to be worked out"),
    PlanState.RUNNING: mark("being worked out"),
    PlanState.DONE: mark("ready"),
    PlanState.STOPPED: mark("stopped, with the best found"),
    PlanState.FAILED: mark("could not be made"),
}

AT_WORK = frozenset({PlanState.WAITING, PlanState.RUNNING})

LEAST_GAP = 0.00005
"""Below this share, half of the last digit shown, a plan is as good as the best."""


def title(name: str, number: int) -> str:
    """What a plan is called."""
    return name or say("Plan {number}", number=number)


def aim_words(question: PlanQuestion) -> str:
    """What a plan is to be best at."""
    if question.aim is Aim.FEWEST_SITES:
        return say("As few sites as possible")
    if question.sites is None:
        open_ = {
            Aim.MOST_PEOPLE: mark("Most people with as many sites as the teams' days hold"),
            Aim.LEAST_TRAVEL: mark("Shortest ways with as many sites as the teams' days hold, within their capacity"),
        }
        return say(open_[question.aim])
    words = {
        Aim.MOST_PEOPLE: mark("Most people with {sites} sites"),
        Aim.LEAST_TRAVEL: mark("Shortest ways with {sites} sites, within their capacity"),
    }
    return say(words[question.aim], sites=count(question.sites))


def headline(made: MadePlan) -> str:
    """What a plan does, in one sentence."""
    if not made.people:
        return say("Nobody is due on the days of this plan, so there is nothing to be planned.")
    return say(
        "{served} of {people} people due have a place: at {sites} sites, and {homes} at home.",
        served=count(made.served),
        people=count(made.people),
        sites=count(sum(one.people > 0 for one in made.sites)),
        homes=count(sum(len(one.people) for one in made.homes)),
    )


def rest(made: MadePlan) -> str:
    """Where everybody else is, and why; "" where all have a place."""
    why = made.by_why()
    if not why:
        return ""
    told = ", ".join(f"{count(number)} {say(WHY[one])}" for one, number in why.items())
    return say("{number} people have none: {told}.", number=count(made.people - made.served), told=told)


def sites_used(question: PlanQuestion, made: MadePlan) -> str:
    """How many sites are used and why, where nobody said how many; "" where somebody did."""
    told = sites_told(question, made)
    return explained(told) if told is not None else ""


def how_good(question: PlanQuestion, made: MadePlan) -> str:
    """How near to the best the choice of sites is known to be."""
    gap = made.quality.gap
    if gap < LEAST_GAP:
        return say("No choice of sites is better for this aim: that is proven.")
    if gap >= 1:
        return say("How much better the best choice of sites may be is not known: the time was too short to tell.")
    return say("No choice of sites is better for this aim by more than {gap}.", gap=percent(gap))


def gap_words(gap: float) -> str:
    """By how much the best choice of sites may be better, for a table."""
    if gap < LEAST_GAP:
        return say("none is better")
    return say("not known") if gap >= 1 else percent(gap)


def explained(one: Explained) -> str:
    """A limit that binds, or what would free it."""
    told = written_facts(one.facts, chosen_language())
    facts = {name: count(value) if isinstance(value, (int, float)) else value for name, value in told.items()}
    return say(one.words, **facts)


def difference(first: Figures, other: Figures, change: Difference) -> str:
    """What another plan does that the first does not, in a sentence."""
    vials = sum(other.vials.values()) - sum(first.vials.values())
    if not any((change.gained, change.lost, change.moved, change.other_day, change.vials, change.way_m)):
        return say("The two plans are the same: everybody has the same site and day in both.")
    return say(
        "The second plan has a place for {people} people, {days} team days and {vials} vials.",
        people=_more(change.served),
        days=_more(change.team_days),
        vials=_more(vials),
    )


def _more(number: int) -> str:
    if not number:
        return say("as many")
    words = _MORE if number > 0 else _FEWER
    return say(words, number=count(abs(number)))


_MORE, _FEWER = mark("{number} more"), mark("{number} fewer")


def share(part: int, whole: int) -> str:
    """A share as per cent, whole; "–" of nothing."""
    if not whole:
        return "–"
    shown = count(100 * part // whole)
    return f"{shown}\u202f%" if chosen_language() == "vi" else f"{shown}%"


def percent(share: float) -> str:
    """A share as per cent, never rounded down to nothing."""
    shown = max(round(100 * share, 2 if share < 0.01 else 1), 0.01)
    return f"{count(shown)}\u202f%" if chosen_language() == "vi" else f"{count(shown)}%"


def ways(made: MadePlan) -> list[str]:
    """What a plan's ways are reckoned by, and whose map that is."""
    from mapper.services.roads import CREDIT, follow_roads, in_words

    told = [say(words, **facts) for words, facts in in_words(made.roads)]
    return [*told, CREDIT] if follow_roads(made.roads) else told


def short_day(day: date) -> str:
    """A day of the week with its date, as a calendar heads its columns."""
    written = format_date(day, "EEE d/M" if chosen_language() == "vi" else "EEE d MMM", locale=chosen_language())
    return str(written)


def km(metres: float) -> str:
    """A distance in kilometres, in metres below one."""
    if metres < 1000:
        return f"{count(round(metres / 10) * 10)} m"
    return f"{count(round(metres / 1000, 1 if metres < 100_000 else 0))} km"
