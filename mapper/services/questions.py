"""What may be asked of figures: campaigns with groups and doses, boundary sets with levels, and a question checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from mapper.domain.campaign import Campaign, Group, Label, ScheduledDose
from mapper.errors import InvalidQuestion, NotFound, mark
from mapper.language import DEFAULT, translate, written_day
from mapper.services.reference import Known, PlaceSet, Reference
from mapper.store.reference import BoundarySet

HAMLET = "hamlet"
"""The level below the leaf units of every set: hamlets of the communes' lists, with no outlines of their own."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. set_id "" means the set shown first."""

    campaign_id: str
    group_code: str
    dose_code: str
    day: date
    level: str
    set_id: str = ""


def campaigns(reference: Reference, language: str) -> list[dict[str, Any]]:
    """Every campaign, the oldest first, with groups, doses and targets, ready for JSON."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    return [
        {
            "id": campaign.id,
            **_labels(campaign.label, language),
            "start": campaign.start.isoformat(),
            "until": campaign.until.isoformat(),
            "source": campaign.source,
            "groups": [
                {
                    "code": group.code,
                    **_labels(group.label, language),
                    "priority": bool(group.priorities),
                    "doses": [
                        {
                            "code": dose.code,
                            **_labels(campaign.doses[dose.code], language),
                            "target": None if dose.target is None else float(dose.target),
                            "deadline": None if dose.deadline is None else dose.deadline.isoformat(),
                        }
                        for dose in group.doses
                    ],
                }
                for group in campaign.groups
            ],
        }
        for campaign in known.campaigns.values()
    ]


def _labels(label: Label, language: str) -> dict[str, Any]:
    return {"label": label[language], "labels": {"vi": label["vi"], "en": label["en"]}}


def default_set(known: Known, wanted: str = "", day: date | None = None) -> PlaceSet:
    """The set of that id; else the one in force on the day that knows the hamlets, else any in force, else the newest.

    Raises NotFound for an unknown id, or where no set was imported.
    """
    if wanted:
        if wanted not in known.sets:
            raise NotFound(
                mark("There is no boundary set {set}. Choose one of: {sets}."),
                set=wanted,
                sets=", ".join(known.sets) or "-",
            )
        return known.sets[wanted]
    if not known.sets:
        raise NotFound(mark("No boundary set was imported yet. Import one: python server.py boundaries import FILE."))
    lasting = [places for places in known.sets.values() if not places.about.trial]
    in_force = [places for places in lasting if day is None or places.in_force(day)]
    for places in in_force:
        if places.id == known.home:
            return places
    return (in_force or lasting or list(known.sets.values()))[0]


def set_made_on(known: Known, wanted: str) -> PlaceSet:
    """The set that a plan was made on, though it may be withdrawn since; see ``default_set``."""
    return known.every_set[wanted] if wanted in known.every_set else default_set(known, wanted)


def set_name(about: BoundarySet, language: str = DEFAULT) -> str:
    """What a boundary set is called, with its period: two vintages of one country often have one label."""
    period = period_words(about.valid_from, about.valid_to, language)
    told = [*([period] if period else []), *([translate(mark("on trial"), language)] if about.trial else [])]
    return f"{about.label} ({', '.join(told)})" if told else about.label


def period_words(first: date | None, last: date | None, language: str = DEFAULT) -> str:
    """A period in words; "" where it has neither beginning nor end. What has ended is told by its end alone."""
    if last is not None:
        return translate(mark("until {day}"), language, day=written_day(last, language))
    return translate(mark("from {day}"), language, day=written_day(first, language)) if first is not None else ""


def boundary_sets(reference: Reference, day: date, wanted: str = "", language: str = DEFAULT) -> list[dict[str, Any]]:
    """Every boundary set, the newest period first, ready for JSON; the one shown first on that day says so.

    wanted: the operator's choice of that one, passed over where no such set is here. lists: whether it is the set of
    the communes' lists of hamlets.
    """
    with reference.database.read() as connection:
        known = reference.known(connection)
    if not known.sets:
        return []
    first = default_set(known, wanted if wanted in known.sets else "", day).id
    return [
        {
            "id": places.id,
            "label": places.about.label,
            "name": set_name(places.about, language),
            "valid_from": places.about.valid_from.isoformat() if places.about.valid_from else None,
            "valid_to": places.about.valid_to.isoformat() if places.about.valid_to else None,
            "approximate": places.about.approximate,
            "trial": places.about.trial,
            "source": places.about.source,
            "levels": list(places.about.levels),
            "default": places.id == first,
            "chosen": places.id == wanted,
            "lists": places.id == known.home,
            "bounds": places.bounds,
        }
        for places in known.sets.values()
    ]


def find_series(known: Known, question: Question) -> tuple[Campaign, Group, ScheduledDose, int]:
    """The campaign, group, dose and series number of a question, its day checked."""
    campaign = known.campaign(question.campaign_id)
    found = campaign.find(question.group_code, question.dose_code)
    if found is None:
        raise InvalidQuestion(
            mark("Campaign {campaign} has no dose {dose} for a group {group}. It has: {series}."),
            campaign=campaign.id,
            dose=question.dose_code,
            group=question.group_code,
            series=", ".join(f"{g.code} {d.code}" for g, d in campaign.series),
        )
    if question.day < campaign.start:
        raise InvalidQuestion(
            mark("Figures of campaign {campaign} begin on {start}. Ask for a later day."),
            campaign=campaign.id,
            start=campaign.start.isoformat(),
        )
    if question.day > campaign.until:
        raise InvalidQuestion(
            mark("Figures of campaign {campaign} end on {until}. Ask for an earlier day."),
            campaign=campaign.id,
            until=campaign.until.isoformat(),
        )
    return campaign, *found, known.series[campaign.id][campaign.series.index(found)]


def check(reference: Reference, question: Question) -> None:
    """Refuse what has no figure, before long work on it is begun. Raises what ``reporting.coverage`` does."""
    with reference.database.read() as connection:
        known = reference.known(connection)
    find_series(known, question)
    check_level(default_set(known, question.set_id, question.day), question.level)


def check_level(places: PlaceSet, level: str) -> None:
    """Refuse a level that the set does not have. Raises InvalidQuestion."""
    levels = (*places.about.levels, HAMLET)
    if level not in levels:
        raise InvalidQuestion(
            mark("Boundary set {set} has no level {level}. Choose one of: {levels}."),
            set=places.id,
            level=level,
            levels=", ".join(levels),
        )
