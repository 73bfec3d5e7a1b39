"""A form's submissions as tables: one of the form, and one of each repeat, whose rows name the row they stand in.

Works for every form. Columns and keys are those of ODK Central's exports: a row of a repeat has the key of the row
around it, a slash, its path and its number in brackets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from unicodedata import normalize

from lxml import etree

from mapper.formats.xform import XFormModel
from mapper.formats.xml import local_name

Path = tuple[str, ...]
"""Names of nodes below the root."""

POINT_PARTS = ("Latitude", "Longitude", "Altitude", "Accuracy")


@dataclass(frozen=True, slots=True)
class Question:
    """A column: where its node stands below the root, and the form's type of it."""

    path: Path
    type: str


@dataclass(frozen=True, slots=True)
class SubmissionTable:
    """The form's own table, of the path (), or that of a repeat. parent: of the table around it; None for the form's.

    questions: those in it and in its groups, but not in a repeat inside.
    """

    path: Path
    parent: Path | None
    questions: tuple[Question, ...]

    def inner(self, path: Path) -> Path:
        """A path below this table's own node."""
        return path[len(self.path) :]


@dataclass(slots=True)
class TableRow:
    """One row. key: its own; parent: of the row that it stands in, "" for a submission. values: texts by path."""

    table: Path
    key: str
    parent: str
    values: dict[Path, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The key as OData has it: of a repeat's row short and without slashes."""
        return short(self.key) if self.parent else self.key

    @property
    def parent_id(self) -> str:
        """The parent's id."""
        return short(self.parent) if "[" in self.parent else self.parent


def short(key: str) -> str:
    """An id for a row of a repeat, the same at every asking."""
    return hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()


def tables_of(models: Sequence[XFormModel]) -> list[SubmissionTable]:
    """The tables of a form whose versions these are, the newest first; what only an older one asked comes last."""
    types: dict[Path, str] = {}
    repeats: dict[Path, None] = {}
    inner: set[Path] = set()
    for model in models:
        for node in model.nodes:
            path = tuple(node.path.split("/")[2:])
            if not path:
                continue
            inner.update(path[:end] for end in range(1, len(path)))
            if node.repeat:
                repeats.setdefault(path)
            types.setdefault(path, node.type)
    tables: dict[Path, list[Question]] = {(): []} | {path: [] for path in repeats}

    def around(path: Path) -> Path:
        return next((path[:end] for end in range(len(path) - 1, 0, -1) if path[:end] in repeats), ())

    for path, kind in types.items():
        if path not in inner and path not in repeats:
            tables[around(path)].append(Question(path, kind))
    return [SubmissionTable(path, around(path) if path else None, tuple(asked)) for path, asked in tables.items()]


def read_rows(root: etree._Element, key: str, tables: Mapping[Path, SubmissionTable]) -> Iterator[TableRow]:
    """The rows of one submission, each before those inside it. key: of the submission."""
    rows: list[TableRow] = []

    def begin(row: TableRow) -> TableRow:
        rows.append(row)
        return row

    # Not recursive: a submission may be nested deeper than Python likes.
    waiting: list[tuple[etree._Element, Path, str, TableRow]] = [(root, (), key, begin(TableRow((), key, "")))]
    while waiting:
        element, path, at, row = waiting.pop()
        counted: dict[Path, int] = {}
        below = []
        for child in element:
            inner = (*path, local_name(child))
            if inner in tables:
                counted[inner] = counted.get(inner, 0) + 1
                its_key = f"{at}/{inner[-1]}[{counted[inner]}]"
                below.append((child, inner, its_key, begin(TableRow(inner, its_key, row.key))))
            elif len(child):
                below.append((child, inner, f"{at}/{inner[-1]}", row))
            elif text := (child.text or "").strip():
                row.values[inner] = normalize("NFC", text)
        waiting.extend(reversed(below))
    yield from rows


def headings(table: SubmissionTable) -> list[str]:
    """Names of a table's columns, groups before the name; a point has four."""
    found: list[str] = []
    for question in table.questions:
        name = "-".join(table.inner(question.path))
        found += [f"{name}-{part}" for part in POINT_PARTS] if question.type == "geopoint" else [name]
    return found


def cells(table: SubmissionTable, row: TableRow) -> list[str]:
    """A row's values in the order of ``headings``, as they were sent."""
    found: list[str] = []
    for question in table.questions:
        value = row.values.get(question.path, "")
        if question.type == "geopoint":
            parts = value.split()[:4]
            found += [*parts, *[""] * (4 - len(parts))]
        else:
            found.append(value)
    return found


def file_names(form_id: str, tables: Sequence[SubmissionTable]) -> dict[Path, str]:
    """The CSV's name of each table; repeats of one name in several places are numbered."""
    names = [table.path[-1] for table in tables if table.path]
    told: dict[str, int] = {}
    found: dict[Path, str] = {(): f"{form_id}.csv"}
    for table in tables:
        if not table.path:
            continue
        name = table.path[-1]
        told[name] = told.get(name, 0) + 1
        found[table.path] = f"{form_id}-{name}~{told[name]}.csv" if names.count(name) > 1 else f"{form_id}-{name}.csv"
    return found
