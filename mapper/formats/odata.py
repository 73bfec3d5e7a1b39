"""A form's submissions as an OData 4 feed: service document, metadata, rows, and the filters that it takes.

In the manner of ODK Central's: entity sets ``Submissions`` and ``Submissions.REPEAT``, rows with ``__id``, submissions
with ``__system``, rows of repeats with the id of the row they stand in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from mapper.errors import InvalidInput, mark
from mapper.formats.submission_tables import Path, Question, SubmissionTable, TableRow

ROOT = "Submissions"
_TYPES = {
    "int": "Edm.Int64",
    "decimal": "Edm.Double",
    "boolean": "Edm.Boolean",
    "geopoint": "Edm.GeographyPoint",
    "date": "Edm.Date",
    "dateTime": "Edm.DateTimeOffset",
}
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
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if plain[:1].isalpha() or plain.startswith("_") else f"_{plain}"


def set_name(table: Path) -> str:
    """The entity set of a table."""
    return ".".join([ROOT, *map(identifier, table)])


def parent_property(parent: Path) -> str:
    """The property of a repeat's rows that tells the row they stand in."""
    return f"__{'-'.join([ROOT, *map(identifier, parent)])}-id"


def service_document(context: str, tables: Sequence[SubmissionTable]) -> dict[str, Any]:
    """Which tables there are. context: address of the metadata."""
    sets = [set_name(table.path) for table in tables]
    return {"@odata.context": context, "value": [{"name": one, "kind": "EntitySet", "url": one} for one in sets]}


