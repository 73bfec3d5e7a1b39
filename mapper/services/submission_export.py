"""The submissions of a form, of the user's area, as they were sent: for a zip of CSV files and for a feed."""

from __future__ import annotations

import csv
import secrets
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO
from unicodedata import normalize

from mapper.errors import MapperError, NotFound, mark
from mapper.formats.answers import attachment_names
from mapper.formats.attachment_name import alike, fit_name, unlike
from mapper.formats.cells import harmless
from mapper.formats.instance import Instance, read_instance
from mapper.formats.submission_tables import (
    SubmissionTable,
    TableRow,
    cells,
    file_names,
    headings,
    read_rows,
    tables_of,
)
from mapper.formats.xform import XFormModel
from mapper.language import translate
from mapper.services import audit
from mapper.services.accounts import User, oversees, visible_cells
from mapper.services.audit import VIETNAM
from mapper.services.background import Progress
from mapper.services.files_to_fetch import Made, folder_of
from mapper.services.questions import default_set
from mapper.services.reference import Known, Reference
from mapper.services.review import concerns
from mapper.store import form_life, reviews, submission_feed, submissions
from mapper.store.database import Connection
from mapper.store.submission_feed import FedSubmission, Order, Wanted

TOGETHER = 200
"""Submissions read at once."""

UNREADABLE = "unreadable"
ENCRYPTED = "not decrypted"


@dataclass(frozen=True, slots=True)
class FormTables:
    """A form with its tables: its own first, then those of its repeats."""

    form_id: str
    title: str
    model: XFormModel
    tables: Sequence[SubmissionTable]

    @property
    def by_path(self) -> Mapping[tuple[str, ...], SubmissionTable]:
        """The tables by path."""
        return {table.path: table for table in self.tables}


@dataclass(frozen=True, slots=True)
class Fed:
    """A submission with its rows. status: why it has no answers, "" where it has.

    files: kept, name to SHA-256. expected: how many files its answers name. edits: how often it was edited.
    """

    head: FedSubmission
    rows: Sequence[TableRow]
    status: str
    files: Mapping[str, str]
    expected: int
    edits: int


def every_form(reference: Reference) -> list[tuple[str, str]]:
    """Id and title of each form that was ever published; the title is that of its newest version."""
    with reference.database.read() as connection:
        published = form_life.versions(connection)
    titles: dict[str, str] = {}
    for form_id, _, title, _, offered in published:
        if offered or form_id not in titles:
            titles[form_id] = title
    return list(titles.items())


def form_tables(reference: Reference, form_id: str) -> FormTables:
    """The tables of a form. Raises NotFound."""
    with reference.database.read() as connection:
        models = [XFormModel.from_json(text) for text in submission_feed.versions_of(connection, form_id)]
    if not models:
        raise NotFound(mark("There is no form {form_id}."), form_id=form_id[:80])
    return FormTables(form_id, models[0].title, models[0], tables_of(models))


