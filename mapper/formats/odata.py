"""A form's submissions as an OData 4 feed: service document, metadata and rows.

In the manner of ODK Central's: entity sets ``Submissions`` and ``Submissions.REPEAT``, rows with ``__id``, submissions
with ``__system``, rows of repeats with the id of the row they stand in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from mapper.formats.odata_values import TYPES, value_of
from mapper.formats.submission_tables import Path, SubmissionTable, TableRow

ROOT = "Submissions"
LONGEST = 120
"""Characters of a name at most; OData allows 128, and a number may follow."""
SYSTEM = {
    "submissionDate": "Edm.DateTimeOffset",
    "updatedAt": "Edm.DateTimeOffset",
    "submitterId": "Edm.String",
    "submitterName": "Edm.String",
    "attachmentsPresent": "Edm.Int64",
    "attachmentsExpected": "Edm.Int64",
    "status": "Edm.String",
    "reviewState": "Edm.String",
    "deviceId": "Edm.String",
    "edits": "Edm.Int64",
    "formVersion": "Edm.String",
}
"""What ``__system`` tells of a submission."""


def identifier(name: str) -> str:
    """A name that OData takes."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)[:LONGEST]
    return plain if plain[:1].isalpha() or plain.startswith("_") else f"_{plain}"


class Names:
    """What the nodes of a form are called in its feed: no two in one place alike, and no two types."""

    def __init__(self, tables: Sequence[SubmissionTable]) -> None:
        self._of: dict[Path, str] = {}
        self._types: dict[Path, str] = {(): ROOT}
        taken: dict[Path, set[str]] = {}
        types = {ROOT}
        repeats = {table.path for table in tables}
        for table in tables:
            for path in (table.path, *(one.path for one in table.questions)):
                for end in range(1, len(path) + 1):
                    node = path[:end]
                    if node in self._of:
                        continue
                    others = taken.setdefault(node[:-1], {"__id", "__system"})
                    self._of[node] = _unlike(identifier(node[-1]), others)
                    kind = ROOT if node in repeats else "group"
                    self._types[node] = _unlike("_".join([kind, *self.steps(node)])[:LONGEST], types)

    def last(self, path: Path) -> str:
        """The node at the end of a path."""
        return self._of[path]

    def steps(self, path: Path) -> list[str]:
        """Every node of a path, from the outermost."""
        return [self._of[path[:end]] for end in range(1, len(path) + 1)]

    def type_name(self, path: Path) -> str:
        """The type of a table's rows, or of a group. Without dots, at which some readers would cut it."""
        return self._types[path]

    def set_name(self, table: Path) -> str:
        """The entity set of a table."""
        return ".".join([ROOT, *self.steps(table)])

    def parent_property(self, parent: Path) -> str:
        """The property of a repeat's rows that tells the row they stand in."""
        return f"__{'-'.join([ROOT, *self.steps(parent)])}-id"


def _unlike(name: str, others: set[str]) -> str:
    """A name, with a number behind it where others are called so; it then belongs to them."""
    called, turn = name, 1
    while called in others:
        turn += 1
        called = f"{name}_{turn}"
    others.add(called)
    return called


@dataclass(frozen=True, slots=True)
class Shape:
    """The tables of a form as the feed shows them. tables: by path, the form's own first."""

    tables: Mapping[Path, SubmissionTable]
    names: Names

    @classmethod
    def of(cls, tables: Sequence[SubmissionTable]) -> Shape:
        """The shape of these tables."""
        return cls({table.path: table for table in tables}, Names(tables))

    def table(self, steps: Sequence[str]) -> SubmissionTable | None:
        """The table whose nodes are called so."""
        return next((one for path, one in self.tables.items() if self.names.steps(path) == list(steps)), None)

    def within(self, table: SubmissionTable) -> list[SubmissionTable]:
        """The tables of the repeats that stand in a table's rows."""
        return [one for path, one in self.tables.items() if path and one.parent == table.path]

    def steps_in(self, table: SubmissionTable, path: Path) -> list[str]:
        """The names of the nodes of a path below a table's own."""
        return self.names.steps(path)[len(table.path) :]

    def properties(self, table: SubmissionTable) -> Properties:
        """The properties of a table's rows by name; of a property that has some itself, those, else none."""
        own: Properties = {name: {} for name in SYSTEM} if table.parent is None else {}
        found: Properties = {"__id": {}, "__system": own} if table.parent is None else {"__id": {}}
        if table.parent is not None:
            found[self.names.parent_property(table.parent)] = {}
        for path in (*(one.path for one in table.questions), *(one.path for one in self.within(table))):
            at = found
            for name in self.steps_in(table, path):
                at = at.setdefault(name, {})
        return found


Properties = dict[str, "Properties"]


def service_document(context: str, shape: Shape) -> dict[str, Any]:
    """Which tables there are. context: address of the metadata."""
    sets = [shape.names.set_name(path) for path in shape.tables]
    return {"@odata.context": context, "value": [{"name": one, "kind": "EntitySet", "url": one} for one in sets]}


