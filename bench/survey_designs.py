"""Generated cluster surveys, and what R's package survey says of them; both are kept for the tests.

    python bench/survey_designs.py

writes the designs into tests/stats/survey_designs.json, runs bench/survey_reference.R over them (Debian and Ubuntu:
apt-get install r-cran-survey r-cran-jsonlite) and keeps its answers in tests/stats/survey_reference.json. The designs
follow from the seed alone.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE.parent / "tests" / "stats"
SEED = 20221122

SHAPES: tuple[tuple[str, int, tuple[int, int], int, bool, float, float], ...] = (
    # name, clusters, people of each from and to, strata, weighted, coverage, how alike people of a cluster are
    ("WHO's thirty by seven", 30, (7, 7), 1, False, 0.80, 0.10),
    ("thirty by seven, weighted", 30, (7, 7), 1, True, 0.80, 0.10),
    ("thirty by seven, hardly alike", 30, (7, 7), 1, False, 0.60, 0.01),
    ("thirty by seven, very alike", 30, (7, 7), 1, False, 0.60, 0.60),
    ("sizes differ", 30, (2, 25), 1, False, 0.75, 0.15),
    ("sizes and weights differ", 30, (2, 25), 1, True, 0.75, 0.15),
    ("three strata", 36, (5, 12), 3, False, 0.70, 0.10),
    ("three strata, weighted", 36, (5, 12), 3, True, 0.70, 0.10),
    ("ten strata of two", 20, (6, 10), 10, False, 0.65, 0.20),
    ("ten strata of two, weighted", 20, (6, 10), 10, True, 0.65, 0.20),
    ("strata with one cluster alone", 9, (5, 15), 6, True, 0.65, 0.15),
    ("five clusters", 5, (20, 40), 1, False, 0.85, 0.10),
    ("two clusters", 2, (15, 15), 1, False, 0.50, 0.10),
    ("two clusters, weighted", 2, (15, 30), 1, True, 0.50, 0.10),
    ("nearly all vaccinated", 30, (10, 10), 1, False, 0.98, 0.05),
    ("nearly none vaccinated", 30, (10, 10), 1, True, 0.03, 0.05),
    ("one of many missing", 25, (8, 8), 1, False, 0.995, 0.00),
    ("clusters of one person", 80, (1, 1), 1, False, 0.70, 0.00),
    ("clusters of one, weighted, two strata", 80, (1, 1), 2, True, 0.70, 0.00),
    ("many clusters", 200, (3, 9), 4, True, 0.90, 0.10),
    ("large clusters", 12, (60, 120), 2, True, 0.55, 0.05),
    ("even more alike than chance", 10, (10, 10), 1, False, 0.50, -1.00),
    ("everybody vaccinated", 20, (7, 7), 1, False, 1.00, 0.00),
    ("everybody vaccinated, weighted, strata", 20, (3, 9), 2, True, 1.00, 0.00),
    ("nobody vaccinated", 20, (7, 7), 1, False, 0.00, 0.00),
    ("one cluster", 1, (30, 30), 1, False, 0.80, 0.00),
)


def design(chance: random.Random, name: str, clusters: int, sizes: tuple[int, int], strata: int, weighted: bool,
           coverage: float, alike: float) -> dict[str, object]:  # fmt: skip
    """People of one survey, column by column."""
    people: dict[str, list[object]] = {"stratum": [], "cluster": [], "weight": [], "vaccinated": []}
    for cluster in range(clusters):
        size, share = chance.randint(*sizes), coverage
        if 0 < coverage < 1 and alike > 0:
            # A beta distribution whose variance is `alike` times that of a single person.
            both = 1 / alike - 1
            share = chance.betavariate(coverage * both, (1 - coverage) * both)
        # A weight of the cluster, as with probability proportional to size, and one of the person.
        of_cluster = chance.uniform(0.5, 3.0)
        stratum = cluster % strata
        told = [int(chance.random() < share) for _ in range(size)]
        if alike < 0:
            told = [place % 2 for place in range(size - 1)] + [int(cluster % 3 == 0)]
        for one in told:
            people["stratum"].append(f"s{stratum}")
            # Clusters of different strata may bear the same name.
            people["cluster"].append(f"c{cluster // strata}")
            people["weight"].append(round(of_cluster * chance.uniform(0.8, 1.2), 3) if weighted else 1)
            people["vaccinated"].append(one)
    return {"name": name, **people}


def main() -> int:
    """Write the designs, ask R, keep what it says."""
    chance = random.Random(SEED)
    designs = [design(chance, *shape) for shape in SHAPES]
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in designs)
    (KEPT / "survey_designs.json").write_text(f"[\n{lines}\n]\n", "utf-8")
    run = [
        "Rscript",
        str(HERE / "survey_reference.R"),
        *(str(KEPT / f"survey_{it}.json") for it in ("designs", "reference")),
    ]
    return subprocess.run(run, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
