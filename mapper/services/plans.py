"""Plans that are kept: asked for, looked at by whoever may, stopped, named, carried out and taken away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from mapper.domain.made_plan import Explained, MadePlan
from mapper.domain.plan import PlanQuestion
from mapper.domain.roles import OVERSEERS
from mapper.errors import Conflict, Forbidden, MapperError, TooLarge, mark
from mapper.formats.plan_file import read_made, read_question, write_question
from mapper.services import audit, demand
from mapper.services.accounts import User
from mapper.services.plan_access import (
    Areas,
    Eyes,
    Sight,
    areas_asked,
    areas_of,
    overlap,
    told_areas,
    within,
    without_positions,
)
from mapper.services.plan_question import checked, in_full, name_of
from mapper.services.reference import Reference
from mapper.store import plans as kept
from mapper.store.database import Connection
from mapper.store.plans import Part, PlanRow

MOST_WAITING = 5
"""Plans of one user that wait or are being made."""

SILENT_S = 90
"""After so long a plan of which nobody says that it is being made is not: its process has died."""


LEFT_S = 30
"""After so long any process makes a plan that waits, whichever was asked for it."""


class PlanState(StrEnum):
    """How a plan stands. STOPPED: by a reader, with the best found so far; FAILED: with the reason."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


UNDER_WAY = (PlanState.WAITING, PlanState.RUNNING)
ENDED = (PlanState.DONE, PlanState.STOPPED)


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan in a list. summary: figures by name; empty while there are none. trouble: why it failed, to be translated.

    whole: whether its reader sees all of its houses and people.
    """

    row: PlanRow
    state: PlanState
    question: PlanQuestion
    summary: Mapping[str, float | int | str | bool]
    trouble: Explained | None = None
    whole: bool = True

    @property
    def outlined(self) -> bool:
        """Whether there is a plan by numbers so far, in which it is not written yet who is asked to come when."""
        return bool(self.summary.get("outline"))

    @property
    def sites_used(self) -> int | None:
        """How many sites it has; None while nothing came out."""
        return int(self.summary["sites"]) if "sites" in self.summary else None

    @property
    def seen(self) -> str:
        """What there is to be looked at: "" for nothing yet, "outline", or "plan".

        An outline is shown to those who see the whole of it, since nobody is left out of its numbers, and as long as
        the plan is being made.
        """
        if self.outlined:
            return "outline" if self.whole and self.state in UNDER_WAY else ""
        return "plan" if self.summary else ""


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan with what came out as far as its reader may see; None where nothing did yet.

    Of a plan that is not the reader's to see whole (``line.whole``), houses outside of their area are left out, and
    sites, sessions and the days of teams are told as they are.
    """

    line: PlanLine
    made: MadePlan | None


def ask(reference: Reference, user: User, question: PlanQuestion, given_of: int | None = None) -> int:
    """Keep a question, to be answered by ``plan_work``; the plan's number.

    given_of: the plan from whose census it is to be made, to see what another question makes of the same people; its
    campaign, area and days hold. Raises InvalidQuestion, TooLarge.
    """
    question = checked(question)
    with reference.database.write() as connection:
        eyes = Eyes(reference, connection, user)
        areas = None
        if given_of is not None:
            question, areas = _like(eyes, question, given_of)
        if question.follows is not None:
            eyes.look(question.follows)
        campaign = reference.known(connection).campaign(question.campaign_id)
        rules = demand.rules_of(connection, campaign)
        question = replace(question, scenario=in_full(question.scenario, rules))
        if areas is None:
            areas = areas_asked(reference, connection, user, question)
        if _under_way(connection, user) >= MOST_WAITING:
            raise TooLarge(
                mark("{number} of your plans wait or are being made. Wait until one is done, or stop one."),
                number=MOST_WAITING,
            )
        number = kept.add(
            connection,
            question.campaign_id,
            question.name,
            write_question(question),
            PlanState.WAITING,
            told_areas(areas),
            question.follows,
            given_of,
            _id(user),
            now(),
        )
        _record(reference, connection, user, "plan.asked", number, {"campaign": question.campaign_id})
    return number


def ask_again(reference: Reference, user: User, number: int) -> None:
    """Have a plan made anew that failed, was stopped or interrupted, from today's census. Raises Conflict, NotFound."""
    with reference.database.write() as connection:
        eyes = Eyes(reference, connection, user)
        row, _ = eyes.look(number)
        _check_own(eyes, row)
        if row.in_use or _state(row) in (*UNDER_WAY, PlanState.DONE):
            raise Conflict(mark("Plan {number} stands or is being made. Ask for a new one instead."), number=number)
        kept.forget(connection, number, Part.MADE)
        fresh = {"worker": None, "to_stop": False, "trouble": None, "summary": None, "share": 0.0, "told_at": now()}
        kept.change(connection, number, {"state": PlanState.WAITING, **fresh})
        _record(reference, connection, user, "plan.asked", number, {"campaign": row.campaign_id})


