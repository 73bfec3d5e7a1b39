"""Submissions written from roles: the XML that a phone would send for these answers.

Made for samples, benchmarks and tests, which know what a household said but no question's name. The form's own
empty instance is cut once into literal text and places to fill; a submission is then a join of strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import NAMESPACE_OID, uuid5

from lxml import etree

from mapper.domain.campaign import Campaign
from mapper.domain.people import Point
from mapper.errors import InvalidInput, mark
from mapper.formats.declared import ROLES, Roles
from mapper.formats.xform import XFormModel
from mapper.formats.xml import JAVAROSA, OPENROSA, XFORMS, escape_text, local_name, namespace, parse

Household = Mapping[str, object]
"""Role to value: text, numbers, dates, a Point, lists.

A person also has "doses", a list of such mappings, and "update", as in ``InstanceWriter.write``; "told": False of
somebody who is only named, whose entity stays as it is; and "label", where that is not the name told. A household may
have "started" and "ended", the moments with their zone at which its form was opened and finished."""

Versions = tuple[str, str, str]
"""On which version of an entity an update builds: base version, trunk version, branch; each may be empty."""
_ENTITY = frozenset({"id", "create", "update", "baseVersion", "trunkVersion", "branchId"})
_BESIDE = frozenset({"doses", "update", "told", "label", "started", "ended"})
"""What stands among a person's or a household's answers and is no role."""


class _Place(NamedTuple):
    """Something to fill in. what: a role, "meta.…" for the submission's own facts, or "repeat" with its parts."""

    what: str
    default: str = ""
    parts: tuple[str | _Place, ...] = ()


_Parts = tuple[str | _Place, ...]


