"""Plans <-> bytes: JSON, compressed; what was kept by an older release is read as far as it has the same shape."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import PlanGiven, PlanQuestion
from mapper.domain.sites import Site
from mapper.errors import InvalidQuestion, mark

_FIELDS = tuple(PlanQuestion.__dataclass_fields__)
_QUICK = 3
"""Compression that takes a third of the time of the usual one, for a tenth more bytes."""
_QUICKEST = 1


@cache
def _questions() -> TypeAdapter[PlanQuestion]:
    return TypeAdapter(PlanQuestion)


@cache
def _given() -> TypeAdapter[PlanGiven]:
    return TypeAdapter(PlanGiven)


@cache
def _made() -> TypeAdapter[MadePlan]:
    return TypeAdapter(MadePlan)


@dataclass(frozen=True, slots=True)
class KeptSession:
    """Of a session of a plan that was kept when and by whom it is held, and for how many people."""

    day: date
    team: str
    people: int


@dataclass(frozen=True, slots=True)
class KeptPerson:
    """Of somebody in a plan that was kept when they are asked to come."""

    id: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class KeptHouse:
    """Of a house in a plan that was kept its people."""

    people: list[KeptPerson]


@dataclass(frozen=True, slots=True)
class KeptSite:
    """Of a site of a plan that was kept its sessions, and who is asked to them."""

    site: Site
    sessions: list[KeptSession]
    houses: list[KeptHouse]


@dataclass(frozen=True, slots=True)
class _Sessions:
    sites: list[KeptSite]


@cache
def _sessions() -> TypeAdapter[_Sessions]:
    return TypeAdapter(_Sessions)


def prepare() -> None:
    """Build what reads and writes plans, which takes a tenth of a second, before anybody waits for it."""
    _questions(), _given(), _made(), _sessions()


def write_question(question: PlanQuestion) -> str:
    """A question as JSON."""
    return _questions().dump_json(question).decode()


def read_question(told: str) -> PlanQuestion:
    """The question of such JSON. Raises ValueError."""
    return _questions().validate_json(told)


def asked_question(told: bytes, usual: Mapping[str, Any] | None = None) -> PlanQuestion:
    """The question that a program or an operator wrote as JSON. Raises InvalidQuestion naming the field.

    usual: fields that hold where none is told, as of the question that this one is like. A scenario may be its code
    alone; levels and closed units of the usual one hold in it.
    """
    try:
        value = orjson.loads(told or b"{}")
    except orjson.JSONDecodeError as fault:
        raise InvalidQuestion(
            mark("What was sent is no JSON: line {line}, character {column}. Correct it and send it again."),
            line=fault.lineno,
            column=fault.colno,
        ) from None
    if not isinstance(value, dict):
        raise InvalidQuestion(
            mark("A plan is asked for by a JSON object, like {example}."), example='{"campaign_id": …}'
        )
    for name in value:
        if name not in _FIELDS:
            raise InvalidQuestion(
                mark("A plan knows no field {field}. It knows: {fields}."), field=name[:60], fields=", ".join(_FIELDS)
            )
    if isinstance(code := value.get("scenario"), str):
        now = (usual or {}).get("scenario", {})
        value["scenario"] = {"code": code} | {name: now[name] for name in ("levels", "closed") if code and name in now}
    try:
        return _questions().validate_python({**(usual or {}), **value})
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(one) for one in first["loc"])
        raise InvalidQuestion(
            mark("The field {field} of the plan does not fit: {why}."), field=at or "–", why=first["msg"]
        ) from None


def question_fields(question: PlanQuestion) -> dict[str, Any]:
    """A question as plain values, as JSON has them."""
    found: dict[str, Any] = _questions().dump_python(question, mode="json")
    return found


def write_given(given: PlanGiven) -> bytes:
    """What a plan is made from."""
    return zlib.compress(_given().dump_json(given), _QUICK)


def read_given(told: bytes) -> PlanGiven:
    """What a plan was made from. Raises ValueError."""
    return _given().validate_json(zlib.decompress(told))


def write_made(plan: MadePlan) -> bytes:
    """A plan. One that is still being bettered is written the sooner way: it stands for seconds."""
    return zlib.compress(_made().dump_json(plan), _QUICK if plan.complete else _QUICKEST)


def made_json(plan: MadePlan) -> bytes:
    """A plan as JSON for programs; houses and people by their ids."""
    return _made().dump_json(plan)


def made_digest(plan: MadePlan) -> str:
    """SHA-256 of a plan, the same for the same plan however long it took to make."""
    still = replace(plan, quality=replace(plan.quality, seconds=0.0, routes_seconds=0.0))
    told = orjson.loads(_made().dump_json(still))
    if not plan.outline:  # of one that names people the parts say nothing
        told = {name: value for name, value in told.items() if name not in ("outline", "unserved_parts")}
        told["sites"] = [{name: one[name] for name in one if name != "parts"} for one in told["sites"]]
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_sessions(told: bytes) -> list[KeptSite]:
    """The sessions of a plan that was kept, and who is asked to them: a third of the time of all of it."""
    return _sessions().validate_json(zlib.decompress(told)).sites


def read_made(told: bytes) -> MadePlan:
    """A plan that was kept. Raises ValueError."""
    return _made().validate_json(zlib.decompress(told))