class Feed:
    """The submissions of a form that a user may see, while the transaction lasts."""

    def __init__(
        self, reference: Reference, connection: Connection, user: User, form: FormTables, wanted: Wanted | None = None
    ) -> None:
        self._reference, self._connection, self._user, self._form = reference, connection, user, form
        self._wanted = wanted
        cells_seen = visible_cells(reference, connection, user)
        self._cells = None if cells_seen is None else frozenset(cells_seen)
        self._by_path = form.by_path

    def count(self) -> int:
        """How many there are."""
        if self._cells is None:
            return submission_feed.count(self._connection, self._form.form_id, self._wanted)
        return sum(1 for _ in self._heads(0))

    def all(self, skip: int = 0, top: int | None = None, after: int = 0, order: Order = ()) -> Iterator[Fed]:
        """Them as they first came, or as ``order`` says, a few at a time. after: see ``submission_feed.numbers``."""
        some: list[FedSubmission] = []
        for head in self._heads(skip, top, after, order):
            some.append(head)
            if len(some) == TOGETHER:
                yield from self._read(some)
                some = []
        yield from self._read(some)

    def one(self, key: str) -> Fed:
        """The one of that key. Raises NotFound."""
        head = submission_feed.by_key(self._reference.database, self._connection, self._form.form_id, key)
        if head is None or not self._sees(head):
            raise NotFound(mark("There is no submission {instance_id} in your area."), instance_id=key[:80])
        return next(iter(self._read([head])))

    def _heads(self, skip: int, top: int | None = None, after: int = 0, order: Order = ()) -> Iterator[FedSubmission]:
        # Without an area to look at, the store leaves out what is passed over.
        held = (skip, top) if self._cells is None else (0, None)
        form, database = self._form.form_id, self._reference.database
        seqs = submission_feed.numbers(self._connection, form, self._wanted, order, after, *held)
        seen = (
            head
            for first in range(0, len(seqs), TOGETHER)
            for head in submission_feed.some(database, self._connection, form, seqs[first : first + TOGETHER])
            if self._sees(head)
        )
        if self._cells is None:
            return seen
        return islice(seen, skip, None if top is None else skip + top)

    def _sees(self, head: FedSubmission) -> bool:
        if self._cells is None:
            return True
        if head.cell_id is not None:
            return head.cell_id in self._cells
        if head.state != "processed":
            stored = submissions.read(self._reference.database, self._connection, head.instance_id)
            return stored is not None and concerns(self._reference, self._connection, self._user, stored)
        return oversees(self._reference, self._connection, self._user, head.sender_id)

    def _read(self, heads: Sequence[FedSubmission]) -> Iterator[Fed]:
        database, connection = self._reference.database, self._connection
        xmls = submission_feed.xml_of(database, connection, [head.seq for head in heads])
        versions = {
            head.key: reviews.lineage(connection, head.instance_id) if head.edited else [head.instance_id]
            for head in heads
        }
        kept = submission_feed.attachments_of(database, connection, [one for ids in versions.values() for one in ids])
        for head in heads:
            files: dict[str, str] = {}
            for each in versions[head.key]:
                files |= kept.get(each, {})
            rows: Sequence[TableRow] = [TableRow((), head.key, "")]
            status, expected = UNREADABLE, 0
            try:
                instance: Instance = read_instance(xmls[head.seq], None)
                status = ENCRYPTED if instance.encrypted else ""
                if not status:
                    rows = list(read_rows(instance.root, head.key, self._by_path))
                    expected = len(attachment_names(instance, self._form.model))
            except MapperError:
                pass
            yield Fed(head, rows, status, files, expected, len(versions[head.key]) - 1)


def review_word(review: str) -> str | None:
    """A review state as ODK Central calls it; None where nobody looked."""
    return {"has_issues": "hasIssues", "approved": "approved"}.get(review)


ABOUT = "about.txt"
"""The file in a zip that says of what it is."""


@dataclass(frozen=True, slots=True)
class ZipWish:
    """What zip is wanted. attachments: whether files sent with submissions are in it; sample: whether all is invented,
    which it then says.
    """

    form_id: str
    attachments: bool
    language: str
    sample: bool


def about_submissions(reference: Reference, user: User, wish: ZipWish, number: int) -> list[tuple[str, str]]:
    """What a file of submissions says of itself: form, date, filter, boundary set, how many."""

    def say(message: str) -> str:
        return translate(message, wish.language)

    with reference.database.read() as connection:
        known = reference.known(connection)
    areas = [area_name(known, *area) for area in user.areas]
    media = mark("all, in the folder media") if wish.attachments else mark("left out")
    lines = [
        (say(mark("Form")), wish.form_id),
        (say(mark("Made on")), f"{datetime.now(VIETNAM):%d/%m/%Y %H:%M}"),
        (say(mark("Filter")), f"{say(mark('Area'))}: {', '.join(areas)}" if areas else say(mark("everything"))),
        (say(mark("Boundary set")), default_set(known).about.label if known.sets else "-"),
        (say(mark("Submissions")), str(number)),
        (say(mark("Files sent with them")), say(media)),
    ]
    return [*lines, (say(mark("These households and people are invented.")), "")] if wish.sample else lines


def area_name(known: Known, set_id: str, code: str) -> str:
    """What one of a user's areas is called, with its code."""
    if not set_id:
        hamlet = known.hamlets.get(code)
        return f"{hamlet.label} ({code})" if hamlet else code
    units = known.sets[set_id].units if set_id in known.sets else {}
    name = next((unit.name for (_, at), unit in units.items() if at == code), "")
    return f"{name} ({code})" if name else code


