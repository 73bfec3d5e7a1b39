"""Plans as plain values, for whatever is written as JSON: the same for programs and at the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from mapper.services.plan_progress import PlanProgress, Progress
from mapper.services.plans import PlanLine

Say = Callable[..., str]


def line_facts(line: PlanLine, say: Say) -> dict[str, Any]:
    """A plan as lists tell it. say: a sentence in its reader's language."""
    row = line.row
    return {
        "number": row.id,
        "campaign": row.campaign_id,
        "name": row.name,
        "state": line.state.value,
        "share": row.share,
        "asked_at": row.at,
        "asked_by": row.user_name,
        "told_at": row.told_at,
        "in_use": row.in_use,
        "follows": row.follows,
        "variant_of": row.given_of,
        "whole": line.whole,
        "first": line.question.first.isoformat(),
        "last": line.question.last.isoformat(),
        "summary": dict(line.summary) or None,
        "trouble": say(line.trouble.words, **line.trouble.facts) if line.trouble else None,
    }


def progress_facts(found: PlanProgress) -> dict[str, Any]:
    """A plan against what came in."""
    return {
        "number": found.line.row.id,
        "date": found.today.isoformat(),
        "whole": found.line.whole,
        "total": _progress(found.total),
        "not_asked": _progress(found.other),
        "sites": [{"site": code, **_progress(of)} for code, of in found.sites.items()],
        "places": [
            {"site": at.site, "date": at.day.isoformat(), **_progress(of)} for at, of in sorted(found.places.items())
        ],
        "teams": [
            {"team": at.team, "date": at.day.isoformat(), **_progress(of)} for at, of in sorted(found.teams.items())
        ],
        "communes": [{"commune": code or None, **_progress(of)} for code, of in found.communes.items()],
        "days": [
            {"date": each.day.isoformat(), "planned": each.planned, "vaccinated": each.vaccinated}
            for each in found.days
        ],
        "doses": [asdict(each) for each in found.doses],
    }


def _progress(of: Progress) -> dict[str, Any]:
    return {
        "asked": of.asked,
        "vaccinated": of.vaccinated,
        "left": of.left,
        "fates": {fate.value: number for fate, number in of.fates.items()},
        "came": {when.value: number for when, number in of.came.items()},
    }
