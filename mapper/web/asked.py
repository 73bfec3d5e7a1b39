"""What a page about figures is asked for: campaign, group, dose, day, boundary set and area, read from its address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import g, request

from mapper.errors import NotFound, mark
from mapper.services import areas, intake, questions, review, unit_history
from mapper.services.areas import Area, AreaChoice
from mapper.services.questions import HAMLET, Question
from mapper.web.accounts import reader
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language
from mapper.web.map_state import MAP_ONLY, UNKNOWN, Notice, in_force, set_of, set_then, settle
from mapper.web.outside import with_asked

HELD = mark("On the boundaries {set}, {name} lies in {found}, which is shown.")
DIVIDED = mark("On the boundaries {set} no one place holds {name}: everything is shown. Choose an area.")

LONG_QUIET = timedelta(days=60)
"""Without a visit for so long pages open on the day of the last one: years later, people have left their group."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The address of a page made whole, and what can be chosen instead.

    state: campaign, group, dose, date, set, level and area as the address writes them. campaigns, sets: as ``/api``
    lists them. notices: sentences with facts about parts of the address that had to be replaced. area: None for all
    that the reader may see.
    """

    state: dict[str, str]
    campaigns: list[dict[str, Any]]
    sets: list[dict[str, Any]]
    choices: list[AreaChoice]
    notices: list[Notice]
    area: Area | None

    @property
    def day(self) -> date:
        """The day asked for."""
        return date.fromisoformat(self.state["date"])

    @property
    def campaign(self) -> dict[str, Any]:
        """The campaign asked for, as listed."""
        return next(each for each in self.campaigns if each["id"] == self.state["campaign"])

    @property
    def area_name(self) -> str:
        """What the area is called; "" for all that the reader may see."""
        return next((choice.name for choice in self.choices if choice.area == self.area), "")

    @property
    def boundary_set(self) -> dict[str, Any]:
        """The boundary set asked for, as listed."""
        return next(each for each in self.sets if each["id"] == self.state["set"])

    @property
    def other_set(self) -> dict[str, Any] | None:
        """The boundary set in force on the day, where another one is shown that was not."""
        day = self.state["date"]
        found = None if in_force(self.boundary_set, day) else set_then(self.sets, day)
        return dict(found) if found is not None else None

    def in_set(self, set_id: str) -> str:
        """This address, asked in another set. Hamlets stay; the code of a unit means another place there, or none."""
        levels = next(each["levels"] for each in self.sets if each["id"] == set_id)
        parts: dict[str, list[str]] = request.args.to_dict(flat=False)
        for name in ("area", "areas"):
            parts[name] = [each for each in parts.get(name, ()) if each.startswith(f"{HAMLET}:")]
        if self.state["level"] not in (*levels, HAMLET):
            parts.pop("level", None)
        if "date" in parts or self.other_set is not None:
            parts["date"] = [self.state["date"]]
        parts |= {"set": [set_id], "unit": []}
        kept = {name: values for name, values in parts.items() if values}
        return with_asked(request.endpoint or "", request.view_args or {}, kept)

    def question(self, level: str = "") -> Question:
        """The same for ``reporting``. level: another than the one asked for."""
        at = self.state
        return Question(at["campaign"], at["group"], at["dose"], self.day, level or at["level"], at["set"])

    def query(self, **other: object) -> dict[str, str]:
        """The parts of the address, with others in their place; None takes one out."""
        parts: dict[str, object] = {**self.state, **other}
        return {name: str(value) for name, value in parts.items() if value not in (None, "")}


def ask(args: Mapping[str, str] | None = None) -> Asked | None:
    """Read this request's address; None where no campaign or no boundary set is published yet.

    Raises NotFound for an area that is not here, or that the reader may not see.
    """
    args = request.args if args is None else args
    here, user = installation(), reader()
    reference, today = here.reference, intake.today()
    campaigns = questions.campaigns(reference, chosen_language())
    sets = questions.boundary_sets(reference, today, here.settings.boundary_set, chosen_language())
    if not campaigns or not sets:
        return None
    usual = {
        each: day for each, day in last_visits(each["id"] for each in campaigns).items() if today - day > LONG_QUIET
    }
    state, notices = settle(args, campaigns, sets, today, usual)
    keep_set(state["set"], sets, state["date"])
    area = areas.read_area(args.get("area", ""))
    if area is not None and args.get("area_set", state["set"]) != state["set"]:
        area = _carried(args["area_set"], area, state["set"], sets, notices)
    state = {name: value or "" for name, value in state.items() if name != "unit"} | {"area": str(area or "")}
    return Asked(state, campaigns, sets, areas.choices(reference, user, state["set"], area), notices, area)


def ask_for_file(args: Mapping[str, str] | None = None) -> Asked | None:
    """The same for a file, or a program: nothing stands there to say that another set was taken instead.

    Raises NotFound for a boundary set that is not here, too.
    """
    asked = ask(args)
    for message, facts in asked.notices if asked is not None else ():
        if facts.get("name") == "set" and message == UNKNOWN:
            raise NotFound(
                mark("There is no boundary set {set}. Choose one of: {sets}."),
                set=facts["value"],
                sets=", ".join(each["id"] for each in (asked.sets if asked is not None else ())),
            )
    return asked


def _carried(set_id: str, area: Area, other_id: str, sets: list[dict[str, Any]], notices: list[Notice]) -> Area | None:
    """The area that was chosen in one set, in another chosen since, where its code may be that of another place."""
    reference = installation().reference
    with reference.database.read() as connection:
        known = reference.known(connection)
    old, new = known.sets.get(set_id), known.sets[other_id]
    if old is None or area.level == HAMLET:
        return area
    unit = old.units.get((area.level, area.code))
    found = unit_history.area_there(known, old, area, new) if unit is not None else None
    named = next(each["name"] for each in sets if each["id"] == other_id)
    if found is None:
        notices.append((DIVIDED, {"name": unit.name if unit else area.code, "set": named}))
        return None
    name = new.units[found.level, found.code].name
    notices.append((HELD, {"name": unit.name if unit else area.code, "set": named, "found": name}))
    return found


def keep_set(set_id: str, sets: list[dict[str, Any]], day: str) -> None:
    """Let the menu lead on with this set, where it is not the one that pages about the day open with anyway."""
    usual = set_of(sets, day)
    g.kept_set = set_id if usual is not None and usual["id"] != set_id else None


def of_the_map() -> dict[str, str]:
    """What this request's address says of the map alone, for the links and forms that lead back to it."""
    return {name: request.args[name][:80] for name in MAP_ONLY if request.args.get(name)}


def last_visits(campaign_ids: Iterable[str]) -> dict[str, date]:
    """The day of the latest visit in the reader's area, by campaign; without those that have none."""
    found = {each: review.latest_visit(installation().reference, reader(), each) for each in campaign_ids}
    return {each: day for each, day in found.items() if day is not None}
