"""When the power goes, whatever was answered 201 or 202 is on the disk, whichever unsynced writes are not.

Thousands of cuts, with more phones: ``python bench/faults.py --cuts``.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.cutting import cuts, traced
from tests.faults.power_cut import why_not


def test_power_that_goes_at_any_moment_takes_nothing_that_was_answered(tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    trace = traced(tmp_path, phones=3, forms=5)
    assert sum(len(sent) for sent in trace.sent.values()) == 15
    honest = cuts(trace, 25, random.Random(1), tmp_path)
    assert honest.answered > 60
    assert honest.lost == 0
    assert honest.damaged == 0
    # A disk that only says that it has synced does lose them: the cuts are hard enough to tell.
    assert cuts(trace, 15, random.Random(1), tmp_path, syncs=False).lost > 0
