"""The table of a cluster survey, one person a row: which cluster, and vaccinated or not."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from unicodedata import normalize

from mapper.domain.places import fold
from mapper.errors import InvalidInput, TooLarge, mark

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "cluster": ("cluster", "cum"),
    "vaccinated": ("vaccinated", "da tiem"),
    "stratum": ("stratum", "tang"),
    "weight": ("weight", "trong so"),
}
"""Column to the names that it may have, without accents."""

_NEEDED = ("cluster", "vaccinated")
_ANSWERS = {"1": 1, "0": 0, "yes": 1, "no": 0, "co": 1, "khong": 0}
MOST_ROWS = 200_000

TEMPLATE = (
    "cluster,stratum,weight,vaccinated\r\n"
    "Thôn Một,Xã A,1,1\r\n"
    "Thôn Một,Xã A,1,0\r\n"
    "Thôn Hai,Xã A,1.5,1\r\n"
    "Thôn Ba,Xã B,2,1\r\n"
    "Thôn Bốn,Xã B,2,0\r\n"
)
"""A table to begin with; stratum and weight may be left out as whole columns."""


@dataclass(frozen=True, slots=True)
class SurveyTable:
    """People one by one. strata, weights: None where the table has no such column."""

    vaccinated: tuple[int, ...]
    clusters: tuple[str, ...]
    strata: tuple[str, ...] | None
    weights: tuple[float, ...] | None


def read_survey(data: bytes) -> SurveyTable:
    """Read the CSV of a survey: cluster, vaccinated (1 or 0), and perhaps stratum and weight, in any order.

    Commas, semicolons or tabs separate; a weight may have a decimal comma. Raises InvalidInput, naming the row as a
    spreadsheet counts it and the cure, and TooLarge.
    """
    try:
        text = normalize("NFC", data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InvalidInput(mark("The survey is not a CSV in UTF-8. Save it as CSV UTF-8 and choose it again."))
    if not text.strip():
        raise InvalidInput(mark("The file of the survey is empty. Begin with the template."))
    first = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return _read(list(reader))
    except csv.Error as error:
        raise InvalidInput(
            mark("Survey, row {row}: {reason}. Correct the quotes and separators of that row."),
            row=reader.line_num,
            reason=str(error),
        ) from None


def _read(rows: Sequence[Sequence[str]]) -> SurveyTable:
    numbered = [(row, [cell.strip() for cell in cells]) for row, cells in enumerate(rows, 1)]
    numbered = [(row, cells) for row, cells in numbered if any(cells)]
    if not numbered:  # separators and quotes alone
        raise InvalidInput(mark("The file of the survey is empty. Begin with the template."))
    places = _columns(numbered[0][1])
    people = numbered[1:]
    if not people:
        raise InvalidInput(mark("The survey has no rows below the names of its columns. Write one row a person."))
    if len(people) > MOST_ROWS:
        raise TooLarge(
            mark("The survey has {rows} rows; at most {most} are read at once."), rows=len(people), most=MOST_ROWS
        )
    told: dict[str, list[str]] = {column: [] for column in places}
    vaccinated, weights = [], []
    for row, cells in people:
        for column, place in places.items():
            value = cells[place] if place < len(cells) else ""
            if not value:
                raise InvalidInput(
                    mark("Survey, row {row}: the column {column} is empty. Fill it in, or take out the row."),
                    row=row,
                    column=column,
                )
            told[column].append(value)
        vaccinated.append(_answer(told["vaccinated"][-1], row))
        if "weight" in places:
            weights.append(_weight(told["weight"][-1], row))
    strata = tuple(told["stratum"]) if "stratum" in places else None
    return SurveyTable(tuple(vaccinated), tuple(told["cluster"]), strata, tuple(weights) if weights else None)


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Where each column stands."""
    names = [" ".join(fold(name).replace("_", " ").split()) for name in header]
    places: dict[str, int] = {}
    for column, called in COLUMNS.items():
        found = [place for place, name in enumerate(names) if name in called]
        if len(found) > 1:
            raise InvalidInput(mark("The survey has the column {column} twice. Keep one of them."), column=column)
        if found:
            places[column] = found[0]
    missing = [column for column in _NEEDED if column not in places]
    if missing:
        raise InvalidInput(
            mark(
                "The survey lacks the column {columns}. Its first row names the columns: cluster, vaccinated, and "
                "perhaps stratum and weight, as in the template."
            ),
            columns=", ".join(missing),
        )
    return places


def _answer(text: str, row: int) -> int:
    answer = _ANSWERS.get(fold(text))
    if answer is None:
        raise InvalidInput(
            mark("Survey, row {row}: vaccinated is {value}. Write 1 for yes or 0 for no."), row=row, value=text[:40]
        )
    return answer


def _weight(text: str, row: int) -> float:
    try:
        weight = float(text.replace(",", "."))
    except ValueError:
        weight = math.nan
    if not 0 < weight < 1e12:
        raise InvalidInput(
            mark(
                "Survey, row {row}: the weight {value} is no number above 0. Write how many people this one stands for."
            ),
            row=row,
            value=text[:40],
        )
    return weight