def summary(made: MadePlan) -> dict[str, float | int | str | bool]:
    """What lists tell of a plan. people: due; served: of them; way_m: of all teams."""
    return {
        "people": made.people,
        "served": made.served,
        "sites": len(made.sites),
        "team_days": len(made.days),
        "way_m": round(made.way_m),
        "vials": sum(one.ready for one in made.needs),
        "gap": made.quality.gap,
        "repeatable": made.quality.repeatable,
        "complete": made.complete,
        **({"outline": True} if made.outline else {}),
    }


def lines(reference: Reference, user: User, campaign_id: str | None = None, limit: int = 100) -> list[PlanLine]:
    """The newest plans that a user may see, the newest first."""
    found: list[PlanLine] = []
    with reference.database.read() as connection:
        eyes = Eyes(reference, connection, user)
        for row in kept.newest(connection, campaign_id):
            if len(found) == limit:
                break
            sight = eyes.sight(row)
            if sight is not None:
                found.append(_line(row, sight))
    return found


def line(reference: Reference, user: User, number: int) -> PlanLine:
    """A plan as lists tell it, without what came out. Raises NotFound."""
    with reference.database.read() as connection:
        return _line(*Eyes(reference, connection, user).look(number))


def left_waiting(reference: Reference, limit: int = MOST_WAITING) -> list[PlanLine]:
    """Plans that wait longer than the process takes that was asked for them: it may have died."""
    with reference.database.read() as connection:
        rows = kept.told_before(connection, PlanState.WAITING, _ago(LEFT_S), limit)
    return [_line(row, Sight.WHOLE) for row in rows]


def plan(reference: Reference, user: User, number: int, *, outlined: bool = False) -> KeptPlan:
    """A plan. Raises NotFound where there is none of that number for the user.

    outlined: whether an outline is of use too, in which nobody is asked to come yet; see ``PlanLine.seen``.
    """
    with reference.database.read() as connection:
        row, sight = Eyes(reference, connection, user).look(number)
        told = kept.made(connection, number)
        line = _line(row, sight)
        shown = not line.outlined or (outlined and line.seen == "outline")
        made = read_made(told) if told and shown else None
        if made is not None and sight is Sight.PART:
            made = within(reference, connection, user, row.campaign_id, made)
    return KeptPlan(line, made)


def plan_with_people(reference: Reference, user: User, number: int) -> KeptPlan:
    """A plan for whoever is shown its houses and people, which is entered in the trail first. Raises NotFound.

    Where houses stand is told to those alone who oversee an area.
    """
    found = plan(reference, user, number)
    if found.made is not None and user.role not in OVERSEERS:
        found = replace(found, made=without_positions(found.made))
    audit.record_seen(
        reference, _id(user), user.name, "plan.seen", str(number), {"campaign": found.line.row.campaign_id}
    )
    return found


def stop(reference: Reference, user: User, number: int) -> None:
    """Stop a plan; where it is being made, whichever process does so keeps the best so far. Raises NotFound, Forbidden.

    Does nothing to one that has ended.
    """
    with reference.database.write() as connection:
        eyes = Eyes(reference, connection, user)
        row, _ = eyes.look(number)
        _check_own(eyes, row)
        if row.state not in UNDER_WAY:
            return
        ended = {"state": PlanState.STOPPED, "told_at": now()}
        if not kept.change(connection, number, ended, state=PlanState.WAITING):
            kept.change(connection, number, {"to_stop": True})
        _record(reference, connection, user, "plan.stopped", number)


def rename(reference: Reference, user: User, number: int, name: str) -> None:
    """Give a plan another name. Raises NotFound, Forbidden, InvalidInput."""
    name = name_of(name)
    with reference.database.write() as connection:
        eyes = Eyes(reference, connection, user)
        row, _ = eyes.look(number)
        _check_own(eyes, row)
        question = replace(read_question(row.question), name=name)
        kept.change(connection, number, {"name": name, "question": write_question(question)})
        if name != row.name:
            facts = {"campaign": row.campaign_id, "before": row.name, "name": name}
            _record(reference, connection, user, "plan.renamed", number, facts)


def remove(reference: Reference, user: User, number: int) -> None:
    """Take a plan away; whoever makes it ends when it hears of that. Raises NotFound, Forbidden, Conflict."""
    with reference.database.write() as connection:
        eyes = Eyes(reference, connection, user)
        row, _ = eyes.look(number)
        _check_own(eyes, row)
        if row.in_use:
            raise Conflict(mark("Plan {number} is in use. Put another in its place first."), number=number)
        kept.remove(connection, number)
        _record(reference, connection, user, "plan.removed", number, {"campaign": row.campaign_id})


