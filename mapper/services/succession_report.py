"""What an import of a succession found, as it is kept beside it: findings, and where several tellings disagree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mapper.domain.people import Finding
from mapper.domain.succession import Change, Doubtful
from mapper.errors import mark

CROSSWALK, OUTLINES, PACKAGE = "crosswalk", "outlines", "package"
"""Who tells what became of units: a table, the outlines of both sets, the package of the country's units."""


CHANGES: Mapping[Change, str] = {
    Change.SAME: mark("as before"),
    Change.RENAMED: mark("renamed"),
    Change.MERGED: mark("merged"),
    Change.DIVIDED: mark("divided"),
    Change.GONE: mark("no heir told"),
}
"""Words for what became of a unit."""

TOLD_BY: Mapping[str, str] = {
    CROSSWALK: mark("crosswalk"),
    OUTLINES: mark("outlines"),
    PACKAGE: mark("package vietnamadminunits"),
}
"""Words for who tells it."""

SAYS: Mapping[bool | None, str] = {True: mark("whole"), False: mark("a part"), None: mark("nothing")}
"""Words for what is told of a pair."""


STATES: Mapping[str, str] = {"placing": mark("households are being placed"), "withdrawn": mark("withdrawn")}
"""Words for how far a set is; the usual state needs none."""

ON_TRIAL = mark("on trial")
"""Of a set that is in force on no day."""


@dataclass(frozen=True, slots=True)
class Report:
    """rows: pairs that were read. left_out: those of units that neither set has. compared: who was asked, the one that
    is kept first. least: share from which outlines count as saying something."""

    rows: int = 0
    left_out: int = 0
    findings: tuple[Finding, ...] = ()
    doubts: tuple[Doubtful, ...] = ()
    compared: tuple[str, ...] = ()
    least: float = 0.0

    def to_json(self) -> str:
        """As it is kept."""
        return json.dumps(
            {
                "rows": self.rows,
                "left_out": self.left_out,
                "compared": self.compared,
                "least": self.least,
                "findings": [{"code": f.code, "message": f.message, "facts": dict(f.facts)} for f in self.findings],
                "doubts": [
                    {"old": one.old, "new": one.new, "says": dict(one.says), "share": one.share} for one in self.doubts
                ],
            },
            ensure_ascii=False,
        )

    @staticmethod
    def from_json(text: str) -> Report:
        """What was kept."""
        told = json.loads(text)
        return Report(
            told["rows"],
            told["left_out"],
            read_findings(told["findings"]),
            tuple(Doubtful(one["old"], one["new"], one["says"], one["share"]) for one in told["doubts"]),
            tuple(told["compared"]),
            told["least"],
        )


def read_findings(told: list[dict[str, object]]) -> tuple[Finding, ...]:
    """Findings as reports of sets and of successions keep them."""
    found = []
    for one in told:
        facts = one.get("facts")
        pairs = tuple((str(k), str(v)) for k, v in facts.items()) if isinstance(facts, dict) else ()
        found.append(Finding(str(one["code"]), str(one["message"]), pairs))
    return tuple(found)
