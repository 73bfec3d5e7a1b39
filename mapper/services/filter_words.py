"""A filter told in words, for files and pages that say whom they list; and what of it the audit trail may hold."""

from __future__ import annotations

from collections.abc import Callable

from mapper.domain.campaign import Campaign
from mapper.domain.ledger import State
from mapper.domain.people import Residence
from mapper.domain.people_filter import Entering, Obstacle, PeopleFilter
from mapper.errors import mark
from mapper.language import translate
from mapper.services.people_words import OUTCOMES, STATES
from mapper.services.reference import Known, PlaceSet

NAMES = {
    "text": mark("search"),
    "areas": mark("area"),
    "within": mark("inside a drawn area"),
    "group": mark("group"),
    "dose": mark("dose"),
    "states": mark("state"),
    "age_from": mark("age from"),
    "age_to": mark("age to"),
    "sexes": mark("sex"),
    "residences": mark("residence"),
    "priorities": mark("priority group"),
    "given": mark("dose received"),
    "vaccines": mark("vaccine"),
    "lots": mark("lot number"),
    "given_from": mark("vaccinated from"),
    "given_to": mark("vaccinated until"),
    "entering": mark("who becomes"),
    "entering_from": mark("becoming from"),
    "entering_to": mark("becoming until"),
    "reasons": mark("reason"),
    "outcomes": mark("visit"),
    "senders": mark("canvasser"),
    "reviews": mark("review"),
    "visited_from": mark("visited from"),
    "visited_to": mark("visited until"),
    "invited_from": mark("invited from"),
    "invited_to": mark("invited until"),
    "invited_sites": mark("invited to"),
}
"""Criteria in the order of an address, in words."""

SEXES = {"female": mark("female"), "male": mark("male")}
RESIDENCES = {
    Residence.RESIDENT: mark("lives here"),
    Residence.WORKS_AWAY: mark("works or studies far away"),
    Residence.ABSENT: mark("away for a short time"),
    Residence.MOVED_IN: mark("moved in"),
    Residence.MOVED_OUT: mark("moved out for good"),
}
REVIEWS = {
    "": mark("not reviewed yet"),
    "received": mark("not reviewed yet"),
    "has_issues": mark("has issues"),
    "approved": mark("approved"),
}
OBSTACLES = {
    Obstacle.CONTRAINDICATED: STATES[State.CONTRAINDICATED],
    Obstacle.DEFERRED: STATES[State.DEFERRED],
    Obstacle.REFUSED: STATES[State.REFUSED],
    Obstacle.AWAY: STATES[State.AWAY],
}
ENTERING = {Entering.GROUP: mark("member of the group"), Entering.DUE: mark("due")}


def in_words(
    wanted: PeopleFilter,
    known: Known,
    places: PlaceSet,
    campaign: Campaign,
    language: str,
    reason: Callable[[str], str],
) -> str:
    """Whom a filter wants, one criterion after another. reason: a reason as its form words it."""

    def say(message: str) -> str:
        return translate(message, language)

    def value(name: str, told: str) -> str:
        match name:
            case "areas":
                level, _, code = told.partition(":")
                unit, hamlet = places.units.get((level, code)), known.hamlets.get(code)
                return unit.name if unit else hamlet.label if hamlet and level == "hamlet" else told
            case "group":
                return next((group.label[language] for group in campaign.groups if group.code == told), told)
            case "dose" | "given":
                return campaign.doses[told][language] if told in campaign.doses else told
            case "vaccines":
                return campaign.vaccines[told][language] if told in campaign.vaccines else told
            case "reasons":
                obstacle, colon, written = told.partition(":")
                words = say(OBSTACLES[Obstacle(obstacle)])
                return f"{words} ({reason(written) or '-'})" if colon else words
            case "priorities":
                return reason(told)
            case _ if name in _WORDS:
                return say(_WORDS[name].get(told, told))
            case _ if len(told) == 10 and told[4:5] == told[7:8] == "-":
                return f"{told[8:]}/{told[5:7]}/{told[:4]}"
        return told

    found: dict[str, list[str]] = {}
    for name, told in wanted.address():
        found.setdefault(name, []).append("" if name == "within" else value(name, told))
    parts = [_named(say(NAMES[name]), ", ".join(values)) for name, values in found.items()]
    return "; ".join(parts) or say(mark("everybody"))


def _named(name: str, values: str) -> str:
    """A criterion with its values; a value that begins with its name needs it no second time, as of Dose 1."""
    return values if values.casefold().startswith(name.casefold()) else f"{name} {values}".rstrip()


_WORDS: dict[str, dict[str, str]] = {
    "states": {state.value: words for state, words in STATES.items()},
    "sexes": SEXES,
    "residences": {residence.value: words for residence, words in RESIDENCES.items()},
    "outcomes": {outcome.value: words for outcome, words in OUTCOMES.items()},
    "reviews": REVIEWS,
    "entering": {entering.value: words for entering, words in ENTERING.items()},
}

_FREE = frozenset({"text", "within"})


def for_the_trail(wanted: PeopleFilter) -> str:
    """The filter as the audit trail may keep it: of what was typed freely only that something was."""
    told = []
    for name, value in wanted.address():
        kept = "…" if name in _FREE else value.partition(":")[0] if name == "reasons" else value
        told.append(f"{name}={kept}")
    return "&".join(told)[:1000] or "-"
