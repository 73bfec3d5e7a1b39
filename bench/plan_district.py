"""A district of 14 communes and 35,000 invented people: five teams, ten days, planned and beside it by eye.

python bench/plan_district.py [--shared ../shared] [--sites 54] [--seconds 60] [--seed 1] [--due 0.45] [--out F]

Outlines of the communes are those of the shared geodata; hamlets, houses and people are invented, by the shares that
tests/services/invented_district.py says. Both plans have the same 14 stations, teams and limits. By eye: everybody to
the nearest station while it has room; each day each team to the hamlet with the most people still due within their
walk, on to the next while doses and hours last; one team from house to house of those who stay at home.
Prints people served, weight by planning.toml, kilometres and team days of both; with --out also a picture of both,
district.svg, and their figures, district.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mapper.domain.made_plan import MadePlan
from mapper.domain.plan import PlanGiven
from mapper.domain.sites import SiteKind
from mapper.services.planning import make
from tests.services.invented_district import DUE, ByEye, district, rules, served_by

WIDTH, EDGE = 900, 20
LARGEST = 10
"""Doses of the largest vial of planning.toml."""


def figures(given: PlanGiven, ids: set[str], way_m: float, team_days: int) -> dict[str, float]:
    """One plan in figures."""
    held = rules()
    people = [one for house in given.houses for one in house.people if one.id in ids]
    needs = [held.needs(one.precedences) for one in people]
    return {
        "served": len(people),
        "weight": round(sum(one.weight for one in needs)),
        "at_home": sum(one.at_home for one in needs),
        "first": sum(one.weight > 1 for one in needs),
        "km": round(way_m / 1000),
        "team_days": team_days,
    }


def picture(given: PlanGiven, made: MadePlan, eye: ByEye) -> str:
    """Both plans as SVG, side by side: houses served grey and others red, sites sized by people, stations filled."""
    points = [house.point for house in given.houses if house.point is not None]
    west, east = min(one.lon for one in points), max(one.lon for one in points)
    south, north = min(one.lat for one in points), max(one.lat for one in points)
    scale = (WIDTH - 2 * EDGE) / (east - west)
    height = round((north - south) * scale * 1.08) + 2 * EDGE

    def at(lat: float, lon: float, aside: int) -> str:
        return f'cx="{EDGE + (lon - west) * scale + aside:.1f}" cy="{EDGE + (north - lat) * scale * 1.08:.1f}"'

    drawn = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{height}">']
    for aside, served in ((0, served_by(made)), (WIDTH, eye.served)):
        for house in given.houses:
            if house.point is not None:
                colour = "#bbb" if all(one.id in served for one in house.people) else "#d33"
                drawn.append(f'<circle {at(house.point.lat, house.point.lon, aside)} r="1.5" fill="{colour}"/>')
    for one in made.sites:
        radius, fill = 2 + one.people**0.5 / 2, "#06c" if one.site.kind is SiteKind.FIXED else "none"
        drawn.append(f'<circle {at(one.site.lat, one.site.lon, 0)} r="{radius:.1f}" fill="{fill}" stroke="#06c"/>')
    for station in given.sites:
        drawn.append(f'<circle {at(station.lat, station.lon, WIDTH)} r="10" fill="#06c"/>')
    for place, number in zip(eye.places, eye.numbers, strict=True):
        drawn.append(f'<circle {at(*place, WIDTH)} r="{2 + number**0.5 / 2:.1f}" fill="none" stroke="#06c"/>')
    return "\n".join([*drawn, "</svg>"])


def main() -> None:
    """Make both and print them."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--shared", type=Path, default=Path(os.environ.get("MAPPER_SHARED", "../shared")))
    ask.add_argument("--sites", type=int, default=54)
    ask.add_argument("--seconds", type=float, default=60.0)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--due", type=float, default=DUE)
    ask.add_argument("--out", type=Path)
    told = ask.parse_args()
    given = district(told.shared / "geodata", seed=told.seed, due=told.due, sites=told.sites, seconds=told.seconds)
    due = sum(len(house.people) for house in given.houses)
    began, worked = time.monotonic(), time.process_time()
    made = make(given, rules())
    took, cpu = time.monotonic() - began, time.process_time() - worked
    began = time.monotonic()
    eye = ByEye(given, rules()).make()
    print(f"due {due} people in {len(given.houses)} houses, {len(given.hamlets)} hamlets")
    found = {
        "planned": figures(given, served_by(made), made.way_m, len(made.days)),
        "by eye": figures(given, eye.served, eye.way_m, eye.team_days),
    }
    for name, one in found.items():
        print(f"{name:8}", "  ".join(f"{key} {value}" for key, value in one.items()))
    sessions = [one for site in made.sites for one in site.sessions if one.team]
    half = sum(2 * one.people < LARGEST for one in sessions)
    vials, wasted = sum(one.vials for one in made.needs), sum(one.wasted for one in made.needs)
    print(f"vials {vials}, doses wasted {wasted:.0f}; team sessions {len(sessions)}, below half a vial of 10 {half}")
    quality = made.quality
    print(f"planned in {took:.1f} s ({cpu:.1f} s CPU), by eye in {time.monotonic() - began:.1f} s")
    print(f"sites {len(made.sites)}, gap {quality.gap:.2%}, ended by {quality.stopped}, {quality.routes_stopped}")
    print("without a place:", {why.value: number for why, number in made.by_why().items()})
    for one_bind in made.binds:
        print(" ", one_bind.words.format(**one_bind.facts))
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if told.out is not None:
        told.out.mkdir(parents=True, exist_ok=True)
        (told.out / "district.json").write_text(json.dumps({"due": due, **found}, indent=1), "utf-8")
        (told.out / "district.svg").write_text(picture(given, made, eye), "utf-8")


if __name__ == "__main__":
    main()
