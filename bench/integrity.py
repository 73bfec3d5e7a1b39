"""How often honest canvassers are pointed at, and how many planted cheats are found: the figures behind the page.

The canvassers are invented: a week in a village each, as ``tests/stats/test_integrity.py`` makes them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mapper.stats.integrity import ALL, reads
from tests.stats.test_integrity import area, at_one_point, copied, in_two_minutes

CHEATS = {"spot": at_one_point, "copied": copied, "short": in_two_minutes}


def main() -> None:
    """Print the false alarms and the power."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--areas", type=int, default=400, help="areas in which everybody is honest")
    parser.add_argument("--canvassers", type=int, default=10, help="canvassers of each")
    parser.add_argument("--cheats", type=int, default=100, help="areas with one cheat, of each kind")
    asked = parser.parse_args()
    pointed: Counter[str] = Counter()
    areas = people = 0
    for seed in range(asked.areas):
        shown = [one for one in reads(area(seed, asked.canvassers))[1] if one.shown]
        pointed.update(one.test for one in shown)
        areas += bool(shown)
        people += len({one.canvasser for one in shown})
    print(f"honest: {areas} of {asked.areas} areas point at anybody (promised: at most {ALL:.0%})")
    print(f"        {people} of {asked.areas * asked.canvassers} canvassers; by test: {dict(pointed)}")
    for test, cheat in CHEATS.items():
        found = others = 0
        for seed in range(10_000, 10_000 + asked.cheats):
            shown = [one for one in reads(area(seed, asked.canvassers, cheat))[1] if one.shown]
            found += any(one.canvasser == 0 and one.test == test for one in shown)
            others += len({one.canvasser for one in shown} - {0})
        print(f"{test}: {found} of {asked.cheats} cheats found; {others} honest canvassers pointed at beside them")


if __name__ == "__main__":
    main()
