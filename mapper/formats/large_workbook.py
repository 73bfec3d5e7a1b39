"""Rows of a large .xlsx workbook one after the other, with its shared texts packed close.

What a formula gives is what the spreadsheet last worked out; a formula without such a value is refused with its cell.
"""

from __future__ import annotations

import re
import zipfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from itertools import islice
from typing import IO, Any

from lxml import etree
from openpyxl.reader.excel import ExcelReader
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from mapper.errors import InvalidInput, mark
from mapper.formats.workbook import check_workbook

_UNWORKED = re.compile(rb'<c r="([A-Z]+\d+)"([^>]*)><f[^>]*?(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>')
_TEXT = re.compile(rb'\bt="str"')
"""A formula may come to a text, and that text may be empty."""

_SI, _T, _R = (f"{{{SHEET_MAIN_NS}}}{name}" for name in ("si", "t", "r"))


def sheet_rows(
    name: str,
    data: bytes,
    most_unpacked_mb: int,
    most_rows: int,
    is_wanted: Callable[[Sequence[Sequence[Any]]], bool],
    look: int,
) -> Iterator[tuple[Any, ...]]:
    """The rows of the one sheet that is wanted, as openpyxl gives their values; empty rows too.

    is_wanted: of the first rows of a sheet, ``look`` of them. Where no sheet is wanted it is the first one that is
    shown and not empty. Raises InvalidInput, TooLarge with the cure.
    """
    check_workbook(name, data, most_unpacked_mb, most_rows)
    _refuse_unworked(name, data)
    try:
        reader = _Reader(BytesIO(data), read_only=True, data_only=True)  # type: ignore[no-untyped-call]
        reader.read()  # type: ignore[no-untyped-call]
        book = reader.wb
        try:
            for each in book.worksheets:
                each.reset_dimensions()
            yield from _chosen(name, book.worksheets, is_wanted, look).iter_rows(values_only=True)
        finally:
            book.close()
    except InvalidInput:
        raise
    except Exception as fault:
        # openpyxl meets what other programs wrote with errors of many kinds.
        raise InvalidInput(
            mark("{name} is no workbook that can be read. Save it as CSV UTF-8, and upload that."), name=name
        ) from fault


def _chosen(name: str, sheets: Sequence[Any], is_wanted: Callable[[Sequence[Sequence[Any]]], bool], look: int) -> Any:
    shown = [one for one in sheets if one.sheet_state == "visible"] or list(sheets)
    tops = [list(islice(one.iter_rows(values_only=True), look)) for one in shown]
    people = [one for one, top in zip(shown, tops, strict=True) if is_wanted(top)]
    if len(people) > 1:
        raise InvalidInput(
            mark("{name} has several sheets with people: {sheets}. Save each as a file of its own, and upload these."),
            name=name,
            sheets=", ".join(one.title for one in people),
        )
    filled = [
        one for one, top in zip(shown, tops, strict=True) if any(cell not in (None, "") for r in top for cell in r)
    ]
    return [*people, *filled, *shown][0]


def _is_filled(row: Sequence[Any]) -> bool:
    return any(cell not in (None, "") for cell in row)


def _refuse_unworked(name: str, data: bytes) -> None:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for part in archive.namelist():
            if not (part.startswith("xl/worksheets/") and part.endswith(".xml")):
                continue
            seam = b""
            with archive.open(part) as file:
                while block := file.read(1 << 20):
                    for found in _UNWORKED.finditer(seam + block):
                        if not _TEXT.search(found[2]):
                            raise InvalidInput(
                                mark(
                                    "{name}, cell {cell}: a formula that was never worked out. Open the file in Excel "
                                    "or LibreOffice, save it, and upload it again."
                                ),
                                name=name,
                                cell=found[1].decode("ascii"),
                            )
                    seam = block[-4000:]


class _Reader(ExcelReader):
    """openpyxl's reader, which would hold each shared text as an object of its own."""

    def read_strings(self) -> None:
        found = self.package.find(SHARED_STRINGS)
        if found is not None:
            with self.archive.open(found.PartName[1:]) as source:
                self.shared_strings = _Texts(source)  # type: ignore[assignment]


class _Texts(Sequence[str]):
    """The shared texts of a workbook, all in one piece."""

    def __init__(self, source: IO[bytes]) -> None:
        self._whole, self._ends = bytearray(), array("Q", [0])
        for _, node in etree.iterparse(source, tag=_SI, resolve_entities=False):
            # Runs of several fonts are one text; how it is to be pronounced (rPh) is none of it.
            parts = [each for each in node if each.tag == _T] + [each.find(_T) for each in node if each.tag == _R]
            text = "".join(each.text or "" for each in parts if each is not None)
            self._whole += text.encode()
            self._ends.append(len(self._whole))
            node.clear()
            above = node.getparent()
            if above is not None and above[0] is not node:
                del above[0]

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: Any) -> Any:
        return self._whole[self._ends[place] : self._ends[place + 1]].decode()
