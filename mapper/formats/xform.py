"""What an XForm says about its questions: paths, types, roles, labels, choices, media, entity lists.

Read once when a form version is published and kept as JSON beside it, so that no submission has to read
the form again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from unicodedata import normalize

from lxml import etree

from mapper.errors import InvalidForm, mark
from mapper.formats.xml import ENTITIES, JAVAROSA, ROLES, XFORMS, local_name, namespace, parse

_ITEXT = re.compile(r"jr:itext\(\s*'(.+?)'\s*\)")
_INSTANCE = re.compile(r"instance\(\s*['\"]([^'\"]+)['\"]\s*\)")
_SEARCH = re.compile(r"\bsearch\(\s*['\"]([^'\"]+)['\"]")
_CONTROLS = frozenset({"input", "select", "select1", "rank", "upload", "range", "trigger", "secret"})
_SPACE = re.compile(r"\s+")

Labels = dict[str, str]
"""Language as the form names it ("Tiếng Việt (vi)", "" where it names none) to text."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the form's instance: a question, a calculation, a group or a repeat.

    path: "/data/person/name", without namespace prefixes. type: the bind's type ("string", "date",
    "geopoint", "binary", ...; "" for groups). control: the body element ("input", "select1", "select",
    "rank", "upload", "range", "trigger"), "group" or "repeat", "" for what is not shown.
    preload: "date/today", "timestamp/start", ... choices: the name of its choice list, "" for none.
    """

    path: str
    type: str = ""
    control: str = ""
    role: str | None = None
    appearance: str = ""
    preload: str = ""
    calculated: bool = False
    required: bool = False
    save_to: str = ""
    choices: str = ""
    labels: Labels = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The question's name, as the survey sheet has it."""
        return self.path.rpartition("/")[2]

    @property
    def repeat(self) -> bool:
        """Whether it may occur many times."""
        return self.control == "repeat"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to choose, by the value that is stored."""

    value: str
    labels: Labels


@dataclass(frozen=True, slots=True)
class ChoiceList:
    """The choices of select questions; from a media file where ``file`` names one (then ``choices`` is empty)."""

    name: str
    choices: tuple[Choice, ...] = ()
    file: str = ""
    value_column: str = "name"
    label_column: str = "label"


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file that the phone fetches with the form. kind: "csv", "file", "images", "audio" or "video"."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class XFormModel:
    """One version of a form, read.

    nodes: in the order of the form. template: the form's empty instance, XML. namespace: that of the
    instance, "" for the usual one. languages: the default first, empty where the form names none.
    """

    form_id: str
    version: str
    title: str
    languages: tuple[str, ...]
    nodes: tuple[Node, ...]
    choice_lists: tuple[ChoiceList, ...]
    media: tuple[MediaFile, ...]
    entity_lists: tuple[str, ...]
    entities_version: str
    namespace: str
    template: str

    def node(self, path: str) -> Node | None:
        """The node at that path, or None."""
        return next((node for node in self.nodes if node.path == path), None)

    def choice_list(self, name: str) -> ChoiceList | None:
        """The choice list of that name, or None."""
        return next((found for found in self.choice_lists if found.name == name), None)

    def language(self, code: str) -> str:
        """The form's own name of a language ("vi" finds "Tiếng Việt (vi)"), its default where it has none such."""
        for name in self.languages:
            if name == code or name.endswith(f"({code})"):
                return name
        return self.languages[0] if self.languages else ""

    def to_json(self) -> str:
        """The model as JSON text; ``from_json`` reads it."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> XFormModel:
        """The model that ``to_json`` wrote."""
        raw: dict[str, Any] = json.loads(text)
        raw["languages"] = tuple(raw["languages"])
        raw["nodes"] = tuple(Node(**node) for node in raw["nodes"])
        raw["choice_lists"] = tuple(
            ChoiceList(**{**found, "choices": tuple(Choice(**choice) for choice in found["choices"])})
            for found in raw["choice_lists"]
        )
        raw["media"] = tuple(MediaFile(**found) for found in raw["media"])
        raw["entity_lists"] = tuple(raw["entity_lists"])
        return cls(**raw)


def text_in(labels: Labels, language: str) -> str:
    """The text in that language, else in any, else ""."""
    return labels.get(language) or next((text for text in labels.values() if text), "")


def read_xform(xform: bytes) -> XFormModel:
    """Read a form's XML.

    Raises MalformedXml where it is not XML, InvalidForm where it is not an XForm or has no form id.
    """
    html = parse(xform)
    head = _child(html, "head")
    model = _child(head, "model") if head is not None else None
    instances = [found for found in model if local_name(found) == "instance"] if model is not None else []
    if model is None or not instances or not len(instances[0]):
        raise InvalidForm(
            mark(
                "This XML is not an XForm: it has no model with an instance. Send the form's own XML, not a filled one."
            )
        )
    root = instances[0][0]
    form_id = (root.get("id") or namespace(root)).strip()
    if not form_id or form_id == XFORMS:
        raise InvalidForm(mark("The form has no form id. Write one on the sheet settings, column form_id."))
    texts = _read_itext(model)
    reader = _Reader(root, texts)
    reader.read_binds(model)
    reader.read_lists(instances[1:])
    body = _child(html, "body")
    if body is not None:
        reader.read_body(body, "")
    title = _child(head, "title") if head is not None else None
    space = namespace(root)
    return XFormModel(
        form_id=form_id,
        version=(root.get("version") or "").strip(),
        title=_clean(title.text or "") if title is not None else "",
        languages=texts.languages,
        nodes=tuple(Node(**node) for node in reader.nodes.values()),
        choice_lists=tuple(reader.lists.values()),
        media=tuple(sorted(_media(model, instances, reader), key=lambda found: found.name)),
        entity_lists=tuple(
            dict.fromkeys(found.get("dataset", "") for found in root.iter("{*}entity") if found.get("dataset"))
        ),
        entities_version=model.get(f"{{{ENTITIES}}}entities-version") or "",
        namespace="" if space == XFORMS else space,
        template=etree.tostring(root, encoding="unicode", with_tail=False),
    )


@dataclass(frozen=True, slots=True)
class _Itext:
    languages: tuple[str, ...]
    by_id: dict[str, Labels]
    media: frozenset[str]


def _read_itext(model: etree._Element) -> _Itext:
    languages: list[str] = []
    by_id: dict[str, Labels] = {}
    media: set[str] = set()
    itext = _child(model, "itext")
    for translation in itext if itext is not None else ():
        language = normalize("NFC", translation.get("lang") or "")
        if (translation.get("default") or "").strip() in ("true()", ""):
            default = "default" in translation.attrib
            languages.insert(0 if default else len(languages), language)
        else:
            languages.append(language)
        for text in translation:
            for value in text:
                if value.get("form"):
                    address = (value.text or "").strip()
                    if address.startswith("jr://") and not len(value):
                        media.add(address)
                else:
                    by_id.setdefault(text.get("id") or "", {})[language] = _mixed(value)
    return _Itext(tuple(languages), by_id, frozenset(media))


class _Reader:
    """Gathers what model and body say of each path. One use."""

    def __init__(self, root: etree._Element, texts: _Itext) -> None:
        self.texts = texts
        self.nodes: dict[str, dict[str, Any]] = {}
        self.lists: dict[str, ChoiceList] = {}
        self.items: dict[str, list[dict[str, str]]] = {}
        self.searches: set[str] = set()
        self.bind_ids: dict[str, str] = {}
        for path in _paths(root, ""):
            self.nodes.setdefault(path, {"path": path})

    def read_binds(self, model: etree._Element) -> None:
        for bind in model.iterchildren("{*}bind"):
            path = _plain(bind.get("nodeset") or "")
            if bind.get("id"):
                self.bind_ids[bind.get("id", "")] = path
            node = self.nodes.get(path)
            if node is None:
                continue
            node["type"] = (bind.get("type") or "").rpartition(":")[2]
            node["role"] = (bind.get(f"{{{ROLES}}}role") or "").strip() or None
            node["calculated"] = bind.get("calculate") is not None
            node["required"] = (bind.get("required") or "").strip() == "true()"
            node["save_to"] = bind.get(f"{{{ENTITIES}}}saveto") or ""
            preload = bind.get(f"{{{JAVAROSA}}}preload")
            if preload:
                node["preload"] = f"{preload}/{bind.get(f'{{{JAVAROSA}}}preloadParams') or ''}"

    def read_lists(self, instances: list[etree._Element]) -> None:
        for instance in instances:
            name = instance.get("id") or ""
            source = instance.get("src") or ""
            if source:
                if not source.startswith("jr://instance"):
                    self.lists[name] = ChoiceList(name, file=source.rpartition("/")[2])
            elif len(instance):
                self.items[name] = [
                    {local_name(part): (part.text or "").strip() for part in item} for item in instance[0]
                ]

    def read_body(self, parent: etree._Element, context: str) -> None:
        for element in parent:
            kind = local_name(element)
            if kind not in _CONTROLS and kind not in ("group", "repeat"):
                continue
            path = self._path(element, context)
            node = self.nodes.get(path)
            if node is not None:
                if node.get("control") != "repeat":
                    node["control"] = kind
                labels = self._labels(_child(element, "label"))
                if labels:
                    node["labels"] = labels
                appearance = element.get("appearance") or ""
                if appearance:
                    node["appearance"] = appearance
                    self.searches.update(_SEARCH.findall(appearance))
                if element.get("query"):
                    # select_one_external: Collect looks the choices up in this file, which pyxform makes.
                    self.searches.add("itemsets.csv")
                node["choices"] = self._choices(element, path) or node.get("choices", "")
            if kind in ("group", "repeat"):
                self.read_body(element, path)

    def _path(self, element: etree._Element, context: str) -> str:
        reference = element.get("ref") or element.get("nodeset") or ""
        if not reference:
            return self.bind_ids.get(element.get("bind") or "", context)
        path = _plain(reference)
        return path if path.startswith("/") else f"{context}/{path}"

    def _labels(self, label: etree._Element | None) -> Labels:
        if label is None:
            return {}
        found = _ITEXT.search(label.get("ref") or "")
        if found:
            return self.texts.by_id.get(found[1], {})
        text = _mixed(label)
        return {"": text} if text else {}

    def _choices(self, element: etree._Element, path: str) -> str:
        itemset = _child(element, "itemset")
        if itemset is not None:
            found = _INSTANCE.search(itemset.get("nodeset") or "")
            if not found:
                return ""
            value = _plain((getattr(_child(itemset, "value"), "attrib", {})).get("ref", "name"))
            label = (getattr(_child(itemset, "label"), "attrib", {})).get("ref", "label")
            translated = "itext(" in label
            label = _plain(label.partition("(")[2].rstrip(") ")) if translated else _plain(label)
            self._fill_list(found[1], value, label, translated)
            return found[1]
        items = [child for child in element if local_name(child) == "item"]
        if not items:
            return ""
        choices = []
        for item in items:
            chosen = _child(item, "value")
            text = (chosen.text or "").strip() if chosen is not None else ""
            choices.append(Choice(text, self._labels(_child(item, "label"))))
        self.lists[path] = ChoiceList(path, tuple(choices))
        return path

    def _fill_list(self, name: str, value: str, label: str, translated: bool) -> None:
        known = self.lists.get(name)
        if known is not None and known.file:
            self.lists[name] = ChoiceList(name, file=known.file, value_column=value, label_column=label)
        elif known is None:
            self.lists[name] = ChoiceList(
                name,
                tuple(
                    Choice(
                        item.get(value, ""),
                        self.texts.by_id.get(item.get(label, ""), {})
                        if translated
                        else {"": _clean(item.get(label, ""))},
                    )
                    for item in self.items.get(name, ())
                ),
            )


def _media(model: etree._Element, instances: list[etree._Element], reader: _Reader) -> Iterator[MediaFile]:
    addresses = {instance.get("src") or "" for instance in instances} | reader.texts.media
    seen: set[str] = set()
    for address in sorted(addresses):
        if not address.startswith("jr://") or address.startswith("jr://instance"):
            continue
        kind, _, name = address[len("jr://") :].partition("/")
        if name and name not in seen:
            seen.add(name)
            yield MediaFile(normalize("NFC", name), "csv" if kind == "file-csv" else kind)
    for stem in sorted(reader.searches):
        name = stem if stem.endswith(".csv") else f"{stem}.csv"
        if name not in seen:
            seen.add(name)
            yield MediaFile(normalize("NFC", name), "csv")


def _paths(element: etree._Element, above: str) -> Iterator[str]:
    path = f"{above}/{local_name(element)}"
    yield path
    for child in element:
        yield from _paths(child, path)


def _plain(path: str) -> str:
    """An XPath of steps without the steps' namespace prefixes."""
    return "/".join(step.rpartition(":")[2] for step in path.strip().split("/"))


def _mixed(element: etree._Element) -> str:
    """Text with each ``<output>`` shown as ``${name}``."""
    parts = [element.text or ""]
    for child in element:
        if local_name(child) == "output":
            value = (child.get("value") or child.get("ref") or "").strip()
            parts.append("${" + value.rpartition("/")[2].strip() + "}")
        parts.append(child.tail or "")
    return _clean("".join(parts))


def _clean(text: str) -> str:
    return normalize("NFC", _SPACE.sub(" ", text).strip())


def _child(parent: etree._Element | None, name: str) -> etree._Element | None:
    if parent is None:
        return None
    return next((child for child in parent if local_name(child) == name), None)