class InstanceWriter:
    """Writes submissions of one form version.

    campaign: where given, the register's words ("interviewed") are turned into the form's choice names.
    """

    def __init__(self, model: XFormModel, campaign: Campaign | None = None) -> None:
        roles = Roles.of(model)
        self._asked = frozenset(roles.paths)
        self._coded = roles.coded_doses
        self._choices = {
            field: {word: choice for choice, word in reversed(words.items())}
            for field, words in (campaign.values if campaign else {}).items()
        }
        self._by_path = {node.path: node for node in model.nodes}
        root = parse(model.template.encode())
        self._parts = _merged(self._cut(root, ""))

    def write(
        self,
        answers: Household,
        people: Sequence[Household] = (),
        *,
        instance_id: str,
        deprecated_id: str = "",
        entity_id: str = "",
        instance_name: str = "",
        update: Versions | None = None,
    ) -> bytes:
        """One submission's XML, UTF-8.

        answers: visit and household roles. A role that the form does not ask is left out; questions without a
        role keep the form's default. entity_id: of the household, one that follows from the instanceID where empty.
        update: where the form can update an entity as well as make it, this one updates the household; else it is new.
        Raises InvalidInput for a role that does not exist.
        """
        day = answers.get("visit.date")
        usual = ("", "") if not day else (f"{self._text('', day)}T08:{minute}:00.000+07:00" for minute in ("00", "15"))
        start, end = (
            self._text("", answers.get(name)) or text for name, text in zip(("started", "ended"), usual, strict=True)
        )
        facts = {
            "meta.instanceID": instance_id,
            "meta.deprecatedID": deprecated_id,
            "meta.instanceName": instance_name,
            "entity.id": entity_id or str(uuid5(NAMESPACE_OID, instance_id)),
            **_building_on(update),
            "meta.label": self._text("", answers.get("household.head") or instance_name),
            "date/today": self._text("", day),
            "timestamp/start": start,
            "timestamp/end": end,
        }
        facts.update(self._texts(answers))
        out: list[str] = ['<?xml version="1.0" encoding="UTF-8"?>']
        self._fill(self._parts, facts, people, (), instance_id, out)
        return "".join(out).encode()

    def _fill(
        self,
        parts: _Parts,
        facts: Mapping[str, str],
        people: Sequence[Household],
        doses: Sequence[Household],
        instance_id: str,
        out: list[str],
    ) -> None:
        for part in parts:
            if isinstance(part, str):
                out.append(part)
            elif part.what == "person":
                for number, person in enumerate(people, 1):
                    own = self._texts(person)
                    own["entity.id"] = str(person.get("person.id") or "") or str(
                        uuid5(NAMESPACE_OID, f"{instance_id}/{number}")
                    )
                    if "person.id" in self._asked:
                        own["person.id"] = own["entity.id"]
                    versions = person.get("update")
                    own.update(_building_on(versions if isinstance(versions, tuple) else None))
                    if person.get("told") is False:
                        own |= {"entity.create": "0", "entity.update": "0"}
                    own["meta.label"] = self._text("", person.get("label")) or own.get("person.name", "")
                    given = _mappings(person.get("doses"))
                    if self._coded:
                        own = {**self._coded_doses(given), **own}
                    self._fill(part.parts, own, (), given, instance_id, out)
            elif part.what == "dose":
                for dose in doses:
                    self._fill(part.parts, self._texts(dose), (), (), instance_id, out)
            elif part.what == "meta.deprecatedID":
                if facts.get(part.what):
                    out.append(part.default.format(escape_text(facts[part.what])))
            else:
                text = facts.get(part.what)
                out.append(part.default if text is None else escape_text(text, part.what.startswith("entity.")))

    def _texts(self, answers: Household) -> dict[str, str]:
        texts: dict[str, str] = {}
        for role, value in answers.items():
            if role in self._asked:
                texts[role] = self._text(role, value)
            elif role.partition("@")[0] not in ROLES and role not in _BESIDE:
                raise InvalidInput(
                    mark("The role {role} does not exist. Known are: {roles}."), role=role, roles=", ".join(ROLES)
                )
        return texts

    def _text(self, role: str, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if isinstance(value, Point):
            return f"{value.lat} {value.lon} {value.altitude_m or 0.0} {value.accuracy_m or 0.0}"
        if isinstance(value, date):
            return value.isoformat()
        words = self._choices.get(role.rpartition(".")[2].partition("@")[0], {}) if role else {}
        if isinstance(value, Iterable) and not isinstance(value, str):
            return " ".join(words.get(str(one), str(one)) for one in value)
        return words.get(str(value), str(value))

    def _coded_doses(self, doses: Sequence[Household]) -> dict[str, str]:
        texts = {f"dose.given@{code}": self._text("dose.given", "no") for code in self._coded}
        for dose in doses:
            code = str(dose.get("dose.number", ""))
            texts[f"dose.given@{code}"] = self._text("dose.given", "yes")
            for role, value in dose.items():
                texts[f"{role}@{code}"] = self._text(role, value)
        return texts

    def _cut(self, element: etree._Element, above: str) -> Iterable[str | _Place]:
        name, path = local_name(element), f"{above}/{local_name(element)}"
        node = self._by_path.get(path)
        inner = _merged(self._inside(element, path))
        if node is not None and node.repeat:
            if node.role in ("person", "dose"):
                yield _Place(node.role, "", inner)
            return
        yield from inner
        if name == "instanceID" and path.count("/") == 3:
            tag = inner[0] if isinstance(inner[0], str) else ""
            prefix = tag[1:].partition("instanceID")[0]
            yield _Place("meta.deprecatedID", f"<{prefix}deprecatedID>{{}}</{prefix}deprecatedID>")

    def _inside(self, element: etree._Element, path: str) -> Iterable[str | _Place]:
        """The element's own text, from its opening tag to its closing one."""
        tag = _prefixed(element)
        name = local_name(element)
        yield f"<{tag}"
        if not path.count("/") - 1:
            yield from _declarations(element)
        upsert = "create" in element.keys() and "update" in element.keys()  # noqa: SIM118
        for attribute, value in element.items():
            key = str(attribute)
            if key.startswith("{"):
                continue
            # A form that only makes entities, or only updates them, says so itself.
            if name == "entity" and key in _ENTITY and (key not in ("create", "update") or upsert):
                yield f' {key}="'
                yield _Place(f"entity.{key}")
                yield '"'
            else:
                yield f' {key}="{escape_text(value, quoted=True)}"'
        yield ">"
        node = self._by_path.get(path)
        if len(element):
            # A repeat stands once as jr:template and again as its first instance: the first of a name is enough.
            seen: set[str] = set()
            for child in element:
                if local_name(child) not in seen:
                    seen.add(local_name(child))
                    yield from self._cut(child, path)
        else:
            default = escape_text(element.text or "")
            if node is not None and node.role:
                yield _Place(node.role, default)
            elif node is not None and node.preload in ("date/today", "timestamp/start", "timestamp/end"):
                yield _Place(node.preload, default)
            elif "/meta/" in path and name in ("instanceID", "instanceName", "label"):
                yield _Place(f"meta.{name}", default)
            else:
                yield default
        yield f"</{tag}>"


def write_instance(
    form: XFormModel,
    answers: Household,
    people: Sequence[Household] = (),
    *,
    instance_id: str,
    campaign: Campaign | None = None,
    deprecated_id: str = "",
    entity_id: str = "",
    instance_name: str = "",
    update: Versions | None = None,
) -> bytes:
    """One submission of a form; for many, keep an InstanceWriter."""
    return InstanceWriter(form, campaign).write(
        answers,
        people,
        instance_id=instance_id,
        deprecated_id=deprecated_id,
        entity_id=entity_id,
        instance_name=instance_name,
        update=update,
    )


def _building_on(versions: Versions | None) -> dict[str, str]:
    """The attributes of an entity that is new, or updates what was there."""
    base, trunk, branch = versions or ("", "", "")
    return {
        "entity.create": str(int(versions is None)),
        "entity.update": str(int(versions is not None)),
        "entity.baseVersion": base,
        "entity.trunkVersion": trunk,
        "entity.branchId": branch,
    }


def _mappings(value: object) -> Sequence[Household]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _prefixed(element: etree._Element) -> str:
    """The element's name as the submission writes it: the form's own namespace is the default one."""
    name = local_name(element)
    return f"orx:{name}" if namespace(element) == OPENROSA else name


def _declarations(root: etree._Element) -> Iterable[str]:
    space = namespace(root)
    if space not in ("", XFORMS):
        yield f' xmlns="{escape_text(space, quoted=True)}"'
    yield f' xmlns:orx="{OPENROSA}" xmlns:jr="{JAVAROSA}"'


def _merged(parts: Iterable[str | _Place]) -> _Parts:
    """The same parts with neighbouring texts joined."""
    merged: list[str | _Place] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)
