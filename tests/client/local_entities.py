"""The entity lists on one phone: what the server sent, and what the phone's own forms made of it since.

ODK Collect keeps every entity with its version. A list that comes from the server replaces what it is newer than; a
form that was finished without a line makes or updates rows at once, so that the next form finds them.
"""

from __future__ import annotations

import csv
import uuid
from dataclasses import dataclass, field
from io import StringIO

from lxml import etree

from mapper.domain.entities import ROUND

SAVE_TO = "{http://www.opendatakit.org/xforms/entities}saveto"
Row = dict[str, str]


@dataclass
class LocalEntities:
    """Rows by list and id. made_here: ids that the server has not shown yet."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    made_here: set[str] = field(default_factory=set)

    def take(self, name: str, content: bytes) -> None:
        """A list as the server sent it. Raises ValueError for one that Collect would drop silently."""
        reader = csv.DictReader(StringIO(content.decode()))
        self.columns[name] = list(reader.fieldnames or ())
        old, new = self.rows.get(name, {}), {}
        for row in reader:
            if not row["name"] or not row["label"] or not row["__version"].isdigit():
                raise ValueError(f"a row of {name} lacks its id, label or version")
            own = old.get(row["name"])
            if own is not None and not _newer(row, own):
                new[row["name"]] = own
                continue
            self.made_here.discard(row["name"])
            new[row["name"]] = {**row, "__trunkVersion": row["__version"], "__branchId": str(uuid.uuid4())}
        self.rows[name] = {key: row for key, row in old.items() if key in self.made_here} | new

    def finish(self, xml: bytes, xform: bytes) -> None:
        """What a form that was just finished makes and updates; xform: says which answers are saved where."""
        root = etree.fromstring(xml)
        saves = _saves(xform)
        for entity in root.iter("{*}entity"):
            name = f"{entity.get('dataset')}.csv"
            rows, key = self.rows.setdefault(name, {}), entity.get("id", "")
            if entity.get("create") == "1":
                made = {"name": key, "__version": "1", "__branchId": str(uuid.uuid4())}
                rows[key] = dict.fromkeys(self.columns[name], "") | made
                self.made_here.add(key)
            elif entity.get("update") == "1":
                rows[key]["__version"] = str(int(rows[key]["__version"]) + 1)
            else:
                continue
            label = entity.find("{*}label")
            told = {} if label is None else {"label": label.text or ""}
            whole = next(entity.iterancestors("{*}meta")).getparent()
            above = [etree.QName(one).localname for one in (*reversed(list(whole.iterancestors())), whole)]
            for path, column in saves.items():
                below = path[len(above) :]
                deeper = any(path[: len(other)] == other and len(other) > len(above) for other in _repeats(root))
                if path[: len(above)] == tuple(above) and not deeper:
                    found = whole.find("/".join(f"{{*}}{part}" for part in below))
                    if found is not None:
                        told[column] = (found.text or "").strip()
            rows[key].update({column: text for column, text in told.items() if column in self.columns[name]})

    def csv(self, name: str) -> bytes:
        """A list as the next form reads it."""
        text = StringIO()
        writer = csv.DictWriter(text, self.columns[name], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows.get(name, {}).values())
        return text.getvalue().encode()


def _newer(row: Row, own: Row) -> bool:
    """Whether Collect takes a row of the server's in place of its own: a higher version, or the same where its own was
    changed on the phone."""
    there, here = int(row["__version"]), int(own["__version"])
    return there > here or (there == here and own["__version"] != own.get("__trunkVersion"))


def own_version(row: Row) -> str:
    """Which of the server's versions of an entity a row that came from it shows."""
    return str(int(row["__version"]) % ROUND)


Path = tuple[str, ...]


def _saves(xform: bytes) -> dict[Path, str]:
    """Where an answer stands, and the property of its entity that it is saved as."""
    binds = etree.fromstring(xform).iter("{*}bind")
    found = {bind.get("nodeset", ""): bind.get(SAVE_TO) for bind in binds}
    return {tuple(path.strip("/").split("/")): column for path, column in found.items() if column}


def _repeats(root: etree._Element) -> set[Path]:
    """Where entities of their own stand, below the whole."""
    found = set()
    for entity in root.iter("{*}entity"):
        names = [etree.QName(one).localname for one in entity.iterancestors()]
        found.add(tuple(reversed(names[1:])))
    return found
