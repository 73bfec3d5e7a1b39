"""A plan that was asked for -> a plan that was made, in the background, heard from and stopped by every process."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version

import mapper
from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import PlanGiven, PlanQuestion
from mapper.errors import Forbidden, MapperError, NotFound, Unavailable, mark, trace
from mapper.formats.plan_file import made_digest, read_given, read_question, write_given, write_made
from mapper.services import demand
from mapper.services.accounts import OPERATOR, User, user_in
from mapper.services.background import Background, Progress
from mapper.services.outline import outline
from mapper.services.plan_access import areas_asked, told_areas
from mapper.services.plan_given import Gathered, gather
from mapper.services.plan_levels import carried_into, written
from mapper.services.planning import Watched, make
from mapper.services.plans import PlanLine, PlanState, now, summary, told_trouble
from mapper.services.reference import Reference
from mapper.store import plans as kept
from mapper.store.database import Connection
from mapper.store.plans import Part, PlanRow

log = logging.getLogger(__name__)

LOOKS_S = 0.5
"""How often a process that makes a plan looks whether it is still wanted."""

TELLS_S = 5.0
"""How often it says that it is still at it."""

TRIES = 20
"""How often a plan is tried to be kept where somebody else writes for long; each waits half a minute."""

MADE_BY = ("highspy", "numpy", "pyvrp", "scipy")
"""Libraries whose versions a plan may depend on."""

GATHERED = 0.02
"""Share of the work that is done once the people are gathered."""


def see_to(work: Background[int], reference: Reference, line: PlanLine) -> None:
    """Have this process make a plan that waits, when its turn comes; another process that is free may be faster."""
    if line.state is PlanState.WAITING:
        number = line.row.id
        work.ask(number, line.row.told_at, lambda progress: work_out(reference, number, progress), again=True)


def work_out(reference: Reference, number: int, progress: Progress = lambda share: None) -> int:
    """Make a plan that waits and keep it, whatever came of it; its number. Does nothing for one that does not wait."""
    worker = secrets.token_hex(8)
    claimed = {"state": PlanState.RUNNING, "worker": worker, "told_at": now(), "trouble": None, "share": 0.0}
    with reference.database.write() as connection:
        if not kept.change(connection, number, claimed, state=PlanState.WAITING):
            return number
        kept.forget(connection, number, Part.MADE)
        row = kept.one(connection, number)
    assert row is not None
    running = _Running(reference, number, worker, progress)
    try:
        with running, _uncollected():
            _make(reference, row, running)
    except MapperError as error:
        running.keep(state=PlanState.FAILED, trouble=told_trouble(error))
    except Exception as fault:
        log.error("plan %s failed: %s", number, trace(fault))
        broken = MapperError(mark("The plan failed for a reason that nobody foresaw; the server's log tells more."))
        running.keep(state=PlanState.FAILED, trouble=told_trouble(broken))
    return number


def _make(reference: Reference, row: PlanRow, running: _Running) -> None:
    question = read_question(row.question)
    gathered = _gathered(reference, row, question, running)
    running.keep(share=GATHERED)
    with reference.database.read() as connection:
        campaign = reference.known(connection).campaign(row.campaign_id)
    rules = demand.rules_in(gathered.bare.rules, campaign)
    ways = reference.roads.again(gathered.bare.roads, rules)
    shown = outline(gathered.bare, gathered.crowd, rules, ways, running.unwanted)
    if shown is not None:
        running.first(shown)
    given, content = gathered.given(), b""

    def first(plan: MadePlan) -> None:
        """What can be used is kept before that from which it was made, for which nobody waits."""
        nonlocal content
        running.first(plan)
        gc.enable()
        content = content or _keep_given(running, given)

    watched = Watched(running.hear, first, running.unwanted)
    made = make(given, rules, watched, ways)
    content = content or _keep_given(running, given)
    running.keep(
        Part.MADE,
        write_made(made),
        summary=json.dumps(summary(made)),
        state=PlanState.STOPPED if running.unwanted() else PlanState.DONE,
        share=1.0,
        made_with=json.dumps(_made_with(given, content, made)),
    )


def _keep_given(running: _Running, given: PlanGiven) -> bytes:
    content = write_given(given)
    running.keep(Part.GIVEN, content)
    return content


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for garbage in circles: of the many objects of a first plan there is none, and looking is slow.

    Whoever makes something that takes longer has it looked for again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _gathered(reference: Reference, row: PlanRow, question: PlanQuestion, running: _Running) -> Gathered:
    if row.given_of is None:
        with reference.database.read() as connection:
            user = asker(connection, row)
            areas = told_areas(areas_asked(reference, connection, user, question, before=True))
        if areas != row.areas:  # the asker's own area is another since: whoever sees that one sees the plan
            running.keep(areas=areas)
        return gather(reference, user, question)
    with reference.database.read() as connection:
        told = kept.given(connection, row.given_of)
    if told is None:
        raise NotFound(mark("Plan {number}, from whose census this one is made, is gone."), number=row.given_of)
    return Gathered.of(replace(read_given(told), question=question))


def asker(connection: Connection, row: PlanRow) -> User:
    """Who asked for a plan, with what they may see now. Raises Forbidden."""
    user = OPERATOR if row.user_id is None else user_in(connection, row.user_id)
    if user is None or not user.reads_figures:
        raise Forbidden(mark("Whoever asked for this plan may not see figures any more. Ask for it yourself."))
    return user


def rules_digest(toml: str) -> str:
    """SHA-256 of a planning.toml, "" for none."""
    return hashlib.sha256(toml.encode()).hexdigest() if toml else ""


def versions() -> dict[str, str]:
    """Of this program and of all that a plan may depend on."""
    return {"tung-nha": mapper.__version__, "python": platform.python_version()} | {
        name: version(name) for name in MADE_BY
    }


def _made_with(given: PlanGiven, content: bytes, made: MadePlan) -> dict[str, object]:
    return {
        "moment": given.moment,
        "rules": rules_digest(given.rules),
        "roads": made.roads,
        "houses": len(given.houses),
        "people": sum(len(one.people) for one in given.houses),
        "sites": len(given.sites),
        "given": hashlib.sha256(content).hexdigest(),
        "made": made_digest(made),
        "versions": versions(),
        "carried": written(carried_into(given, made)),
    }


class _Running:
    """A plan while it is made: says now and then that it still is, and hears whether it is still wanted.

    It does so in a thread of its own, since a solver may not come up for minutes.
    """

    def __init__(self, reference: Reference, number: int, worker: str, progress: Progress) -> None:
        self._reference, self._number, self._worker, self._progress = reference, number, worker, progress
        self._share = 0.0
        self._stop = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._pulse, name=f"plan {number}", daemon=True)

    def __enter__(self) -> _Running:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def hear(self, share: float) -> None:
        """How far the work is."""
        self._share = max(self._share, GATHERED, share)
        self._progress(self._share)

    def unwanted(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop.is_set()

    def first(self, plan: MadePlan) -> None:
        """Keep a plan that can be used already; where somebody else writes for long, the work does not wait for it."""
        plan = replace(plan, complete=False)
        try:
            self.keep(Part.MADE, write_made(plan), tries=1, summary=json.dumps(summary(plan)))
        except Unavailable as fault:
            log.info("the first of plan %s was not kept: %s", self._number, trace(fault))

    def keep(self, part: Part | None = None, content: bytes = b"", tries: int = TRIES, **told: object) -> None:
        """Write something of the plan, unless it was taken away or somebody else makes it now."""

        def write(connection: Connection) -> None:
            mine = kept.change(connection, self._number, {**told, "told_at": now()}, worker=self._worker)
            if mine and part is not None:
                kept.keep(connection, self._number, part, content)

        _patiently(self._reference, write, tries)

    def _pulse(self) -> None:
        told_at = time.monotonic()
        while not self._over.wait(LOOKS_S):
            try:
                with self._reference.database.read() as connection:
                    if not kept.is_wanted(connection, self._number, self._worker):
                        self._stop.set()
                if time.monotonic() - told_at >= TELLS_S:
                    told_at = time.monotonic()
                    said = {"share": self._share, "told_at": now()}
                    with self._reference.database.write() as connection:
                        kept.change(connection, self._number, said, state=PlanState.RUNNING, worker=self._worker)
            except Unavailable as fault:  # heard, and told, the next time
                log.info("plan %s was not told of: %s", self._number, trace(fault))


def _patiently(reference: Reference, write: Callable[[Connection], None], tries: int) -> None:
    """Write; where somebody else does for longer than a writer waits, again and again: the work is not to be lost."""
    for left in reversed(range(tries)):
        try:
            with reference.database.write() as connection:
                write(connection)
            return
        except Unavailable:
            if not left:
                raise
