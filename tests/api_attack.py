"""Questions that schemathesis makes up from the API's own description, asked by a supervisor with a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mapper.services import accounts
from mapper.services.reference import Reference

CHECKS: list[Any] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
"""No fault; no status, content type or shape that is not described."""


def ask_all(
    app: Flask, reference: Reference, examples: int, number: int, seen: set[int] | None = None
) -> Iterator[str]:
    """Ask each address so many times, always the same of one number; what was wrong with the answers of each.

    seen: gets the statuses that were answered.
    """
    boss = accounts.add_user(reference, f"Giám sát {number}", "supervisor", ("squares:001",))
    for found in schemathesis.openapi.from_wsgi("/api/openapi.json", app).get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]

        @seed(number)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy())
        def ask(case: Any) -> None:
            # What asks the application directly does not unpack what a browser is sent packed.
            answer = case.call(headers={"Authorization": f"Bearer {boss.token}", "Accept-Encoding": "identity"})
            if seen is not None:
                seen.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        try:
            ask()
        except (Exception, BaseExceptionGroup) as fault:  # each is told, not the first alone
            told = fault.exceptions if isinstance(fault, BaseExceptionGroup) else (fault,)
            yield f"{operation.label}: {' | '.join(str(one)[:500] for one in told)}"
