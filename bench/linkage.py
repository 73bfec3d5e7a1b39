"""Linking two registers of invented people, the second written as registers write, by number of people.

python bench/linkage.py [--people 100000] [--communes 50] [--seed 1] [--made-by two_hands]

Prints seconds of wall time and of the one processor that it keeps busy, the most memory held, precision and recall of
what is taken for one person with Wilson intervals, and how many pairs are left to be looked at. The aim is 100,000
against 100,000 within 300 s.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mapper.linkage.pairing import Class, link
from mapper.stats.surveys import wilson
from tests.linkage.registers import registers
from tests.linkage.two_hands import two_registers

AIM_S = 300
MADE_BY = {"registers": registers, "two_hands": two_registers}
"""Generators: the one the weights were looked at with (seed 1), and one written apart from the matcher."""


def _share(some: int, of: int) -> str:
    """A share with its 95 % Wilson interval."""
    found = wilson(some / of, of, 1.959964)
    return f"{some / of:.4f} ({found.low:.4f} to {found.high:.4f})"


def main() -> None:
    """Make the registers, link them, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--communes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--made-by", choices=sorted(MADE_BY), default="registers")
    args = parser.parse_args()
    made = MADE_BY[args.made_by](args.seed, args.people, args.communes)
    begun, busy = time.perf_counter(), time.process_time()
    links = link(made.theirs, made.ours)
    spent, busy = time.perf_counter() - begun, time.process_time() - busy
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    matches = [each for each in links if each.judged is Class.MATCH]
    right = sum(made.true.get(each.one) == each.other for each in matches)
    print(
        f"{len(made.theirs)} against {len(made.ours)} people: {spent:.1f} s, {busy:.1f} s of processor, "
        f"{memory_mb:.0f} MB (aim {AIM_S} s at 100,000), "
        f"precision {_share(right, len(matches))}, recall {_share(right, len(made.true))}, "
        f"{len(links) - len(matches)} to be looked at"
    )


if __name__ == "__main__":
    main()
