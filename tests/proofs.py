"""How much of a long random proof is drawn: part of it in every run of the tests, all of it with ``pytest --whole``.

What is asserted is the same in both; ``make proof`` runs everything at its whole length.
"""

from __future__ import annotations

import os

WHOLE = "TESTS_WHOLE"
"""Set by the option, in time for the files that read it when they are collected, and for every process of the run."""


def drawn(whole: int, part: int) -> int:
    """How many cases, or the how-manieth each: the first number where the whole proof is asked for, else the second."""
    return whole if os.environ.get(WHOLE) else part
