"""One filled form: who it is, what it edits, which entities it makes.

Reads what ODK Collect, ODK Web Forms and Enketo send: ``orx:meta``, a ``meta`` in the instance's own
namespace, or one in none.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from lxml import etree

from mapper.errors import InvalidInput, TooLarge, mark
from mapper.formats.xml import JAVAROSA, OPENROSA, XFORMS, local_name, namespace, parse

ENCRYPTED = "http://www.opendatakit.org/xforms/encrypted"
BRIEFCASE = "http://opendatakit.org/submissions"
"""What ODK Briefcase writes around submissions that it pulled from a server."""
_USUAL = frozenset({"", XFORMS, OPENROSA, JAVAROSA, ENCRYPTED, BRIEFCASE})
_TRUE = frozenset({"1", "true"})
_MAX_ID = 250
MAX_XML_BYTES = 5_000_000
"""A census of fifty people has 0.1 MB; five millions of bytes can already make a million elements in memory."""
MAX_ENTITIES = 2000


class InstanceEntity(NamedTuple):
    """One ODK entity that a submission makes or updates, as its attributes say; versions are kept as text.

    outer: whether it stands outside of every group and repeat.
    """

    dataset: str
    id: str
    create: bool
    update: bool
    base_version: str
    trunk_version: str
    branch_id: str
    outer: bool
    element: etree._Element

    @property
    def label(self) -> str:
        """What people call it; looked for only when asked, since no count needs it."""
        return _text(self.element, "label")


@dataclass(frozen=True, slots=True)
class Instance:
    """What the server must know of a submission before anybody looks at its answers.

    version: "" where the form has none. root: the whole tree, for those who read answers.
    """

    form_id: str
    version: str
    instance_id: str
    deprecated_id: str | None
    instance_name: str | None
    encrypted: bool
    namespace: str
    entities: tuple[InstanceEntity, ...]
    root: etree._Element


def read_instance(xml: bytes, accepted: Collection[str] | None = ()) -> Instance:
    """Read one submission's XML.

    accepted: namespaces that published forms declare for their instances, beyond the usual ones; None takes any, for
    what was accepted before.
    Raises MalformedXml where it is not XML, InvalidInput where it is no filled form, has no form id or no
    instanceID, or stands in a foreign namespace, TooLarge over 5 MB or 2,000 entities; each names the cure.
    """
    if len(xml) > MAX_XML_BYTES:
        raise TooLarge(
            mark("The answers alone have {size} MB; {limit} MB are taken. Split the form into several submissions."),
            size=round(len(xml) / 1_000_000, 1),
            limit=MAX_XML_BYTES // 1_000_000,
        )
    root = parse(xml)
    space = namespace(root)
    if space not in _USUAL and accepted is not None and space not in accepted:
        raise InvalidInput(
            mark(
                "The XML <{name}> is in the namespace {namespace}, which no published form uses. "
                "Send a filled form, as the phone saved it."
            ),
            name=local_name(root)[:60],
            namespace=space[:200],
        )
    form_id = (root.get("id") or "").strip()
    if not form_id:
        raise InvalidInput(
            mark(
                "The root element <{name}> has no form id (the attribute id). "
                "Send a filled form, as the phone saved it."
            ),
            name=local_name(root)[:60],
        )
    meta = _meta(root, space)
    instance_id = meta.get("instanceID", "")
    if not instance_id:
        # Aggregate's old way, still written by some tools.
        instance_id = (root.get("instanceID") or "").strip()
    if not instance_id:
        raise InvalidInput(
            mark(
                "The submission of the form {form_id} has no instanceID in its meta block. "
                "Send a filled form, as the phone saved it."
            ),
            form_id=form_id,
        )
    deprecated_id = meta.get("deprecatedID") or None
    if max(len(instance_id), len(form_id), len(deprecated_id or "")) > _MAX_ID:
        raise InvalidInput(
            mark(
                "The form id or the instanceID is longer than {limit} characters. Publish the form with a shorter id."
            ),
            limit=_MAX_ID,
        )
    if deprecated_id == instance_id:
        raise InvalidInput(
            mark("Submission {instance_id} calls itself an edit of itself. Send a filled form, as the phone saved it."),
            instance_id=instance_id,
        )
    made = [found for found in root.iter("{*}entity") if found.get("dataset") is not None]
    if len(made) > MAX_ENTITIES:
        raise TooLarge(
            mark("The submission holds {count} entities; {limit} are taken. Split it into several submissions."),
            count=len(made),
            limit=MAX_ENTITIES,
        )
    return Instance(
        form_id,
        (root.get("version") or "").strip(),
        instance_id,
        deprecated_id,
        meta.get("instanceName") or None,
        (root.get("encrypted") or "").strip().lower() in ("yes", "true"),
        space,
        tuple([_entity(found) for found in made]),
        root,
    )


def _meta(root: etree._Element, space: str) -> dict[str, str]:
    """The submission's facts about itself, by name; empty where it has no meta block."""
    # Last child first: that is where every client writes it.
    for child in reversed(root):
        if local_name(child) == "meta" and (namespace(child) == space or namespace(child) in _USUAL):
            return {local_name(fact): (fact.text or "").strip() for fact in child}
    return {}


def _text(parent: etree._Element, name: str) -> str:
    for child in parent:
        if local_name(child) == name:
            return (child.text or "").strip()
    return ""


def _entity(element: etree._Element) -> InstanceEntity:
    said = {str(name): str(value).strip() for name, value in element.items()}
    meta = element.getparent()
    root = meta.getparent() if meta is not None else None
    return InstanceEntity(
        said.get("dataset", ""),
        said.get("id", ""),
        said.get("create", "").lower() in _TRUE,
        said.get("update", "").lower() in _TRUE,
        said.get("baseVersion", ""),
        said.get("trunkVersion", ""),
        said.get("branchId", ""),
        root is not None and root.getparent() is None,
        element,
    )