def use(reference: Reference, user: User, number: int) -> None:
    """Have a plan carried out, in place of those of its campaign whose areas meet its own.

    Raises NotFound, Forbidden, and Conflict for a plan that did not come out, or where another in use is not the user's
    to put aside.
    """
    with reference.database.write() as connection:
        eyes = Eyes(reference, connection, user)
        row, _ = eyes.look(number)
        eyes.check_decides(row)
        told = json.loads(row.summary) if row.summary else {}
        if row.state not in ENDED or not told.get("complete"):
            raise Conflict(mark("Plan {number} is not ready to be carried out. Wait until it is done."), number=number)
        for other in kept.used(connection, row.campaign_id):
            if other.id != number and overlap(reference, connection, areas_of(other), areas_of(row)):
                if not eyes.holds(other):
                    raise Conflict(
                        mark("Plan {number} is in use for a wider area. Ask its supervisors to put it aside first."),
                        number=other.id,
                    )
                kept.change(connection, other.id, {"in_use": False})
                _record(reference, connection, user, "plan.put_aside", other.id, {"campaign": row.campaign_id})
        kept.change(connection, number, {"in_use": True, "told_at": now()})
        _record(reference, connection, user, "plan.chosen", number, {"campaign": row.campaign_id})


def unuse(reference: Reference, user: User, number: int) -> None:
    """Have a plan carried out no longer. Raises NotFound, Forbidden."""
    with reference.database.write() as connection:
        eyes = Eyes(reference, connection, user)
        row, _ = eyes.look(number)
        eyes.check_decides(row)
        if row.in_use:
            kept.change(connection, number, {"in_use": False})
            _record(reference, connection, user, "plan.put_aside", number, {"campaign": row.campaign_id})


def now() -> str:
    """This moment as plans keep it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def told_trouble(error: MapperError) -> str:
    """Why a plan failed, as it is kept."""
    facts = {name: fact if isinstance(fact, int | float) else str(fact) for name, fact in error.facts.items()}
    return json.dumps({"words": error.message, "facts": facts}, ensure_ascii=False)


def _under_way(connection: Connection, user: User) -> int:
    """How many plans of a user wait or are being made; one whose process died is not."""
    waiting = kept.number_of(connection, _id(user), PlanState.WAITING)
    return waiting + kept.number_of(connection, _id(user), PlanState.RUNNING, _ago(SILENT_S))


def _like(eyes: Eyes, question: PlanQuestion, number: int) -> tuple[PlanQuestion, Areas]:
    """A question of the campaign, area and days of a plan that was made; and what that plan is about."""
    row, sight = eyes.look(number)
    if sight is not Sight.WHOLE:
        raise Forbidden(mark("Plan {number} is about more than your area. Ask for a plan of your own."), number=number)
    if row.made_with is None:
        raise Conflict(mark("Plan {number} is not made yet. Wait until it is."), number=number)
    one = read_question(row.question)
    same = {name: getattr(one, name) for name in ("campaign_id", "set_id", "area", "first", "last", "off")}
    return replace(question, **same), areas_of(row)


def _check_own(eyes: Eyes, row: PlanRow) -> None:
    """Raises Forbidden unless the user asked for the plan, or decides over its area."""
    if row.user_id != _id(eyes.user) and not eyes.decides(row):
        raise Forbidden(
            mark("A plan is changed by whoever asked for it, or the supervisors of its whole area. Ask one of them.")
        )


def _id(user: User) -> int | None:
    return user.id if user.id > 0 else None


def _record(
    reference: Reference,
    connection: Connection,
    user: User,
    action: str,
    number: int,
    facts: Mapping[str, object] | None = None,
) -> None:
    audit.record(reference, connection, _id(user), user.name, action, str(number), facts)


def _ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def _state(row: PlanRow) -> PlanState:
    """How a plan stands; one that nobody has told of for long is not being made any more."""
    state = PlanState(row.state)
    silent = datetime.now(UTC) - datetime.fromisoformat(row.told_at) > timedelta(seconds=SILENT_S)
    return PlanState.FAILED if state is PlanState.RUNNING and silent else state


def _line(row: PlanRow, sight: Sight) -> PlanLine:
    state = _state(row)
    trouble = None
    if state != row.state:
        trouble = Explained(mark("The server stopped while it made this plan. Ask for it again."))
    elif row.trouble:
        trouble = Explained(**json.loads(row.trouble))
    figures = json.loads(row.summary) if row.summary else {}
    return PlanLine(row, state, read_question(row.question), figures, trouble, sight is Sight.WHOLE)
