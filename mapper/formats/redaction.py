"""A submission without some of its people: what it says of everybody else stays as it was.

A person's group stays as an empty element, so that nobody behind it in the repeat changes place; whatever else in the
submission repeats their name, an id of theirs or one of their files goes with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from lxml import etree

from mapper.domain.places import name_key
from mapper.formats.declared import Plan, Roles
from mapper.formats.instance import Instance
from mapper.formats.reading import read_whole
from mapper.formats.xml import local_name

REDACTED = "{urn:household-coverage:erasure}redacted"
"""Attribute of the root of a submission from which people were taken: on which day."""

_BIRTHS = ("person.birth_date", "person.birth_year", "person.age_years", "person.age_months")
AUDIT_FILE = "audit.csv"
"""Collect's log of a form, which may hold every answer."""


@dataclass(frozen=True, slots=True)
class Member:
    """A group of the repeat of people. id: as the register has it, told: whether the form gave it; "" for no name."""

    element: etree._Element
    id: str
    told: bool
    name: str
    birth: str

    @property
    def key(self) -> tuple[str, str]:
        """Name and birth as they compare between forms."""
        return name_key(self.name), self.birth


def members(instance: Instance, roles: Roles, namesake: str) -> list[Member]:
    """Everybody whom a submission lists. namesake: what names, with their place, those who have no id of their own."""
    found = []
    for number, (element, plan) in enumerate(_groups(instance.root, roles.plan), 1):
        fields = dict(_answers(element, plan))
        own = fields.get("person.id") or fields.get("entity") or ""
        birth = next((fields[role] for role in _BIRTHS if role in fields), "")
        found.append(Member(element, own or f"{namesake}/{number}", bool(own), fields.get("person.name", ""), birth))
    return found


def _groups(element: etree._Element, plan: Plan) -> Iterator[tuple[etree._Element, Plan]]:
    """The groups of people, in the order of the document, as ``roles.read_visit`` counts them."""
    for child in element:
        step = plan.get(str(child.tag)) or plan.get(str(child.tag).rpartition("}")[2])
        if step is None or step.role:
            continue
        if step.opens == "person":
            yield child, step.below
            yield from _groups(child, step.below)
        elif not step.opens:
            yield from _groups(child, step.below)


def _answers(element: etree._Element, plan: Plan) -> Iterator[tuple[str, str]]:
    for child in element:
        step = plan.get(str(child.tag)) or plan.get(str(child.tag).rpartition("}")[2])
        if step is None:
            continue
        text = (child.text or "").strip()
        if step.role:
            if text:
                yield step.role, normalize("NFC", text)
        elif not step.opens:
            yield from _answers(child, step.below)
        elif step.opens not in ("person", "dose") and child.get("id"):
            yield "entity", str(child.get("id"))


def redact(
    instance: Instance, roles: Roles, gone: Sequence[Member], words: Collection[str], day: str, *, census: bool
) -> tuple[bytes, set[str]]:
    """The XML without some of its members, and NFC names of files that go with them.

    The instance's own tree is changed. words: names and ids that nobody is to find in it any more. day: as ISO text.
    census: whether it tells the whole household, whose number of people then falls too.
    """
    texts: set[str] = set()
    for one in gone:
        texts.update(normalize("NFC", text.strip()) for text in one.element.itertext() if text.strip())
        for child in list(one.element):
            one.element.remove(child)
        one.element.text = None
        one.element.attrib.clear()
    hidden = [name_key(word) for word in words if word.strip()]
    # Somebody else's longer name may begin like one that goes.
    named = roles.paths.get("person.name", "").rpartition("/")[2]
    for element in instance.root.iter():
        another = bool(named) and local_name(element) == named
        if element.text and holds(element.text, hidden, whole=another):
            element.text = None
        if element.tail and element.tail.strip() and holds(element.tail, hidden):
            element.tail = None
        for name, value in list(element.attrib.items()):
            if holds(str(value), hidden) and element is not instance.root:
                element.set(name, "")
    path = roles.paths.get("household.expected_members")
    if census and gone and path:
        _lower(instance.root, path.rpartition("/")[2], len(gone))
    instance.root.set(REDACTED, day)
    return etree.tostring(instance.root, encoding="utf-8", xml_declaration=True), {*texts, AUDIT_FILE}


def holds(text: str, hidden: Collection[str], *, whole: bool = False) -> bool:
    """Whether a text has one of these in it, as ``name_key`` writes them; whole, or one word: only where it is all."""
    told = name_key(text)
    return any(f" {each} " in f" {told} " if " " in each and not whole else each == told for each in hidden)


def _lower(root: etree._Element, name: str, by: int) -> None:
    for element in root.iter("{*}" + name):
        number = read_whole(element.text or "")
        if number is not None:
            element.text = str(max(number - by, 0))
