"""Data values as DHIS2's Web API takes them, as JSON, CSV, XML and ADX (IHE QRPH); each written and read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from xml.sax.saxutils import quoteattr

from mapper.domain.exchange import DataValue, ExchangeMapping, read_period
from mapper.errors import InvalidInput, InvalidQuestion, mark
from mapper.formats.cells import harmless
from mapper.formats.xml import parse

DXF = "http://dhis2.org/schema/dxf/2.0"
ADX = "urn:ihe:qrph:adx:2015"
CSV_HEAD = ("dataelement", "period", "orgunit", "catoptcombo", "attroptcombo", "value")
_JSON_NAMES = ("dataElement", "period", "orgUnit", "categoryOptionCombo", "attributeOptionCombo", "value")


def write_json(values: Iterable[DataValue], mapping: ExchangeMapping) -> bytes:
    """A dataValueSet in JSON, with the schemes of its codes."""
    body = {**_schemes(mapping), "dataValues": [_named(one) for one in values]}
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


def _schemes(mapping: ExchangeMapping) -> dict[str, str]:
    schemes = {
        "dataElementIdScheme": mapping.scheme,
        "categoryOptionComboIdScheme": mapping.scheme,
        "dataSetIdScheme": mapping.scheme,
        "orgUnitIdScheme": mapping.unit_scheme,
    }
    return schemes | ({"dataSet": mapping.data_set} if mapping.data_set else {})


def _named(one: DataValue) -> dict[str, str]:
    # A combo left out is the default one.
    return {name: str(told) for name, told in zip(_JSON_NAMES, one, strict=True) if told != ""}


def write_csv(values: Iterable[DataValue]) -> bytes:
    """The same as CSV; its schemes stand in the address it is sent to."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    writer.writerows([*(harmless(cell) for cell in one[:-1]), one.value] for one in values)
    return file.getvalue().encode()


def write_xml(values: Iterable[DataValue], mapping: ExchangeMapping) -> bytes:
    """The same as XML (DXF 2)."""
    lines = [_tag("dataValue", _named(one), end="/") for one in values]
    return _document(_tag("dataValueSet", {"xmlns": DXF, **_schemes(mapping)}), lines, "dataValueSet")


def write_adx(values: Iterable[DataValue], mapping: ExchangeMapping, exported: str) -> tuple[bytes, list[DataValue]]:
    """ADX, one group a unit and period; and the values left out, of unmapped dimensions. exported: ISO time."""
    lines, left_out = [], []
    for (unit, period, attribute), some in groupby(values, key=lambda one: (one.unit, one.period, one.attribute_combo)):
        facts = {"orgUnit": unit, "period": read_period(period).adx}
        facts |= {"dataSet": mapping.data_set} if mapping.data_set else {}
        facts |= {"attributeOptionCombo": attribute} if attribute else {}
        inner = []
        for one in some:
            dimensions = mapping.dimensions(one.combo)
            if dimensions is None:
                left_out.append(one)
                continue
            told = {"dataElement": one.element, **dimensions, "value": str(one.value)}
            inner.append("  " + _tag("dataValue", told, end="/"))
        if inner:
            lines += [_tag("group", facts), *inner, "</group>"]
    return _document(_tag("adx", {"xmlns": ADX, "exported": exported}), lines, "adx"), left_out


def _tag(name: str, facts: Mapping[str, str], end: str = "") -> str:
    return f"<{name}{''.join(f' {key}={quoteattr(told)}' for key, told in facts.items())}{end}>"


def _document(start: str, lines: Sequence[str], name: str) -> bytes:
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', start, *lines, f"</{name}>", "")).encode()


def read_values(content: bytes, mapping: ExchangeMapping) -> list[DataValue]:
    """The values of a file in any of the four layouts. Raises InvalidInput with the place of what cannot be read."""
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"{":
        found = list(_from_json(content))
    else:
        found = list(_from_xml(content, mapping) if start == b"<" else _from_csv(content))
    if not found:
        raise InvalidInput(mark("The file holds no data values. Export those of the period and units asked about."))
    return found


def _from_json(content: bytes) -> Iterable[DataValue]:
    try:
        body = json.loads(content.decode("utf-8-sig"))
        rows = body["dataValues"]
    except (ValueError, KeyError, RecursionError):
        rows = None
    if not isinstance(rows, list):
        raise InvalidInput(mark("This JSON holds no list dataValues. Export the data values of DHIS2 once more."))
    for number, row in enumerate(rows, 1):
        told = row if isinstance(row, dict) else {}
        # A set of one unit and period may name them once.
        yield _value(number, [told.get(name, body.get(name, "")) for name in _JSON_NAMES])


def _from_csv(content: bytes) -> Iterable[DataValue]:
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        rows = []
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    missing = [name for name in CSV_HEAD if name not in head and not name.endswith("combo")]
    if missing:
        raise InvalidInput(
            mark("The table of data values lacks the columns {columns}. Write it as CSV in UTF-8 with its head."),
            columns=", ".join(missing),
        )
    for name in head:
        if head.count(name) > 1:
            raise InvalidInput(mark("The column {column} stands twice in the head. Keep one of them."), column=name)
    for number, row in enumerate(rows[1:], 2):
        told = dict(zip(head, row, strict=False))
        if len(row) > len(head):
            raise InvalidInput(
                mark("Line {line} has more cells than the head. Write texts with commas in quotation marks."),
                line=number,
            )
        if any(cell.strip() for cell in row):
            yield _value(number, [told.get(name, "") for name in CSV_HEAD])


def _from_xml(content: bytes, mapping: ExchangeMapping) -> Iterable[DataValue]:
    root = parse(content)
    if root.tag == f"{{{DXF}}}dataValueSet":
        for one in root.iter(f"{{{DXF}}}dataValue"):
            yield _value(one.sourceline or 0, [one.get(name, root.get(name, "")) for name in _JSON_NAMES])
        return
    if root.tag != f"{{{ADX}}}adx":
        raise InvalidInput(mark("This XML is neither a dataValueSet of DHIS2 nor ADX. Export it once more."))
    for group in root.iter(f"{{{ADX}}}group"):
        for one in group.iter(f"{{{ADX}}}dataValue"):
            told = {str(name): str(value) for name, value in one.attrib.items()}
            line = one.sourceline or 0
            element, value = told.pop("dataElement", ""), told.pop("value", "")
            combo = mapping.combo_of(told)
            if combo is None:
                raise InvalidInput(
                    mark("Line {line}: no category option combo is mapped to {dimensions}. Add it to exchange.toml."),
                    line=line,
                    dimensions=", ".join(f"{name}={each}" for name, each in told.items()),
                )
            parts = [element, group.get("period", ""), group.get("orgUnit", ""), combo]
            yield _value(line, [*parts, group.get("attributeOptionCombo", ""), value])


def _value(line: int, parts: Sequence[object]) -> DataValue:
    element, period, unit, combo, attribute, value = (
        str(part).strip() if isinstance(part, str | int) else "" for part in parts
    )
    try:
        if element and unit:
            return DataValue(element, read_period(period).dhis2, unit, combo, attribute, int(value))
    except (ValueError, InvalidQuestion):
        pass
    raise InvalidInput(
        mark("Line {line}: a data value needs a data element, a period, a unit and a whole number; {value} is none."),
        line=line,
        value=" ".join(part for part in (element, period, unit, value) if part)[:80] or "-",
    )
