"""Plans <-> bytes: JSON, compressed; what was kept by an older release is read as far as it has the same shape."""

from __future__ import annotations

import zlib
from functools import cache

from pydantic import TypeAdapter

from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import PlanGiven, PlanQuestion


@cache
def _questions() -> TypeAdapter[PlanQuestion]:
    return TypeAdapter(PlanQuestion)


@cache
def _given() -> TypeAdapter[PlanGiven]:
    return TypeAdapter(PlanGiven)


@cache
def _made() -> TypeAdapter[MadePlan]:
    return TypeAdapter(MadePlan)


def write_question(question: PlanQuestion) -> str:
    """A question as JSON."""
    return _questions().dump_json(question).decode()


def read_question(told: str) -> PlanQuestion:
    """The question of such JSON. Raises ValueError."""
    return _questions().validate_json(told)


def write_given(given: PlanGiven) -> bytes:
    """What a plan is made from."""
    return zlib.compress(_given().dump_json(given))


def read_given(told: bytes) -> PlanGiven:
    """What a plan was made from. Raises ValueError."""
    return _given().validate_json(zlib.decompress(told))


def write_made(plan: MadePlan) -> bytes:
    """A plan."""
    return zlib.compress(_made().dump_json(plan))


def made_json(plan: MadePlan) -> bytes:
    """A plan as JSON for programs; houses and people by their ids."""
    return _made().dump_json(plan)


def read_made(told: bytes) -> MadePlan:
    """A plan that was kept. Raises ValueError."""
    return _made().validate_json(zlib.decompress(told))