class _Type:
    """A type of the metadata while its properties are gathered."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str] = []
        self.links: list[tuple[str, Path]] = []


def metadata(form_id: str, tables: Sequence[SubmissionTable]) -> str:
    """The metadata document, CSDL as XML."""
    space = f"submissions.{identifier(form_id)}"
    entities, complexes, sets = [], [], []
    for table in tables:
        entity = _Type(set_name(table.path))
        entity.lines += ['<Key><PropertyRef Name="__id"/></Key>', _property("__id", "Edm.String", nullable=False)]
        if table.parent is None:
            entity.lines.append(_property("__system", "submissions.system"))
        else:
            entity.lines.append(_property(parent_property(table.parent), "Edm.String"))
        groups: dict[Path, _Type] = {table.path: entity}

        def of(group: Path, groups: dict[Path, _Type] = groups) -> _Type:
            if group not in groups:
                groups[group] = made = _Type("group." + ".".join(map(identifier, group)))
                of(group[:-1]).lines.append(_property(identifier(group[-1]), f"{space}.{made.name}"))
            return groups[group]

        for question in table.questions:
            kind = _TYPES.get(question.type, "Edm.String")
            of(question.path[:-1]).lines.append(_property(identifier(question.path[-1]), kind))
        bindings = []
        for inner in tables:
            if inner.path and inner.parent == table.path:
                name, target = identifier(inner.path[-1]), set_name(inner.path)
                owner = of(inner.path[:-1])
                owner.lines.append(
                    f"<NavigationProperty Name={quoteattr(name)} "
                    f'Type={quoteattr(f"Collection({space}.{target})")} ContainsTarget="false"/>'
                )
                at = "/".join(map(identifier, table.inner(inner.path)))
                bindings.append(f"<NavigationPropertyBinding Path={quoteattr(at)} Target={quoteattr(target)}/>")
        entities.append(_told("EntityType", entity))
        complexes += [_told("ComplexType", one) for path, one in groups.items() if path != table.path]
        sets.append(
            f"<EntitySet Name={quoteattr(entity.name)} EntityType={quoteattr(f'{space}.{entity.name}')}>"
            f"{''.join(bindings)}</EntitySet>"
        )
    system = "".join(_property(name, kind) for name, kind in SYSTEM.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>'
        '<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="submissions">'
        f'<ComplexType Name="system">{system}</ComplexType></Schema>'
        f'<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace={quoteattr(space)}>'
        f"{''.join(entities)}{''.join(complexes)}"
        f"<EntityContainer Name={quoteattr(identifier(form_id))}>{''.join(sets)}</EntityContainer>"
        "</Schema></edmx:DataServices></edmx:Edmx>\n"
    )


def _property(name: str, kind: str, nullable: bool = True) -> str:
    rest = "" if nullable else ' Nullable="false"'
    return f"<Property Name={quoteattr(name)} Type={quoteattr(kind)}{rest}/>"


def _told(kind: str, one: _Type) -> str:
    return f"<{kind} Name={quoteattr(one.name)}>{''.join(one.lines)}</{kind}>"


def row_of(
    row: TableRow,
    tables: Mapping[Path, SubmissionTable],
    system: Mapping[str, Any] | None,
    inside: Sequence[TableRow] | None,
) -> dict[str, Any]:
    """A row as JSON. system: of a submission. inside: all rows of the submission where repeats are written out in it;
    else there is only a link to each.
    """
    table = tables[row.table]
    told: dict[str, Any] = {"__id": row.id}
    if table.parent is None:
        told["__system"] = dict(system or {})
    else:
        told[parent_property(table.parent)] = row.parent_id

    def group(path: Path) -> dict[str, Any]:
        at = told
        for name in table.inner(path):
            at = at.setdefault(identifier(name), {})
        return at

    for question in table.questions:
        group(question.path[:-1])[identifier(question.path[-1])] = value_of(question, row.values.get(question.path))
    for inner in tables.values():
        if not inner.path or inner.parent != row.table:
            continue
        at, name = group(inner.path[:-1]), identifier(inner.path[-1])
        if inside is not None:
            at[name] = [
                row_of(one, tables, None, inside) for one in inside if one.table == inner.path and one.parent == row.key
            ]
        elif table.parent is None:
            steps = "/".join(map(identifier, inner.path))
            at[f"{name}@odata.navigationLink"] = f"{ROOT}('{row.key.replace(chr(39), chr(39) * 2)}')/{steps}"
    return told


def value_of(question: Question, text: str | None) -> Any:
    """An answer as its type has it in JSON; null for none, and for what is no value of the type."""
    if not text:
        return None
    try:
        match question.type:
            case "int":
                return int(text)
            case "decimal":
                number = float(text)
                return number if number - number == 0 else None
            case "boolean":
                return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
            case "date":
                return date.fromisoformat(text[:10]).isoformat()
            case "dateTime":
                moment = datetime.fromisoformat(text)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
            case "geopoint":
                lat, lon, *more = (float(part) for part in text.split())
                point: dict[str, Any] = {"type": "Point", "coordinates": [lon, lat, *more[:1]]}
                return point | ({"properties": {"accuracy": more[1]}} if len(more) > 1 else {})
    except ValueError:
        return None
    return text


_ORDERED = re.compile(r"(?:\$root/Submissions/)?__system/(\w+)(?:\s+(asc|desc))?", re.IGNORECASE)
_ORDERS = ("submissionDate", "updatedAt", "submitterId", "reviewState")


def read_order(text: str) -> list[tuple[str, bool]]:
    """An ``$orderby``: what to order by, and whether the other way round. Raises InvalidInput."""
    found = []
    for part in filter(None, map(str.strip, text.split(","))):
        told = _ORDERED.fullmatch(part)
        if told is None or told[1] not in _ORDERS:
            raise InvalidInput(
                mark(
                    "The order {order} is not understood. Order by __system/submissionDate, __system/updatedAt, "
                    "__system/submitterId or __system/reviewState, with asc or desc behind it."
                ),
                order=text[:120],
            )
        found.append((told[1], (told[2] or "").lower() == "desc"))
    return found


_TOKEN = re.compile(
    r"\s*(?:(?P<sign>[(),])|(?P<text>'(?:[^']|'')*')|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>\d+)|(?P<word>[$\w/]+))"
)
_COMPARED = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_REVIEWS = {"hasIssues": "has_issues", "approved": "approved", None: "received"}
_DEEPEST = 40


def read_condition(text: str) -> tuple[Any, ...]:
    """A ``$filter`` on the date of submission or update, the sender, and the review state, with and, or, not.

    Raises InvalidInput, which says what can be asked.
    """
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None or len(text) > 2000:
            raise _unknown(text)
        tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
        at = found.end()
    reader = _Condition(tokens, text)
    told = reader.either(0)
    if reader.tokens:
        raise _unknown(text)
    return told


def _unknown(text: str) -> InvalidInput:
    return InvalidInput(
        mark(
            "The filter {filter} is not understood. Compare __system/submissionDate, __system/updatedAt, "
            "__system/submitterId or __system/reviewState by eq, ne, lt, le, gt, ge; join by and, or, not."
        ),
        filter=text[:120],
    )


class _Condition:
    def __init__(self, tokens: Sequence[tuple[str, str]], text: str) -> None:
        self.tokens, self._text = list(tokens), text

    def _next(self, *wanted: str) -> str | None:
        if self.tokens and self.tokens[0][1] in wanted:
            return self.tokens.pop(0)[1]
        return None

    def either(self, depth: int) -> tuple[Any, ...]:
        found = self._both(depth)
        while self._next("or"):
            found = ("or", found, self._both(depth))
        return found

    def _both(self, depth: int) -> tuple[Any, ...]:
        found = self._one(depth)
        while self._next("and"):
            found = ("and", found, self._one(depth))
        return found

    def _one(self, depth: int) -> tuple[Any, ...]:
        if depth > _DEEPEST:
            raise _unknown(self._text)
        if self._next("not"):
            return ("not", self._one(depth + 1))
        if self._next("("):
            found = self.either(depth + 1)
            if not self._next(")"):
                raise _unknown(self._text)
            return found
        if len(self.tokens) < 3:
            raise _unknown(self._text)
        (_, what), (_, how), (kind, value) = self.tokens[:3]
        del self.tokens[:3]
        name = what.removeprefix("$root/Submissions/").removeprefix("__system/")
        if how not in _COMPARED or not what.endswith(f"__system/{name}"):
            raise _unknown(self._text)
        return (how, name, self._value(name, how, kind, value))

    def _value(self, name: str, how: str, kind: str, value: str) -> Any:
        try:
            if name in ("submissionDate", "updatedAt") and kind == "moment":
                moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
                moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
                return moment.astimezone(UTC).isoformat()[:19]
            if name == "reviewState" and how in ("eq", "ne") and (kind == "text" or value == "null"):
                return _REVIEWS[None if value == "null" else value[1:-1]]
            if name == "submitterId" and kind in ("text", "number"):
                return int(value.strip("'"))
        except (ValueError, KeyError, OverflowError):
            pass
        raise _unknown(self._text)
