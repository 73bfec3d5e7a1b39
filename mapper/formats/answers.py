"""A submission's answers in the words of its own form, for people to look at and for tables to hold.

Works for every form, with roles or without: nothing is known here but the form's own labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from unicodedata import normalize

from lxml import etree

from mapper.formats.instance import Instance
from mapper.formats.xform import ChoiceList, Node, XFormModel, text_in
from mapper.formats.xml import local_name

_NAMES = ("person.name", "dose.number")
_IDENTITY = "person.id"
"""Roles of the answers by which people tell the instances of a repeat apart, and of the one that does for good."""

_REFERENCE = re.compile(r"\$\{\s*([^\s{}]+)\s*\}")

FileLabels = Mapping[str, Mapping[str, str]]
"""Labels of choices that stand in media files: file name to (value to label)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One node of a submission, in the order of the document.

    path: as in the form, "/data/person/name". numbers: which instance of each repeat around it, outermost first,
    from 1. label: the question in the language asked for, its name where it has no label. value: as stored; shown:
    choices by their labels. heading: an instance of a repeat begins here, without a value; shown is then what this
    instance is called (a person's name), and identity what is its own for good (the id of a person), "" for neither.
    attachment: the value names a file.
    """

    path: str
    numbers: tuple[int, ...]
    label: str
    value: str
    shown: str
    heading: bool = False
    attachment: bool = False
    identity: str = ""


def read_answers(
    instance: Instance, model: XFormModel, language: str, file_labels: FileLabels | None = None
) -> tuple[Answer, ...]:
    """Every answered question of a submission, and a heading for each instance of a repeat.

    language: "vi" or "en", or the form's own name of a language. Nodes that the form does not have (an older version's)
    are shown by their names.
    """
    return tuple(_filled_in(_Shower(model, model.language(language), file_labels or {}).show(instance.root)))


def _filled_in(answers: list[Answer]) -> list[Answer]:
    """Answers whose questions name others, as "${name}", with what was answered there instead."""
    told = {(answer.path.rpartition("/")[2], answer.numbers): answer.shown for answer in answers if not answer.heading}

    def label(answer: Answer) -> str:
        def said(match: re.Match[str]) -> str:
            around = (answer.numbers[:depth] for depth in range(len(answer.numbers), -1, -1))
            return next((told[match[1], numbers] for numbers in around if (match[1], numbers) in told), "…")

        return _REFERENCE.sub(said, answer.label)

    return [replace(answer, label=label(answer)) if "${" in answer.label else answer for answer in answers]


def attachment_names(instance: Instance, model: XFormModel) -> tuple[str, ...]:
    """Names of the files that a submission says it has, in NFC, each once."""
    files = {node.path for node in model.nodes if node.type == "binary"}
    names: dict[str, None] = {}
    waiting = [(instance.root, f"/{local_name(instance.root)}")]
    while waiting:
        element, path = waiting.pop()
        name = (element.text or "").strip()
        if path in files and name:
            names[normalize("NFC", name)] = None
        waiting.extend((child, f"{path}/{local_name(child)}") for child in reversed(element))
    return tuple(names)


class _Shower:
    def __init__(self, model: XFormModel, language: str, file_labels: FileLabels) -> None:
        self.language = language
        self.nodes = {node.path: node for node in model.nodes}
        self.labels = {found.name: self._labels_of(found, file_labels) for found in model.choice_lists}
        repeats = sorted((node.path for node in model.nodes if node.repeat), key=len, reverse=True)

        def below(role: str) -> dict[str, str]:
            found = (node.path for node in model.nodes if node.role == role)
            return {next((each for each in repeats if path.startswith(f"{each}/")), ""): path for path in found}

        self.identities = below(_IDENTITY)
        self.names = {repeat: path for role in _NAMES for repeat, path in below(role).items()}

    def _labels_of(self, choices: ChoiceList, file_labels: FileLabels) -> Mapping[str, str]:
        if choices.file:
            return file_labels.get(choices.file, {})
        return {choice.value: text_in(choice.labels, self.language) for choice in choices.choices}

    def show(self, root: etree._Element) -> list[Answer]:
        shown: list[Answer] = []
        # Not recursive: a submission may be nested deeper than Python likes.
        waiting: list[tuple[etree._Element, str, tuple[int, ...]]] = [(root, f"/{local_name(root)}", ())]
        while waiting:
            element, path, numbers = waiting.pop()
            node = self.nodes.get(path)
            if node is not None and node.repeat:
                shown.append(self._heading(node, element, numbers))
            text = (element.text or "").strip()
            if not len(element):
                if text:
                    shown.append(self._answer(node, path, numbers, normalize("NFC", text)))
                continue
            counted: dict[str, int] = {}
            below: list[tuple[etree._Element, str, tuple[int, ...]]] = []
            for child in element:
                child_path = f"{path}/{local_name(child)}"
                known = self.nodes.get(child_path)
                if known is not None and known.repeat:
                    counted[child_path] = counted.get(child_path, 0) + 1
                    below.append((child, child_path, (*numbers, counted[child_path])))
                else:
                    below.append((child, child_path, numbers))
            waiting.extend(reversed(below))
        return shown

    def _heading(self, node: Node, element: etree._Element, numbers: tuple[int, ...]) -> Answer:
        """Where an instance of a repeat begins: what it is called, and the id of the entity that it tells of."""
        entity = next((e for child in element if local_name(child) == "meta" for e in child.iter("{*}entity")), None)
        identity = _text_at(element, node.path, self.identities.get(node.path, ""))
        name = _text_at(element, node.path, path := self.names.get(node.path, ""))
        called = self._answer(self.nodes.get(path), path, numbers, name).shown if name else ""
        if entity is not None:
            identity = identity or (entity.get("id") or "").strip()
            called = called or next((_text(each) for each in entity if local_name(each) == "label"), "")
        label = text_in(node.labels, self.language) or node.name
        return Answer(node.path, numbers, label, "", called, True, identity=identity)

    def _answer(self, node: Node | None, path: str, numbers: tuple[int, ...], value: str) -> Answer:
        if node is None:
            return Answer(path, numbers, path.rpartition("/")[2], value, value)
        labels = self.labels.get(node.choices, {})
        if node.control in ("select", "rank"):
            shown = ", ".join(labels.get(one) or one for one in value.split())
        else:
            shown = labels.get(value) or value
        label = text_in(node.labels, self.language) or node.name
        return Answer(path, numbers, label, value, shown, attachment=node.type == "binary")


def _text(element: etree._Element) -> str:
    return normalize("NFC", (element.text or "").strip())


def _text_at(element: etree._Element, path: str, wanted: str) -> str:
    """The answer at a path below an element, whose own path is given; "" for none."""
    found: etree._Element | None = element
    for name in wanted.removeprefix(f"{path}/").split("/") if wanted else ():
        found = next((child for child in found if local_name(child) == name), None) if found is not None else None
    return _text(found) if wanted and found is not None else ""
