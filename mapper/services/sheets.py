"""Walks in words, for the page and for paper: what is said of a house and its people, and the PDF to take along."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from mapper.domain.campaign import Campaign
from mapper.domain.people import Outcome
from mapper.errors import TooLarge, mark
from mapper.formats.entity_lists import COLUMNS, EntityList
from mapper.formats.sheet import Sheet, SheetHouse, SheetPerson, SheetWords, draw_sheets
from mapper.language import translate
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.invitations import NOBODY, invited
from mapper.services.kept_invitations import Invited
from mapper.services.list_words import Words
from mapper.services.phone_lists import reasons
from mapper.services.reference import Reference
from mapper.services.walk import Seen, Walk, WalkedHouse, Why

MOST_PRINTED = 1500
"""Houses in one PDF; more are a sheaf that nobody carries."""

LISTS = {
    Why.DUE: mark("Due today"),
    Why.BACK: mark("Deferred until today"),
    Why.ASK: mark("To be asked"),
    Why.REFUSED: mark("Refused"),
    Why.NOT_MET: mark("Nobody met"),
    Why.DEFERRED: mark("Deferred to a later day"),
    Why.INVITED: mark("Invited by the plan in use"),
}
"""What each list is called."""

_SEXES = {"female": mark("female"), "male": mark("male")}
_OUTCOMES = {
    Outcome.ABSENT: mark("nobody at home"),
    Outcome.LOCKED: mark("house locked"),
    Outcome.REFUSED: mark("interview refused"),
}
_HOUSE, _PERSON = (
    {name: place for place, name in enumerate(COLUMNS[kind])} for kind in (EntityList.HOUSEHOLDS, EntityList.PEOPLE)
)


class WalkWords:
    """The words of walks in one language, the same as on the phones' lists."""

    def __init__(
        self, campaign: Campaign, language: str, day: date, words: dict[str, str], invited: Invited = NOBODY
    ) -> None:
        self._language, self._day = language, day
        self._lists = Words(campaign, language, day, words, invited)

    @classmethod
    def of(cls, reference: Reference, campaign_id: str, language: str, day: date) -> WalkWords:
        """The words of a campaign. Raises NotFound where it is unknown."""
        with reference.database.read() as connection:
            known = reference.known(connection)
            campaign = known.campaign(campaign_id)
            words = reasons(connection, campaign_id, language)
            return cls(campaign, language, day, words, invited(reference, connection, campaign_id))

    def _say(self, message: str, **facts: object) -> str:
        return translate(message, self._language, **facts)

    def title(self, walked: WalkedHouse) -> str:
        """A house by its number and its head's name."""
        return self._lists.household(walked.house)[_HOUSE["label"]]

    def facts(self, walked: WalkedHouse) -> str:
        """How the last visit ended where nobody was met, its day, and the telephone."""
        house = walked.house
        ended = _OUTCOMES.get(Outcome(house.outcome)) if house.outcome in set(Outcome) else None
        day = f"{house.visited_on:%d/%m/%Y}"
        told = self._say(mark("last visit {day}"), day=day)
        if ended is not None:
            told = self._say(mark("last visit {day}: {outcome}"), day=day, outcome=self._say(ended))
        return f"{told} · {self._say(mark('tel. {number}'), number=house.phone)}" if house.phone else told

    def who(self, walked: WalkedHouse, seen: Seen) -> str:
        """A person by name, age and sex."""
        person = seen.each.person
        told = self._lists.person(walked.house, seen.each)[_PERSON["label"]]
        sex = _SEXES.get(person.sex or "")
        return f"{told}, {self._say(sex)}" if sex else told

    def why(self, walked: WalkedHouse, seen: Seen) -> str:
        """What a person is due for, or why they are on the list."""
        told = self._lists.person(walked.house, seen.each)[_PERSON["due_text"]]
        return self._say(mark("deferred until today; {due}"), due=told) if seen.why is Why.BACK else told


