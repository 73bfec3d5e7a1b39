"""What files to save say of the boundary set that their units are of, where there are several: codes are given anew.

With one set alone a file is named and laid out as if there were none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from mapper.errors import mark
from mapper.services.questions import default_set, set_name
from mapper.web.installation import installation
from mapper.web.language_choice import chosen_language, say

Cell = TypeVar("Cell")


def in_name(set_id: str, day: date | None = None) -> tuple[str, ...]:
    """The part of a file's name that tells its set. set_id, day: as for ``questions.default_set``."""
    reference = installation().reference
    with reference.database.read() as connection:
        known = reference.known(connection)
    return (default_set(known, set_id, day).id,) if len(known.sets) > 1 else ()


def heads(set_id: str) -> list[str]:
    """The heads of the columns that tell set and day."""
    return [say(mark("Boundary set")), say(mark("Figures of the day"))] if in_name(set_id) else []


def cells(set_id: str, day: Cell) -> list[str | Cell]:
    """What stands in them, in every row."""
    reference = installation().reference
    with reference.database.read() as connection:
        known = reference.known(connection)
    return [set_name(known.sets[set_id].about, chosen_language()), day] if len(known.sets) > 1 else []


def with_set(rows: Sequence[Sequence[Cell]], set_id: str, day: Cell) -> list[tuple[Cell | str, ...]]:
    """Rows with the cells that tell set and day behind each."""
    told = cells(set_id, day)
    return [(*row, *told) for row in rows]
