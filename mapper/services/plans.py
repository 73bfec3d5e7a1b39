"""Plans that are kept: asked for, made in the background, looked at by whoever may, and carried out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import PlanQuestion
from mapper.errors import NotFound, mark
from mapper.formats.plan_file import read_made, read_question, write_given, write_made, write_question
from mapper.services import demand
from mapper.services.accounts import User
from mapper.services.background import Progress
from mapper.services.plan_given import gather
from mapper.services.planning import Watched, make
from mapper.services.reference import Reference
from mapper.store import plans as kept
from mapper.store.plans import PlanRow


class PlanState(StrEnum):
    """How a plan stands. STOPPED: by a reader, with the best found so far; FAILED: with the reason."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan in a list. summary: figures by name; empty while there are none."""

    row: PlanRow
    state: PlanState
    question: PlanQuestion
    summary: Mapping[str, float | int | str | bool]


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan with what came out as far as its reader may see; None where nothing did yet."""

    line: PlanLine
    made: MadePlan | None


def ask(reference: Reference, user: User, question: PlanQuestion) -> int:
    """Keep a question, to be answered by ``work_out``; the plan's number."""
    with reference.database.write() as connection:
        reference.known(connection).campaign(question.campaign_id)
        return kept.add(
            connection,
            question.campaign_id,
            question.name,
            write_question(question),
            PlanState.WAITING,
            question.follows,
            user.id if user.id > 0 else None,
            _now(),
        )


def work_out(reference: Reference, user: User, number: int, progress: Progress = lambda share: None) -> None:
    """Make a plan that was asked for and keep it."""
    with reference.database.read() as connection:
        row = kept.one(connection, number)
        assert row is not None
        campaign = reference.known(connection).campaign(row.campaign_id)
    given = gather(reference, user, read_question(row.question))
    _change(reference, number, given=write_given(given), state=PlanState.RUNNING, told_at=_now())
    made = make(given, demand.rules_in(given.rules, campaign), Watched(progress))
    _change(
        reference,
        number,
        made=write_made(made),
        summary=json.dumps(summary(made)),
        state=PlanState.DONE,
        share=1.0,
        told_at=_now(),
    )


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
    }


def lines(reference: Reference, user: User, campaign_id: str | None = None, limit: int = 100) -> list[PlanLine]:
    """The newest plans that a user may see, the newest first."""
    with reference.database.read() as connection:
        return [_line(row) for row in kept.newest(connection, campaign_id, limit)]


def plan(reference: Reference, user: User, number: int) -> KeptPlan:
    """A plan. Raises NotFound where there is none of that number for the user."""
    with reference.database.read() as connection:
        row = kept.one(connection, number)
        if row is None:
            raise NotFound(mark("There is no plan {number}. Choose one from the list."), number=number)
        made = kept.made(connection, number)
    return KeptPlan(_line(row), read_made(made) if made else None)


def _line(row: PlanRow) -> PlanLine:
    return PlanLine(
        row, PlanState(row.state), read_question(row.question), json.loads(row.summary) if row.summary else {}
    )


def _change(reference: Reference, number: int, **told: object) -> None:
    with reference.database.write() as connection:
        kept.change(connection, number, **told)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