def print_walks(
    reference: Reference,
    user: User,
    campaign_id: str,
    day: date,
    walks: Sequence[Walk],
    only: Why | None,
    canvasser: str,
    language: str,
    project: str,
    fonts: Path,
) -> bytes:
    """The PDF of walks, each hamlet on pages of its own; that it was made is entered in the audit trail.

    canvasser: whose walks they are, "" for nobody's. fonts: folder of the sheets' fonts. Raises TooLarge for more
    than MOST_PRINTED houses.
    """
    houses = sum(len(walk.houses) for walk in walks)
    if houses > MOST_PRINTED:
        raise TooLarge(
            mark("These are {houses} houses; at most {most} are printed at once. Choose fewer hamlets, or one list."),
            houses=houses,
            most=MOST_PRINTED,
        )

    def say(message: str, **facts: object) -> str:
        return translate(message, language, **facts)

    words = WalkWords.of(reference, campaign_id, language, day)
    title = say(LISTS[only]) if only is not None else say(mark("Houses to go to again"))
    pdf = draw_sheets(
        [_sheet(walk, words, title, day, canvasser, language) for walk in walks],
        SheetWords(
            language=language,
            title=f"{title} {day:%d/%m/%Y}",
            north=say(mark("N")),
            legend=say(
                mark("The walk begins at 1, as the crow flies. Black: somebody is due; white: not met, refused, other.")
            ),
            no_position=say(mark("no position known")),
            continued=say(mark("continued")),
            page=say(mark("Page {page} of {pages}"), page="{page}", pages="{pages}"),
            foot=say(
                mark("{project} · Personal data: show it to nobody and bring it back to the office."), project=project
            ),
        ),
        fonts,
    )
    codes = " ".join(walk.hamlet.code or "-" for walk in walks[:20])
    facts = {"campaign": campaign_id, "day": day, "houses": houses, "hamlets": len(walks)}
    audit.record_seen(reference, user.id, user.name, "sheets.printed", codes, facts)
    return pdf


def _sheet(walk: Walk, words: WalkWords, title: str, day: date, canvasser: str, language: str) -> Sheet:
    """One hamlet for paper."""

    def say(message: str, **facts: object) -> str:
        return translate(message, language, **facts)

    hamlet = walk.hamlet
    lines = [" · ".join(part for part in (hamlet.commune, title, f"{day:%d/%m/%Y}") if part)]
    people = sum(len(one.people) for one in walk.houses)
    told = [say(mark("{number} houses"), number=len(walk.houses))] if walk.houses else []
    if people:
        told.append(say(mark("{number} people to see"), number=people))
    if walk.length_m:
        told.append(say(mark("some {length} m from door to door"), length=int(-(-walk.length_m // 50) * 50)))
    if told:
        lines.append(" · ".join(told))
    if hamlet.unvisited:
        lines.append(say(mark("{number} more houses of this hamlet were never visited."), number=hamlet.unvisited))
    if canvasser:
        lines.append(say(mark("Canvasser: {name}"), name=canvasser))
    return Sheet(
        hamlet.label or say(mark("Hamlet not told")),
        tuple(lines),
        tuple(_house(one, words, say(_WRITE_DOSE), say(_WRITE_HOUSE)) for one in walk.houses),
        say(mark("No house of this list here today.")),
    )


_WRITE_DOSE = mark("Given ……/…… vaccine ……………… lot ……………… or not, because ……………… again ……/……")
_WRITE_HOUSE = mark("People met ………… by ……………………………………… again on ……/……")


def _house(walked: WalkedHouse, words: WalkWords, write_dose: str, write_house: str) -> SheetHouse:
    people = tuple(SheetPerson(words.who(walked, seen), words.why(walked, seen), write_dose) for seen in walked.people)
    return SheetHouse(
        walked.house.id,
        words.title(walked),
        words.facts(walked),
        walked.point,
        people or (SheetPerson(write_house, ""),),
        any(seen.why in (Why.DUE, Why.BACK) for seen in walked.people),
    )
