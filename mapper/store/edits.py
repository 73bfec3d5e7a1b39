"""Edits of submissions: what each takes the place of, which wait for their originals, and what counts in the end."""

from __future__ import annotations

import json

from sqlalchemy import Connection, bindparam, exists, or_, select, update

from mapper.store import tables
from mapper.store.database import Database, driver_of
from mapper.store.submissions import WAITS_FOR_ORIGINAL, SubmissionState

_s = tables.submissions


def held_edit_of(database: Database, connection: Connection, instance_id: str) -> str | None:
    """Instance id of the held edit that waits for this original, or None."""
    rows = database.prepared(
        "held edit",
        lambda: select(_s.c.instance_id).where(
            _s.c.deprecated_id == bindparam("original"),
            _s.c.state == bindparam("in_state"),
            _s.c.household_id.is_(None),
        ),
    ).rows(driver_of(connection), {"original": instance_id, "in_state": SubmissionState.HELD.value})
    return rows[0][0] if rows else None


def release(connection: Connection, instance_id: str, root_id: str) -> None:
    """A held edit whose original has come is received from now on."""
    connection.execute(
        update(_s)
        .where(_s.c.instance_id == instance_id)
        .values(state=SubmissionState.RECEIVED.value, root_id=root_id, reason=None)
    )


def _replaced_with(connection: Connection, instance_id: str) -> dict[str, tuple[str, str] | None]:
    """A submission and, since one that never counted left its original counting, that one too, and so on.

    By instance id the campaign and household that each tells of, None where it does not count.
    """
    columns = select(_s.c.instance_id, _s.c.deprecated_id, _s.c.state, _s.c.campaign_id, _s.c.household_id)
    found: dict[str, tuple[str, str] | None] = {}
    wanted: str | None = instance_id
    while wanted is not None and wanted not in found:
        row = connection.execute(columns.where(_s.c.instance_id == wanted)).first()
        if row is None:
            break
        found[wanted] = (row.campaign_id, row.household_id) if row.household_id is not None else None
        wanted = None if row.state in (SubmissionState.PROCESSED, SubmissionState.SUPERSEDED) else row.deprecated_id
    return found


def household_of(connection: Connection, instance_id: str) -> tuple[str, str] | None:
    """The campaign and household that a submission tells of; where it does not count, what it edits."""
    told_of = _replaced_with(connection, instance_id).values()
    return next((household for household in told_of if household is not None), None)


def supersede(connection: Connection, instance_id: str) -> tuple[str, str] | None:
    """An original that an edit replaces no longer counts, nor, where it never did, what it edits itself.

    Returns the campaign and household that they told of until now.
    """
    replaced = _replaced_with(connection, instance_id)
    connection.execute(
        update(_s)
        .where(_s.c.instance_id.in_(list(replaced)))
        .values(state=SubmissionState.SUPERSEDED.value, household_id=None, campaign_id=None, reason=None)
    )
    return next((household for household in replaced.values() if household is not None), None)


def forget_processing(connection: Connection) -> None:
    """Back to the raw state, before a rebuild: an edit waits whose original is not here, or waits itself."""
    connection.execute(
        update(_s)
        .where(or_(_s.c.state != SubmissionState.HELD.value, _s.c.household_id.is_not(None)))
        .values(state=SubmissionState.RECEIVED.value, household_id=None, campaign_id=None, reason=None)
    )
    original = _s.alias()
    counts = exists().where(
        original.c.instance_id == _s.c.deprecated_id, original.c.state != SubmissionState.HELD.value
    )
    held = (
        update(_s)
        .where(_s.c.state == SubmissionState.RECEIVED.value, _s.c.deprecated_id.is_not(None), ~counts)
        .values(state=SubmissionState.HELD.value, reason=json.dumps([WAITS_FOR_ORIGINAL, {}]))
    )
    while connection.execute(held).rowcount:
        pass
    root = (
        select(original.c.root_id)
        .where(original.c.instance_id == _s.c.deprecated_id, original.c.state != SubmissionState.HELD.value)
        .scalar_subquery()
    )
    released = (
        update(_s)
        .where(_s.c.state == SubmissionState.HELD.value, root.is_not(None))
        .values(state=SubmissionState.RECEIVED.value, root_id=root, reason=None)
    )
    # One after another, since an edit that goes on may itself be what another waited for.
    while connection.execute(released).rowcount:
        pass
