"""Kills a server again and again while phones send to it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.ground import Crowd, Ground, until

LONGEST_S = 0.6
"""A server lives up to so long after its phones were answered again."""


@dataclass
class Killed:
    """kills: how often; in_flight: POSTs that were on their way then, in all; starting: kills of a server that had
    not answered yet."""

    kills: int = 0
    in_flight: int = 0
    starting: int = 0


def kill_at_random(
    here: Ground,
    crowd: Crowd,
    kills: int,
    chance: random.Random,
    told: Callable[[Killed], None] = lambda killed: None,
) -> Killed:
    """Kill the server so often at random moments of intake; then let the phones finish, and stop it as usual."""
    done = Killed()
    here.start()
    crowd.start()
    try:
        for _ in range(kills):
            if chance.random() < 0.1:
                time.sleep(chance.random() * LONGEST_S)  # perhaps amid its start
                done.starting += not here.answers()
            else:
                before = len(crowd.promises)
                until(lambda before=before: len(crowd.promises) > before + 2, lambda: "nothing is received any more")
                time.sleep(chance.random() * LONGEST_S)
            done.in_flight += crowd.sending()
            here.kill()
            done.kills += 1
            told(done)
            here.start(wait=False)
        here.wait()
    finally:
        crowd.end()
    here.stop()
    # A last start counts what a kill had left between being kept and being counted, as any start does.
    here.start()
    here.stop()
    return done
