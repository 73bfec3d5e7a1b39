"""What CSDL 4.0 asks of a metadata document, and of rows that are told to be of its types.

Source: OASIS, OData Version 4.0 Part 3: Common Schema Definition Language (2014). Two habits of ODK Central that
its users rely on are let pass: dots in the names of tables, hyphens in the property that tells a row's parent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from lxml import etree

EDM, EDMX = "{http://docs.oasis-open.org/odata/ns/edm}", "{http://docs.oasis-open.org/odata/ns/edmx}"
SIMPLE = r"[^\W\d]\w{0,127}"
DOTTED = rf"{SIMPLE}(\.{SIMPLE})*"
PARENT = r"__Submissions(-\w+)*-id"

ATTRIBUTES: Mapping[str, tuple[set[str], set[str]]] = {
    f"{EDMX}Edmx": ({"Version"}, set()),
    f"{EDMX}Reference": ({"Uri"}, set()),
    f"{EDMX}Include": ({"Namespace"}, {"Alias"}),
    f"{EDMX}DataServices": (set(), set()),
    f"{EDM}Schema": ({"Namespace"}, {"Alias"}),
    f"{EDM}EntityType": ({"Name"}, set()),
    f"{EDM}ComplexType": ({"Name"}, set()),
    f"{EDM}Key": (set(), set()),
    f"{EDM}PropertyRef": ({"Name"}, set()),
    f"{EDM}Property": ({"Name", "Type"}, {"Nullable"}),
    f"{EDM}NavigationProperty": ({"Name", "Type"}, {"ContainsTarget"}),
    f"{EDM}EntityContainer": ({"Name"}, set()),
    f"{EDM}EntitySet": ({"Name", "EntityType"}, set()),
    f"{EDM}NavigationPropertyBinding": ({"Path", "Target"}, set()),
    f"{EDM}Annotation": ({"Term"}, {"Bool"}),
    f"{EDM}Record": (set(), set()),
    f"{EDM}PropertyValue": ({"Property"}, {"Bool"}),
    f"{EDM}Collection": (set(), set()),
    f"{EDM}PropertyPath": (set(), set()),
}
"""Elements that may stand in such a document: attributes each must have, and others it may have."""


def _position(value: Any) -> bool:
    return isinstance(value, list) and len(value) in (2, 3) and all(type(part) is float for part in value)


def _geo(kind: str, positions: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and value["type"] == kind and positions(value["coordinates"])


def _ring(value: Any) -> bool:
    return len(value) >= 4 and value[0] == value[-1] and all(map(_position, value))


PRIMITIVE: Mapping[str, Callable[[Any], bool]] = {
    "Edm.String": lambda value: isinstance(value, str),
    "Edm.Int64": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "Edm.Double": lambda value: type(value) is float,
    "Edm.Boolean": lambda value: type(value) is bool,
    "Edm.Date": lambda value: len(value) == 10 and date.fromisoformat(value) is not None,
    "Edm.DateTimeOffset": lambda value: datetime.fromisoformat(value).tzinfo is not None,
    "Edm.GeographyPoint": _geo("Point", _position),
    "Edm.GeographyLineString": _geo("LineString", lambda value: len(value) >= 2 and all(map(_position, value))),
    "Edm.GeographyPolygon": _geo("Polygon", lambda value: all(map(_ring, value))),
}


class Metadata:
    """A metadata document that keeps to the rules; AssertionError names what does not."""

    def __init__(self, document: bytes) -> None:
        root = etree.fromstring(document)
        assert (root.tag, root.get("Version")) == (f"{EDMX}Edmx", "4.0")
        for element in root.iter():
            needed, others = ATTRIBUTES[str(element.tag)]
            assert needed <= set(element.attrib) <= needed | others, (element.tag, element.attrib)
        self._included = {one.get("Namespace") for one in root.iter(f"{EDMX}Include")}
        (services,) = root.iter(f"{EDMX}DataServices")
        self.entities: dict[str, etree._Element] = {}
        self.complexes: dict[str, etree._Element] = {}
        spaces = [schema.get("Namespace") for schema in services]
        assert len(set(spaces)) == len(spaces) and all(re.fullmatch(DOTTED, space) for space in spaces)
        for schema in services:
            names = [one.get("Name") for one in schema]
            assert len(set(names)) == len(names), names
            for one in schema:
                assert re.fullmatch(SIMPLE, one.get("Name")), one.get("Name")
                where = {"EntityType": self.entities, "ComplexType": self.complexes}.get(_local(one), {})
                where[f"{schema.get('Namespace')}.{one.get('Name')}"] = one
        for kind, one in (self.entities | self.complexes).items():
            self._check_type(kind, one)
        (container,) = root.iter(f"{EDM}EntityContainer")
        assert re.fullmatch(SIMPLE, container.get("Name"))
        sets = [one for one in container if one.tag == f"{EDM}EntitySet"]
        self.sets = {one.get("Name"): one.get("EntityType") for one in sets}
        assert all(re.fullmatch(DOTTED, name) for name in self.sets), self.sets
        assert len(self.sets) == len(sets) and set(self.sets.values()) == set(self.entities)
        for one in sets:
            self._check_set(one)
        for annotation in root.iter(f"{EDM}Annotation"):
            assert annotation.get("Term").rpartition(".")[0] in self._included

    def properties(self, kind: str) -> dict[str, str]:
        """Structural properties of a type, name to type."""
        return {one.get("Name"): one.get("Type") for one in self._of(kind).findall(f"{EDM}Property")}

    def navigations(self, kind: str) -> dict[str, str]:
        """Navigation properties of a type, name to type."""
        return {one.get("Name"): one.get("Type") for one in self._of(kind).findall(f"{EDM}NavigationProperty")}

    def _of(self, kind: str) -> etree._Element:
        return (self.entities | self.complexes)[kind]

    def _check_type(self, kind: str, one: etree._Element) -> None:
        names = [each.get("Name") for each in one if each.tag != f"{EDM}Key"]
        assert len(set(names)) == len(names), (kind, names)
        assert all(re.fullmatch(SIMPLE, name) or re.fullmatch(PARENT, name) for name in names), names
        for type_ in self.properties(kind).values():
            assert type_ in PRIMITIVE or type_ in self.complexes, type_
        for type_ in self.navigations(kind).values():
            assert _single(type_) in self.entities, type_
        if kind in self.entities:
            (key,) = one.findall(f"{EDM}Key")
            (reference,) = key
            (held,) = (each for each in one.findall(f"{EDM}Property") if each.get("Name") == reference.get("Name"))
            assert (held.get("Type"), held.get("Nullable")) == ("Edm.String", "false")

    def _check_set(self, one: etree._Element) -> None:
        bound = {each.get("Path"): each.get("Target") for each in one.findall(f"{EDM}NavigationPropertyBinding")}
        reached = dict(self._reached(one.get("EntityType"), ""))
        assert bound.keys() == reached.keys()
        assert {path: self.sets[target] for path, target in bound.items()} == reached
        for path in one.iter(f"{EDM}PropertyPath"):
            assert path.text in self.properties(one.get("EntityType")), path.text

    def _reached(self, kind: str, path: str) -> Iterator[tuple[str, str]]:
        for name, type_ in self.navigations(kind).items():
            yield path + name, _single(type_)
        for name, type_ in self.properties(kind).items():
            if type_ in self.complexes:
                yield from self._reached(type_, f"{path}{name}/")

    def check_row(self, row: Mapping[str, Any], kind: str) -> None:
        """A row, or a part of one, has every property of its type, and none besides."""
        told, links = self.properties(kind), self.navigations(kind)
        named = {name for name in row if "@" not in name}
        assert set(told) <= named <= set(told) | set(links), (set(told) ^ named, kind)
        assert {name.split("@")[0] for name in row if "@" in name} <= set(links)
        for name, type_ in told.items():
            value = row[name]
            if type_ in self.complexes:
                self.check_row(value, type_)
            elif value is None:
                assert name != "__id"
            else:
                assert PRIMITIVE[type_](value), (name, type_, value)
        for name, type_ in links.items():
            for inner in row.get(name, []):
                self.check_row(inner, _single(type_))


def _local(one: etree._Element) -> str:
    return etree.QName(one).localname


def _single(kind: str) -> str:
    return kind.removeprefix("Collection(").removesuffix(")")
