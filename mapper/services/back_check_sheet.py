"""A draw for second interviews on paper: for whoever goes there, with nothing that the first interview told."""

from __future__ import annotations

from pathlib import Path

from mapper.domain.places import order_key
from mapper.domain.walk import number_key
from mapper.errors import mark
from mapper.formats.back_check_sheet import CheckSheet, CheckWords, SheetHouse, draw_check_sheet
from mapper.language import translate
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.back_checks import House, Shown, back_check
from mapper.services.reference import Reference


def print_check(reference: Reference, user: User, number: int, language: str, project: str, fonts: Path) -> bytes:
    """The PDF of a draw; that it was made is entered in the audit trail. Raises NotFound as ``back_check``.

    fonts: folder of the sheets' fonts.
    """
    shown = back_check(reference, user, number)
    sheet = _sheet(shown, language)
    pdf = draw_check_sheet(sheet, _words(language, project), fonts)
    facts = {"campaign": shown.kept.campaign_id, "houses": len(sheet.houses)}
    audit.record_seen(reference, user.id, user.name, "backcheck.printed", str(number), facts)
    return pdf


def _sheet(shown: Shown, language: str) -> CheckSheet:
    def say(message: str, **facts: object) -> str:
        return translate(message, language, **facts)

    def going(house: House) -> tuple[object, ...]:
        number = house.visit.house_number if house.visit is not None else None
        return not house.place, order_key(house.place), number_key(number), house.position

    def row(house: House) -> SheetHouse:
        visit = house.visit
        if visit is None:
            return SheetHouse(house.position, say(mark("House outside your area")), (), "")
        number, point = visit.house_number, visit.point
        title = say(mark("House {number}"), number=number) if number else say(mark("House without number"))
        at = f"{point.lat:.5f}, {point.lon:.5f}" if point is not None else say(mark("no position known"))
        facts = [
            say(mark("Head of household: {name}"), name=visit.head) if visit.head else "",
            say(mark("Hamlet: {name}"), name=house.place) if house.place else "",
            say(mark("Position: {position}"), position=at),
        ]
        where = f"geo:{point.lat:.6f},{point.lon:.6f}" if point is not None else ""
        return SheetHouse(house.position, title, tuple(filter(None, facts)), where)

    lines = [
        say(
            mark("Goes there: {name}. Day: ……/……/…………"),
            name=shown.checker or "……………………………………………………",
        ),
        say(
            mark(
                "Ask as if for the first time, and write down what you are told. What the first interview told is left "
                "out on purpose. Nobody met: say so, and come again on another day."
            )
        ),
        say(
            mark("{houses} houses, drawn at random from {of} interviews, each with the same chance. Seed {seed}."),
            houses=len(shown.houses),
            of=shown.kept.drawn_from,
            seed=shown.kept.seed,
        ),
    ]
    title = say(mark("Sheet of second interviews No. {number}"), number=shown.kept.id)
    return CheckSheet(title, tuple(lines), tuple(row(each) for each in sorted(shown.houses, key=going)))


def _words(language: str, project: str) -> CheckWords:
    def say(message: str, **facts: object) -> str:
        return translate(message, language, **facts)

    return CheckWords(
        language,
        office=project,
        motto=(say(mark("SOCIALIST REPUBLIC OF VIET NAM")), say(mark("Independence - Freedom - Happiness"))),
        questions=(
            (say(mark("At this house")), (say(mark("somebody was met")), say(mark("nobody was met")))),
            (say(mark("Somebody had come to ask")), (say(mark("yes")), say(mark("no")))),
            (say(mark("How many people live here")), ("",)),
        ),
        columns=(
            (say(mark("Full name")), 4.2),
            (say(mark("Year of birth")), 1.6),
            (say(mark("Male")), 0.8),
            (say(mark("Female")), 0.8),
            (say(mark("Number of doses")), 1.6),
            (say(mark("Seen on a paper")), 1.8),
        ),
        remark=say(mark("Remarks:")),
        scan=say(mark("Scan for the way")),
        signs=(say(mark("WHO WENT THERE")), say(mark("HEAD OF THE BODY"))),
        sign_below=say(mark("(signature, full name)")),
        page=say(mark("Page {page} of {pages}"), page="{page}", pages="{pages}"),
        foot=say(
            mark("{project} · Personal data: show it to nobody and bring it back to the office."), project=project
        ),
    )
