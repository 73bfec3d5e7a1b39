"""The invented plan that a server makes once before anybody asks for one."""

from __future__ import annotations

import time
from itertools import count
from types import SimpleNamespace

import pytest

from mapper.domain.made_plan import MadePlan
from mapper.domain.planning import PlanningRules
from mapper.formats.plan_file import made_digest
from mapper.services import rehearsal
from mapper.services.planning import Watched, make
from mapper.services.rehearsal import rehearse
from mapper.solve import watch as clock


def test_it_gives_work_to_stations_and_teams_and_leaves_people_over() -> None:
    plan = rehearse(PlanningRules())
    assert not plan.complete
    assert any(session.team for site in plan.sites for session in site.sessions)
    assert any(not session.team for site in plan.sites for session in site.sessions)
    assert plan.days
    assert plan.unserved


@pytest.mark.parametrize("doses", [None, 40])
def test_a_first_plan_is_the_same_however_slow_the_clock_says_it_was(
    monkeypatch: pytest.MonkeyPatch, doses: int | None
) -> None:
    given = rehearsal.invented(doses)

    def first() -> MadePlan:
        told: list[MadePlan] = []
        make(given, PlanningRules(), Watched(first=told.append, unwanted=lambda: bool(told)))
        return told[0]

    at_once = first()
    minutes = count(0.0, 60.0)
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + next(minutes)))
    slow = first()
    assert slow.quality.routes_seconds > 60 > at_once.quality.routes_seconds
    assert made_digest(slow) == made_digest(at_once)
