"""A lot on paper: its houses in words, as a PDF to take along and to write on."""

from __future__ import annotations

from pathlib import Path

from mapper.errors import mark
from mapper.formats.lot_sheet import LotPart, LotRow, LotSheet, LotWords, draw_lot_sheet
from mapper.language import translate
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.lots import REASONS, DrawnHouse, Lot, lot
from mapper.services.reference import Reference


def print_lot(
    reference: Reference, user: User, number: int, address: str, language: str, project: str, fonts: Path
) -> bytes:
    """The PDF of a lot; that it was made is entered in the audit trail. Raises NotFound as ``lots.lot``.

    address: of the lot's page, for its QR code. fonts: folder of the sheets' fonts.
    """
    shown = lot(reference, user, number)
    pdf = draw_lot_sheet(_sheet(shown, address, language), _words(language, project), fonts)
    facts = {"campaign": shown.kept.campaign_id, "houses": sum(len(each.houses) for each in shown.houses)}
    audit.record_seen(reference, user.id, user.name, "lot.printed", str(number), facts)
    return pdf


def _sheet(shown: Lot, address: str, language: str) -> LotSheet:
    def say(message: str, **facts: object) -> str:
        return translate(message, language, **facts)

    def row(each: DrawnHouse, hamlet: str = "") -> LotRow:
        house = each.row
        facts = [hamlet]
        if house is not None:
            number = house.house_number
            title = say(mark("House {number}"), number=number) if number else say(mark("House without number"))
            title = f"{title} · {house.head}" if house.head else title
            facts += [] if house.point else [say(mark("no position known"))]
        elif each.house.unlisted:
            title = say(mark("House not visited yet, number {number}"), number=each.house.unlisted)
            facts.append(say(mark("count houses that no canvasser came to"), number=each.house.unlisted))
        else:
            title = say(mark("House outside your area"))
        return LotRow(each.house.position, title, " · ".join(filter(None, facts)))

    nowhere = say(mark("Hamlet not told"))
    parts = [LotPart(hamlet.label or nowhere, tuple(row(each) for each in hamlet.houses)) for hamlet in shown.houses]
    if shown.spare:
        spare = tuple(row(each, label or nowhere) for label, each in shown.spare)
        parts.append(LotPart(say(mark("Spare houses, to be taken in this order")), spare, spare=True))
    rule = say(
        mark("Look at {people} people. The lot is accepted if at most {allowed} of them are not vaccinated."),
        people=shown.rule.n,
        allowed=shown.rule.d,
    )
    lines = (
        f"{shown.group[language]}, {shown.dose[language]}",
        rule,
        say(
            mark(
                "In each house look at one person of the group: the one whose birthday comes next. See the card or the "
                "vaccination list; a word alone is not enough."
            )
        ),
        say(
            mark(
                "The houses stand in the order of walking. Nobody of the group there, or nobody met at a second visit: "
                "take the next spare house."
            )
        ),
    )
    return LotSheet(
        f"{say(mark('Lot {number}'), number=shown.kept.id)} · {shown.area}",
        lines,
        tuple(parts),
        tuple(say(words) for words in REASONS.values()),
        address,
    )


def _words(language: str, project: str) -> LotWords:
    def say(message: str, **facts: object) -> str:
        return translate(message, language, **facts)

    return LotWords(
        language,
        house=say(mark("House")),
        seen=say(mark("Seen")),
        vaccinated=say(mark("Vaccinated")),
        not_vaccinated=say(mark("Not vaccinated")),
        reason=say(mark("Reason")),
        reasons=say(mark("Reason, if not vaccinated:")),
        instead_of=say(mark("instead of house number …………")),
        monitor=say(mark("Monitor: …………………………………………………… Day: ……/……/…………")),
        scan=say(mark("Scan to enter findings")),
        continued=say(mark("continued")),
        page=say(mark("Page {page} of {pages}"), page="{page}", pages="{pages}"),
        foot=say(
            mark("{project} · Personal data: show it to nobody and bring it back to the office."), project=project
        ),
    )
