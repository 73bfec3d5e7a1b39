"""An .xlsx file before it is trusted, and where in it a question stands.

An .xlsx is a zip of XML parts, so a small file can unpack to gigabytes. Sizes are read from the zip's directory, which
Python's zipfile enforces while unpacking; rows are counted in the packed XML without building a sheet.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO

from openpyxl.reader.excel import load_workbook

from mapper.errors import InvalidForm, TooLarge, mark

MAX_UNPACKED_MB = 60
MAX_RATIO = 200
MAX_PARTS = 2000
MAX_ROWS = 50_000
_RATIO_MATTERS_FROM = 5_000_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BLOCK = 1 << 18
_SEAM = 17
_ROWS = (b"<row ", b"<row>")
_DECLARATIONS = (b"<!DOCTYPE", b"<!ENTITY", "<!DOCTYPE".encode("utf-16-le"), "<!DOCTYPE".encode("utf-16-be"))


def check_workbook(name: str, data: bytes, most_unpacked_mb: int = MAX_UNPACKED_MB, most_rows: int = MAX_ROWS) -> None:
    """Refuse what is not an .xlsx workbook, or would unpack to something enormous.

    Raises InvalidForm or TooLarge, naming the file and the cure.
    """
    if data.startswith(_OLE):
        raise InvalidForm(
            mark("{name} is an old .xls workbook or is locked with a password. Save it as .xlsx without a password."),
            name=name,
        )
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            _check_archive(name, archive, len(data), most_unpacked_mb, most_rows)
    except (InvalidForm, TooLarge):
        raise
    except Exception as error:
        # zipfile meets damage with errors of many kinds: its own, zlib's, struct's, of text, of memory.
        raise InvalidForm(
            mark("{name} is not an Excel workbook, or it arrived incomplete. Save it as .xlsx and upload it again."),
            name=name,
        ) from error


def _check_archive(name: str, archive: zipfile.ZipFile, packed: int, most_unpacked_mb: int, most_rows: int) -> None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        raise InvalidForm(mark("{name} is a zip file but no Excel workbook. Save it as .xlsx."), name=name)
    unpacked = sum(part.file_size for part in parts)
    if (
        len(parts) > MAX_PARTS
        or unpacked > most_unpacked_mb * 1_000_000
        or (unpacked > _RATIO_MATTERS_FROM and unpacked > MAX_RATIO * packed)
    ):
        raise TooLarge(
            mark(
                "{name} unpacks to {unpacked} MB in {parts} parts; {limit} MB are read. Delete empty rows and "
                "columns behind the tables, and pictures, and save it again."
            ),
            name=name,
            unpacked=round(unpacked / 1_000_000),
            parts=len(parts),
            limit=most_unpacked_mb,
        )
    for part in parts:
        if not part.filename.endswith((".xml", ".rels")):
            continue
        rows = 0
        sheet = part.filename.startswith("xl/worksheets/")
        for seam, block in _blocks(archive, part):
            if any(declaration in block for declaration in _DECLARATIONS):
                raise InvalidForm(
                    mark("{name} holds XML with a document type, which no spreadsheet program writes. Save it anew."),
                    name=name,
                )
            rows += sum(block.count(row) - seam.count(row) for row in _ROWS) if sheet else 0
        if rows > most_rows:
            raise TooLarge(
                mark(
                    "{name} has a sheet of {rows} rows; {limit} are read. Delete the empty rows behind the table, "
                    "or move what is long to CSV files."
                ),
                name=name,
                rows=rows,
                limit=most_rows,
            )


def _blocks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[tuple[bytes, bytes]]:
    """The unpacked part in blocks, each with its seam: it begins with the end of the block before."""
    seam = b""
    with archive.open(part) as file:
        while read := file.read(_BLOCK):
            block = seam + read
            yield seam, block
            seam = block[-_SEAM:]


def survey_rows(data: bytes, column: str = "name") -> dict[str, list[int]]:
    """Rows of the sheet survey by the text in a column, counted from 1 as Excel shows them.

    Empty where the workbook or the column cannot be read: row numbers only help.
    """
    try:
        book = load_workbook(BytesIO(data), read_only=True, data_only=True)
    except Exception:
        return {}
    try:
        sheet = next((book[title] for title in book.sheetnames if title.strip().lower() == "survey"), None)
        if sheet is None:
            return {}
        rows = sheet.iter_rows(values_only=True)
        header = [str(cell).strip().lower() if cell is not None else "" for cell in next(rows, ())]
        if column not in header:
            return {}
        place = header.index(column)
        found: dict[str, list[int]] = {}
        for number, row in enumerate(rows, 2):
            cell = row[place] if place < len(row) else None
            if cell is not None and str(cell).strip():
                found.setdefault(str(cell).strip(), []).append(number)
        return found
    finally:
        book.close()