class _Type:
    """A type of the metadata while its properties are gathered."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str] = []


CAPABILITIES = "Org.OData.Capabilities.V1"
_REFERENCE = (
    '<edmx:Reference Uri="https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Capabilities.V1.xml">'
    f'<edmx:Include Namespace="{CAPABILITIES}"/></edmx:Reference>'
)


def metadata(form_id: str, shape: Shape) -> str:
    """The metadata document, CSDL as XML."""
    names, space = shape.names, f"submissions.{identifier(form_id)}"
    entities, complexes, sets = [], [], []
    for table in shape.tables.values():
        entity = _Type(names.type_name(table.path))
        entity.lines += ['<Key><PropertyRef Name="__id"/></Key>', _property("__id", "Edm.String", nullable=False)]
        if table.parent is None:
            entity.lines.append(_property("__system", "submissions.system"))
        else:
            entity.lines.append(_property(names.parent_property(table.parent), "Edm.String"))
        groups: dict[Path, _Type] = {table.path: entity}

        def of(group: Path, groups: dict[Path, _Type] = groups) -> _Type:
            if group not in groups:
                groups[group] = made = _Type(names.type_name(group))
                of(group[:-1]).lines.append(_property(names.last(group), f"{space}.{made.name}"))
            return groups[group]

        for question in table.questions:
            kind = TYPES.get(question.type, "Edm.String")
            of(question.path[:-1]).lines.append(_property(names.last(question.path), kind))
        bindings = []
        for inner in shape.within(table):
            name, target = names.last(inner.path), names.set_name(inner.path)
            rows = f"Collection({space}.{names.type_name(inner.path)})"
            of(inner.path[:-1]).lines.append(
                f'<NavigationProperty Name={quoteattr(name)} Type={quoteattr(rows)} ContainsTarget="false"/>'
            )
            at = "/".join(shape.steps_in(table, inner.path))
            bindings.append(f"<NavigationPropertyBinding Path={quoteattr(at)} Target={quoteattr(target)}/>")
        entities.append(_told("EntityType", entity))
        complexes += [_told("ComplexType", one) for path, one in groups.items() if path != table.path]
        sets.append(
            f"<EntitySet Name={quoteattr(names.set_name(table.path))} EntityType={quoteattr(f'{space}.{entity.name}')}>"
            f"{''.join(bindings)}{_restrictions(shape, table)}</EntitySet>"
        )
    system = "".join(_property(name, kind) for name, kind in SYSTEM.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">'
        f"{_REFERENCE}<edmx:DataServices>"
        '<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="submissions">'
        f'<ComplexType Name="system">{system}</ComplexType></Schema>'
        f'<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace={quoteattr(space)}>'
        f"{''.join(entities)}{''.join(complexes)}"
        f"<EntityContainer Name={quoteattr(identifier(form_id))}>{''.join(sets)}"
        f'<Annotation Term="{CAPABILITIES}.BatchSupported" Bool="false"/></EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>\n"
    )


def _restrictions(shape: Shape, table: SubmissionTable) -> str:
    """What of a table cannot be filtered, ordered or searched, so that spreadsheets do that themselves."""
    expandable = {shape.steps_in(table, one.path)[0] for one in shape.within(table) if len(table.inner(one.path)) == 1}
    not_asked = [name for name in shape.properties(table) if name != "__system" and name not in expandable]
    paths = "".join(f"<PropertyPath>{name}</PropertyPath>" for name in not_asked)

    def restriction(term: str, able: str, unable: str) -> str:
        return (
            f'<Annotation Term="{CAPABILITIES}.{term}"><Record><PropertyValue Property="{able}" Bool="true"/>'
            f'<PropertyValue Property="{unable}"><Collection>{paths}</Collection></PropertyValue></Record></Annotation>'
        )

    return (
        restriction("FilterRestrictions", "Filterable", "NonFilterableProperties")
        + restriction("SortRestrictions", "Sortable", "NonSortableProperties")
        + f'<Annotation Term="{CAPABILITIES}.SearchRestrictions"><Record>'
        '<PropertyValue Property="Searchable" Bool="false"/></Record></Annotation>'
    )


def _property(name: str, kind: str, nullable: bool = True) -> str:
    rest = "" if nullable else ' Nullable="false"'
    return f"<Property Name={quoteattr(name)} Type={quoteattr(kind)}{rest}/>"


def _told(kind: str, one: _Type) -> str:
    return f"<{kind} Name={quoteattr(one.name)}>{''.join(one.lines)}</{kind}>"


def row_of(
    row: TableRow,
    shape: Shape,
    system: Mapping[str, Any] | None,
    inside: Sequence[TableRow] = (),
    expanded: Collection[Path] = (),
    wkt: bool = False,
) -> dict[str, Any]:
    """A row as JSON. system: of a submission. inside: all rows of the submission.

    expanded: the repeats written out in it; to each other one of a submission there is only a link. wkt: points, lines
    and areas as text instead of GeoJSON.
    """
    table, names = shape.tables[row.table], shape.names
    told: dict[str, Any] = {"__id": row.id}
    if table.parent is None:
        told["__system"] = dict(system or {})
    else:
        told[names.parent_property(table.parent)] = row.parent_id

    def group(path: Path) -> dict[str, Any]:
        at = told
        for name in shape.steps_in(table, path):
            at = at.setdefault(name, {})
        return at

    for question in table.questions:
        value = value_of(question.type, row.values.get(question.path), wkt)
        group(question.path[:-1])[names.last(question.path)] = value
    for inner in shape.within(table):
        at, name = group(inner.path[:-1]), names.last(inner.path)
        if inner.path in expanded:
            at[name] = [
                row_of(one, shape, None, inside, expanded, wkt)
                for one in inside
                if one.table == inner.path and one.parent == row.key
            ]
        elif table.parent is None:
            key = row.key.replace("'", "''")
            at[f"{name}@odata.navigationLink"] = f"{ROOT}('{quote(key)}')/{'/'.join(names.steps(inner.path))}"
    return told
