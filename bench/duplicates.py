"""People entered twice in a census: invented communes with labelled duplicates, half of them never looked at before.

python bench/duplicates.py [--communes 20] [--households 1200] [--half held-back|tuning] [--made-by two_hands] [--doses]

Prints precision and recall of what the cleaning station shows as perhaps one person, with 95 % Wilson intervals, and
recall by how the second entry was written. The aim is 0.98 and 0.95 on the half that is held back.

--made-by: "censuses", or "two_hands", which makes families and mistypes them in other ways. --doses: with the days of
doses, which a census tells, and without which the aim was set.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mapper.linkage.within import twice
from mapper.stats.surveys import wilson
from tests.linkage.censuses import Census, census, with_doses
from tests.linkage.two_hands import entered_twice

HALVES = {"held-back": 5000, "tuning": 0}
"""The first seed of each half; weights and limits were looked at with those of the tuning half alone.

Those from 1000 on were held back before, and looked at.
"""

MADE_BY: dict[str, Callable[[int, int], Census]] = {"censuses": census, "two_hands": entered_twice}


def _share(some: int, of: int) -> str:
    """A share with its 95 % Wilson interval."""
    if not of:
        return "–"
    found = wilson(some / of, of, 1.959964)
    return f"{some / of:.4f} ({found.low:.4f} to {found.high:.4f}, {some} of {of})"


def main() -> None:
    """Make the communes, look for duplicates in each, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--communes", type=int, default=20)
    parser.add_argument("--households", type=int, default=1200)
    parser.add_argument("--half", choices=tuple(HALVES), default="held-back")
    parser.add_argument("--made-by", choices=tuple(MADE_BY), default="censuses")
    parser.add_argument("--doses", action="store_true")
    args = parser.parse_args()
    shown, right = 0, 0
    there: Counter[str] = Counter()
    found: Counter[str] = Counter()
    people = 0
    for commune in range(args.communes):
        seed = commune + HALVES[args.half]
        made = MADE_BY[args.made_by](seed, args.households)
        if args.doses:
            made = with_doses(made, seed)
        pairs = {(each.one, each.other) for each in twice(made.entries, made.houses)}
        people += len(made.entries)
        shown += len(pairs)
        right += len(pairs & set(made.true))
        there.update(made.true.values())
        found.update(kind for pair, kind in made.true.items() if pair in pairs)
    print(f"{args.half} half by {args.made_by}: {people} entries of {args.communes} communes")
    print(f"precision {_share(right, shown)}")
    print(f"recall {_share(found.total(), there.total())}")
    for kind in sorted(there):
        print(f"  {kind}: {_share(found[kind], there[kind])}")


if __name__ == "__main__":
    main()
