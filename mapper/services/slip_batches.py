"""Slips for more people than a reader waits for: a PDF for each hamlet, all in one zip.

Nothing is given out before the file is whole: whoever stops the work leaves no slip behind that nobody holds. Held in
memory are the people of some houses, one PDF, and of each slip made what is kept of it.
"""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mapper.domain.people import Person
from mapper.domain.places import fold
from mapper.errors import InvalidInput, TooLarge, mark
from mapper.formats.slip_sheet import Paper
from mapper.services import audit, slips
from mapper.services.accounts import User
from mapper.services.background import Progress
from mapper.services.files_to_fetch import Made, folder_of
from mapper.services.filter_words import for_the_trail
from mapper.services.filtered import Filtered, FilterQuestion, filtered
from mapper.services.reference import Reference
from mapper.services.slip_words import print_slips
from mapper.services.slips import Choice, Given, Signing
from mapper.store import follow_up
from mapper.store import slips as store
from mapper.store.slips import NewSlip

MOST = 10_000
"""Slips in one zip."""

IN_A_FILE = 400
"""Slips in one PDF: fifty sheets of eight, a hundred of four. A larger hamlet has several."""

_WRITTEN = 0.97
"""Share of the work that is done when all PDFs are written."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose slips are wanted and how. address: of the page that checks them; fonts: folder of the sheets' fonts."""

    question: FilterQuestion
    choice: Choice
    paper: Paper
    day: date
    language: str
    project: str
    address: str
    fonts: Path


def make(reference: Reference, user: User, wish: Wish, progress: Progress = lambda share: None) -> Made:
    """Give slips to everybody whom a filter wants, as a zip; it is entered in the audit trail.

    Raises InvalidInput where it wants nobody, TooLarge for more than MOST, and what ``filtered`` and ``slips.give``
    raise; no slip is given then.
    """
    path = folder_of(reference) / f"{secrets.token_hex(16)}.zip"
    question, new, contents = wish.question, list[NewSlip](), dict[str, dict[str, str]]()
    try:
        with reference.database.write() as connection:
            signing = slips.begin_signing(reference, connection, user, question.campaign_id, wish.choice, wish.day)
        with filtered(reference, user, question) as found, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as zipped:
            people, _ = found.count()
            if not people:
                raise InvalidInput(mark("Nobody was chosen. Choose at least one person."))
            if people > MOST:
                raise TooLarge(
                    mark("These are {people} people; at most {most} slips are made at once. Choose fewer."),
                    people=people,
                    most=MOST,
                )
            for number, (hamlet, members) in enumerate(_parts(found), 1):
                given = _give(reference, signing, members, new, contents)
                if given:
                    pdf = print_slips(
                        given, found.campaign, wish.paper, wish.address, wish.language, wish.project, wish.fonts
                    )
                    zipped.writestr(f"{number:03}-{_in_a_name(hamlet)}.pdf", pdf)
                progress(_WRITTEN * min(1.0, len(new) / people))
        with reference.database.write() as connection:
            slips.keep_given(reference, connection, question.campaign_id, contents, new)
            facts = {"campaign": question.campaign_id, "number": len(new), "file": "zip"}
            facts |= {"set": found.places.id, "filter": for_the_trail(question.wanted)}
            audit.record(reference, connection, user.id, user.name, "slip.given", question.campaign_id, facts)
            progress(1.0)  # the last moment at which it may be stopped
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Made(path, len(new))


def _parts(found: Filtered) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The name of a hamlet with (household, person) of up to IN_A_FILE of its people, in the order of lists."""
    at, members = "", list[tuple[str, str]]()
    for rows in found.people():
        for row in rows:
            hamlet = found.place(row.cell).hamlet
            if members and (hamlet != at or len(members) == IN_A_FILE):
                yield at, members
                members = []
            at = hamlet
            members.append((row.household_id, row.id))
    if members:
        yield at, members


def _give(
    reference: Reference,
    signing: Signing,
    members: list[tuple[str, str]],
    new: list[NewSlip],
    contents: dict[str, dict[str, str]],
) -> list[Given]:
    """Slips of some people, added to those made; somebody whom the register lost since the list was read gets none."""
    with reference.database.read() as connection:
        houses = store.houses(reference.database, connection, signing.campaign_id, [house for house, _ in members])
        seqs = {house: seq for house, (seq, _) in houses.items()}
        told = follow_up.people(reference.database, connection, list(seqs.values()))
    by_house: dict[str, dict[str, Person]] = {
        house: {person.id: person for person, _ in told.get(seq, [])} for house, seq in seqs.items()
    }
    given = []
    for house, person_id in members:
        if (person := by_house.get(house, {}).get(person_id)) is not None:
            one, kept = signing.slip(house, person)
            given.append(one)
            new.append(kept)
    contents.update(
        {house: {key: signing.sealed(one) for key, one in all_.items()} for house, all_ in by_house.items()}
    )
    return given


def _in_a_name(hamlet: str) -> str:
    """A hamlet's name as part of a file's name."""
    words = "".join(letter if letter.isalnum() and letter.isascii() else " " for letter in fold(hamlet))
    return "-".join(words.split())[:40] or "-"
