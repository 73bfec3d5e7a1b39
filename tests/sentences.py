"""Gathers the sentences of the product that a reader sees, and what its Vietnamese catalogue lacks of them."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

CALLS = frozenset({"mark", "translate", "say", "_"})
"""Python functions whose first argument is a sentence; ``mark`` takes nothing else."""

SCRIPT_CALL = re.compile(r"""\bt\(\s*(?:(?P<literal>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<template>`))""")
"""``t("...")`` in a script; a template string there could not be translated."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as the code has it, and where; text is None where the code hides it from the translators."""

    text: str | None
    place: str


def gather(root: Path) -> list[Sentence]:
    """The sentences of server.py, mapper/**/*.py, the templates and our own scripts, in the order of the files."""
    found: list[Sentence] = []
    for path in [root / "server.py", *sorted((root / "mapper").rglob("*.py"))]:
        if path.exists():
            found += _python(path.read_text("utf-8"), path.relative_to(root).as_posix())
    for path in sorted((root / "mapper").rglob("templates/**/*.*")):
        with path.open("rb") as file:
            found += _extracted(babel_extract(file, ("_",), [], {"silent": "false"}), path.relative_to(root).as_posix())
    for path in sorted((root / "mapper" / "web" / "static" / "js").rglob("*.js")):
        found += _script(path.read_text("utf-8"), path.relative_to(root).as_posix())
    return found


def gaps(sentences: list[Sentence], catalogue: bytes) -> list[str]:
    """What is wrong between sentences and a Vietnamese catalogue, one line each; empty when they fit."""
    entries = read_po(io.BytesIO(catalogue), locale="vi", abort_invalid=True)
    vietnamese = {str(entry.id): entry for entry in entries if entry.id}
    wrong = []
    for place, text in sorted({(sentence.place, sentence.text or "") for sentence in sentences}):
        entry = vietnamese.get(text)
        if not text:
            wrong.append(f"{place}: a sentence for readers must stand in one literal string")
        elif entry is None or not str(entry.string).strip():
            wrong.append(f"{place}: no Vietnamese for {text!r}")
        elif entry.fuzzy:
            wrong.append(f"{place}: the Vietnamese of {text!r} is marked fuzzy")
        elif _places(text) != _places(str(entry.string)):
            wrong.append(f"{place}: {text!r} and its Vietnamese name different places: {entry.string!r}")
    written = len(re.findall(r'^msgid (?!""\s*\nmsgstr ""\s*\n"[\w-]+: )', catalogue.decode("utf-8"), re.MULTILINE))
    if written != len(vietnamese):
        wrong.append(f"the catalogue holds {written} sentences but only {len(vietnamese)} different ones")
    return wrong


def _python(source: str, place: str) -> Iterator[Sentence]:
    for node in ast.walk(ast.parse(source, place)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if name not in CALLS or (isinstance(node.func, ast.Attribute) and name == "translate"):
            continue  # str.translate is another thing
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield Sentence(first.value, f"{place}:{first.lineno}")
        elif name == "mark":
            yield Sentence(None, f"{place}:{node.lineno}")


def _script(source: str, place: str) -> Iterator[Sentence]:
    # Babel's reader of JavaScript loses calls inside `${...}` that hold braces of their own, so: a pattern.
    for call in SCRIPT_CALL.finditer(source):
        line = source.count("\n", 0, call.start()) + 1
        if call["literal"]:
            yield Sentence(ast.literal_eval(call["literal"]), f"{place}:{line}")
        elif call["template"]:
            yield Sentence(None, f"{place}:{line}")


def _extracted(messages: Iterator[tuple[int, str, object, list[str]]], place: str) -> Iterator[Sentence]:
    for line, _function, message, _comments in messages:
        text = message[0] if isinstance(message, tuple | list) else message
        if isinstance(text, str):
            yield Sentence(text, f"{place}:{line}")


def _places(text: str) -> set[str]:
    return {name for _literal, name, _format, _conversion in Formatter().parse(text) if name is not None}
