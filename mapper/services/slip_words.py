"""Slips in words: for paper, for the page that checks one, and for the page that checks without a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mapper.domain.campaign import Campaign
from mapper.domain.slip import RevokedFor, Slip, Standing
from mapper.errors import mark
from mapper.formats.slip_code import Fault
from mapper.formats.slip_sheet import Paper, SlipCard, SlipWords, draw_slips
from mapper.language import LANGUAGES, translate
from mapper.services.slips import Given

TITLE = mark("Record of vaccine doses")
NOTICE = mark(
    "This is a record of the door-to-door census. It is not an official vaccination certificate "
    "and does not replace one."
)

STANDINGS: Mapping[Standing, str] = {
    Standing.GOOD: mark("This slip is genuine and still agrees with the census."),
    Standing.SUPERSEDED: mark("Superseded: the census knows something else by now. Ask for a new slip."),
    Standing.REVOKED: mark("This slip was revoked. It holds no more."),
    Standing.EXPIRED: mark("This slip has expired. Ask for a new one."),
    Standing.UNKNOWN: mark("The signature is right, but this server never gave out this slip. Do not rely on it."),
    Standing.WITHDRAWN: mark("The key that signed this slip was withdrawn. Do not rely on it; ask for a new slip."),
}

FAULTS: Mapping[Fault, str] = {
    Fault.NO_SLIP: mark("This is no slip of the census. Scan the code again, or copy all of its text."),
    Fault.OTHER_KEY: mark("This slip was signed elsewhere: its key is none of this server's."),
    Fault.FORGED: mark(
        "The signature does not fit: something on this slip was changed, or not all of its text was copied."
    ),
}

REASONS: Mapping[RevokedFor, str] = {
    RevokedFor.MISTAKE: mark("something on it is wrong"),
    RevokedFor.OTHER_PERSON: mark("given to the wrong person"),
    RevokedFor.LOST: mark("lost"),
    RevokedFor.ASKED: mark("the person asked for it"),
    RevokedFor.REPLACED: mark("replaced by a newer one"),
}


class SlipTexts:
    """What is said of slips in one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def _say(self, message: str, **facts: object) -> str:
        return translate(message, self._language, **facts)

    def name(self, slip: Slip) -> str:
        """What the slip calls its person."""
        return slip.name or self._say(mark("Without a name"))

    def born(self, slip: Slip) -> str:
        """The birth as exactly as the slip tells it."""
        if not slip.born:
            return self._say(mark("date of birth not known"))
        if slip.born.startswith("~"):
            return self._say(mark("born about {year}"), year=slip.born[1:])
        return self._say(mark("born {day}"), day="/".join(reversed(slip.born.split("-"))))

    def doses(self, slip: Slip, campaign: Campaign | None) -> tuple[str, ...]:
        """Each dose with its day and vaccine."""
        labels = campaign.doses if campaign else {}
        vaccines = campaign.vaccines if campaign else {}
        found = []
        for dose in slip.doses:
            called = labels[dose.code][self._language] if dose.code in labels else dose.code
            when = f"{dose.given_on:%d/%m/%Y}" if dose.given_on else self._say(mark("day unknown"))
            vaccine = vaccines[dose.vaccine][self._language] if dose.vaccine in vaccines else dose.vaccine
            found.append(" · ".join(part for part in (called, when, vaccine) if part))
        return tuple(found)

    def days(self, slip: Slip) -> tuple[str, str]:
        """The day on which it was given, and until when it is good."""
        return (
            self._say(mark("Given {day}"), day=f"{slip.issued_on:%d/%m/%Y}"),
            self._say(mark("Good until {day}"), day=f"{slip.until:%d/%m/%Y}"),
        )


def print_slips(
    given: Sequence[Given], campaign: Campaign, paper: Paper, address: str, language: str, project: str, fonts: Path
) -> bytes:
    """The PDF of slips.

    address: of the page that checks them, without a fragment. fonts: folder of the sheets' fonts.
    """
    texts = SlipTexts(language)
    both = [language, *(one for one in LANGUAGES if one != language)]
    cards = [
        SlipCard(
            texts.name(one.slip),
            texts.born(one.slip),
            texts.doses(one.slip, campaign),
            (*texts.days(one.slip), translate(mark("Slip {number}"), language, number=one.slip.id)),
            f"{address}#{one.text}",
        )
        for one in given
    ]
    words = SlipWords(
        language=language,
        project=f"{project} · {campaign.label[language]}",
        titles=tuple(translate(TITLE, one) for one in both),
        notices=tuple(translate(NOTICE, one) for one in both),
        no_dose=translate(mark("The census knows of no dose."), language),
        fold=translate(mark("Cut along the frame, fold at the dashes."), language),
    )
    return draw_slips(cards, paper, words, fonts)
