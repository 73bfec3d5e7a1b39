"""What a page about figures is asked for: campaign, group, dose, day, boundary set and area, read from its address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import request

from mapper.services import areas, intake, questions, review
from mapper.services.areas import Area, AreaChoice
from mapper.services.questions import Question
from mapper.web.accounts import reader
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language
from mapper.web.map_state import MAP_ONLY, Notice, settle

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
    sets = questions.boundary_sets(reference, today, here.settings.boundary_set)
    if not campaigns or not sets:
        return None
    usual = {
        each: day for each, day in last_visits(each["id"] for each in campaigns).items() if today - day > LONG_QUIET
    }
    state, notices = settle(args, campaigns, sets, today, usual)
    area = areas.read_area(args.get("area", ""))
    state = {name: value or "" for name, value in state.items() if name != "unit"} | {"area": str(area or "")}
    return Asked(state, campaigns, sets, areas.choices(reference, user, state["set"], area), notices, area)


def of_the_map() -> dict[str, str]:
    """What this request's address says of the map alone, for the links and forms that lead back to it."""
    return {name: request.args[name][:80] for name in MAP_ONLY if request.args.get(name)}


def last_visits(campaign_ids: Iterable[str]) -> dict[str, date]:
    """The day of the latest visit in the reader's area, by campaign; without those that have none."""
    found = {each: review.latest_visit(installation().reference, reader(), each) for each in campaign_ids}
    return {each: day for each, day in found.items() if day is not None}