def write_zip(reference: Reference, user: User, wish: ZipWish, progress: Progress = lambda share: None) -> Made:
    """A zip with a CSV for the form and for each of its repeats, and the files sent with it in ``media``.

    ABOUT says of what it is. Raises NotFound. The audit trail has it before anybody does.
    """
    form_id = wish.form_id
    form = form_tables(reference, form_id)
    path = folder_of(reference) / f"{secrets.token_hex(16)}.zip"
    names = file_names(form_id, form.tables)
    number = 0
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as aside, zipfile.ZipFile(path, "w") as archive:
            with ExitStack() as stack, reference.database.read() as connection:
                tables = {
                    table.path: _Csv(stack.enter_context(_opened(Path(aside) / f"{place}.csv")), table)
                    for place, table in enumerate(form.tables)
                }
                feed = Feed(reference, connection, user, form)
                every, media = feed.count(), _Media(archive, connection)
                for fed in feed.all():
                    files = media.add(fed.files) if wish.attachments else {}
                    for row in fed.rows:
                        tables[row.table].write(row, fed, files)
                    number += 1
                    progress(0.95 * number / max(1, every))
            for place, table in enumerate(form.tables):
                archive.write(Path(aside) / f"{place}.csv", names[table.path], zipfile.ZIP_DEFLATED, 1)
            told = about_submissions(reference, user, wish, number)
            archive.writestr(
                ABOUT, "\ufeff" + "".join(f"{what}: {value}".rstrip(": ") + "\r\n" for what, value in told)
            )
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    audit.record_seen(reference, user.id, user.name, "submissions.exported", form_id, {"file": "zip", "number": number})
    return Made(path, number)


def _opened(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="")


class _Csv:
    """One table being written, columns as ODK Central orders them."""

    def __init__(self, file: TextIO, table: SubmissionTable) -> None:
        self._table = table
        self._writer: Any = csv.writer(file)
        file.write("\ufeff")
        if table.path:
            self._writer.writerow([*headings(table), "PARENT_KEY", "KEY"])
        else:
            told = ("SubmitterID", "SubmitterName", "AttachmentsPresent", "AttachmentsExpected", "Status")
            more = ("ReviewState", "DeviceID", "Edits", "FormVersion")
            self._writer.writerow(["SubmissionDate", *headings(table), "KEY", *told, *more])

    def write(self, row: TableRow, fed: Fed, files: Mapping[str, str]) -> None:
        """Add a row. files: what is called otherwise in the zip."""
        if files:
            for question in self._table.questions:
                value = row.values.get(question.path, "")
                if question.type == "binary" and value in files:
                    row.values[question.path] = files[value]
        told = cells(self._table, row)
        if self._table.path:
            line = [*told, row.parent, row.key]
        else:
            head = fed.head
            line = [
                *(head.submitted_at, *told, row.key, str(head.sender_id or ""), head.sender or ""),
                *(str(len(fed.files)), str(fed.expected), fed.status, review_word(head.review) or ""),
                *(head.device_id or "", str(fed.edits), head.form_version),
            ]
        self._writer.writerow([value if _is_number(value) else harmless(value) for value in line])


def _is_number(text: str) -> bool:
    """Whether a cell is a number, which a spreadsheet may take for one."""
    try:
        float(text)
    except ValueError:
        return not text
    return True


class _Media:
    """Files of submissions in the zip; of another content under a name that is taken, under a new one."""

    def __init__(self, archive: zipfile.ZipFile, connection: Connection) -> None:
        self._archive, self._connection = archive, connection
        self._called: dict[tuple[str, bytes], str] = {}
        self._taken: set[str] = set()

    def add(self, files: Mapping[str, str]) -> dict[str, str]:
        """Put files in; returns, by the names in the answers, those of files that are called otherwise there."""
        renamed = {}
        for name, sha256 in files.items():
            plain = fit_name(name)
            held = alike(plain), bytes.fromhex(sha256)
            if held not in self._called:
                content = submissions.read_blob(self._connection, sha256)
                if content is None:
                    continue
                called = self._called[held] = unlike(plain, self._taken)
                self._taken.add(alike(called))
                self._archive.writestr(f"media/{called}", content)
            if self._called[held] != (written := normalize("NFC", name)):
                renamed[written] = self._called[held]
        return renamed
