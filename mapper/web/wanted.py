"""The filter that an address tells, with the place its words belong to: the same for pages, programs and paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, request

from mapper.domain.people_filter import NAMES, PeopleFilter, read_filter
from mapper.domain.whole import whole
from mapper.errors import InvalidInput, NotFound, mark
from mapper.web.asked import Asked, ask, ask_for_file

if TYPE_CHECKING:
    from mapper.services.filtered import FilterQuestion

OF_THE_PLACE = ("campaign", "set", "date")
"""What an address says besides the filter."""

BESIDES = ("view", "page", "limit", "lang")
"""What an address of a list may say besides, of how it is shown."""

NOT_YET = 503


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter with the place its words belong to, as an address tells it."""

    asked: Asked
    wanted: PeopleFilter

    @property
    def question(self) -> FilterQuestion:
        """The same for services."""
        from mapper.services.filtered import FilterQuestion

        state = self.asked.state
        return FilterQuestion(state["campaign"], state["set"], self.asked.day, self.wanted)

    def address(self, wanted: PeopleFilter | None = None, **other: object) -> list[tuple[str, str]]:
        """Names and values of the address, of this filter or of another."""
        parts = [(name, self.asked.state[name]) for name in OF_THE_PLACE]
        parts += (self.wanted if wanted is None else wanted).address()
        return parts + [(name, str(value)) for name, value in other.items() if value]

    def query(self, wanted: PeopleFilter | None = None, **other: object) -> str:
        """The same, encoded."""
        return urlencode(self.address(wanted, **other))


def read_wanted(*, program: bool = False) -> Wanted | None:
    """What this request asks for; None where nothing is published yet. Raises InvalidInput, NotFound.

    program: nobody reads what was taken instead of a set that is not here.
    """
    refuse_unknown(*BESIDES)
    args = request.args
    wanted = read_filter({name: args.getlist(name) for name in NAMES})
    read = ask_for_file if program else ask
    asked = read({name: args[name] for name in OF_THE_PLACE if args.get(name)})
    if asked is None:
        return None
    return Wanted(asked, wanted)


def refuse_unknown(*besides: str) -> None:
    """Refuse a name in the address that no filter knows: passed over, it would widen a list without a word.

    besides: names that this address may have otherwise. Raises InvalidInput.
    """
    unknown = sorted(set(request.args) - {*NAMES, *OF_THE_PLACE, *besides})
    if unknown:
        raise InvalidInput(
            mark("A list knows no {name}. What it may be asked for: {names}."),
            name=unknown[0][:40],
            names=", ".join(sorted([*NAMES, *OF_THE_PLACE])),
        )


def page_asked() -> int:
    """The page asked for, from 1. Raises NotFound for what is no number."""
    told = request.args.get("page", "1")
    page = whole(told)
    if page is None:
        raise NotFound(mark("There is no page {page} of this list."), page=told[:20])
    return page


def keep_private(response: Response) -> Response:
    """Let nobody keep what tells of people; programs that come while the copy is made are asked to come again."""
    response.headers["Cache-Control"] = "private, no-store"
    if response.status_code == NOT_YET:
        response.headers["Retry-After"] = "2"
    return response
