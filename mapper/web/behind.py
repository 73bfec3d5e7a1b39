"""From a figure to those whom it counts: where the numbers of pages lead.

There are two pages of people, each for one thing. ``/people`` (``web/people.py``) shows whom a figure of the ledger or
of houses counts, from the tallies that the figure itself comes from: it stands there at once, and counts houses where
nobody was met. ``/list`` (``web/lists.py``) shows whom any question finds, from the copy of the register, with names,
lots, days and drawn areas to ask by, to be kept, printed and taken along; the first leads on to it. So a number of the
ledger or of houses leads to ``/people``, and one that asks anything more, as of an age and a sex, to ``/list``.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request, url_for

from mapper.domain.people_filter import PeopleFilter
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET
from mapper.web.asked import Asked

OF_A_FILTER = ("campaign", "set", "date")
"""What the address of a filter says besides the filter."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Addresses of those whom the figures of a page count, for the question that it answers."""

    asked: Asked

    def total(self, **counted: object) -> str:
        """Whom a figure of the whole page counts. counted: ``state`` or ``houses``, and other parts of the question."""
        return self._people(self.asked.query(**({"level": None, "within": request.args.get("within")} | counted)))

    def unit(self, level: str, unit: UnitFigures, **counted: object) -> str | None:
        """The same of one unit; None where no address names it.

        A hamlet whose houses stand in two communes has two rows, each with its own people.
        """
        return self.place(level, unit.code, unit.parent, **counted)

    def place(self, level: str, code: str | None, parent: str | None, **counted: object) -> str | None:
        """The same of a unit by its code and that of the unit around it."""
        if not code:
            return None
        within = (parent or "-") if level == HAMLET else None
        return self._people(self.asked.query(level=None, area=f"{level}:{code}", within=within, **counted))

    def found(self, wanted: PeopleFilter) -> str:
        """Whom a filter finds."""
        place = [(name, self.asked.state[name]) for name in OF_A_FILTER]
        return f"{url_for('lists.page')}?{urlencode([*place, *wanted.address(), ('view', 'people')])}"

    def _people(self, parts: dict[str, str]) -> str:
        return f"{url_for('people.page')}?{urlencode(parts)}"
