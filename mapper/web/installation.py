"""What every page and endpoint is given: the settings and the reference data with its database."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import current_app

from mapper.services import notice_boards
from mapper.services.background import Background
from mapper.services.base_map import BaseMap
from mapper.services.files_to_fetch import Made
from mapper.services.health import HeardFrom
from mapper.services.hot_spots import Found
from mapper.services.integrity import Examined
from mapper.services.kept_lists import KeptLists
from mapper.services.reference import Reference
from mapper.services.register_entries import Compared
from mapper.services.successions import Outcome
from mapper.services.tiles import Grounds
from mapper.settings import Settings
from mapper.web.finished import Body, Shelf


@dataclass(frozen=True, slots=True)
class Installation:
    """One running product.

    bodies: of answers asked for not long ago, by what they were made from. heard: which phones were heard from.
    grounds: what tiles draw from.
    hot_spots: searches for clusters, under way and done. trends: courses asked for lately. ages: people being read.
    registers: comparisons with the national register.
    integrity: canvassers' forms being looked through.
    exports: files with many people, being written and ready to be fetched. plans: being made; numbers of those done.
    boundaries: files of boundary sets, being read and placed.
    successions: what became of units, being measured and kept. retention: campaigns being reduced to numbers.
    """

    settings: Settings
    reference: Reference
    base_map: BaseMap | None = field(default=None, compare=False)
    bodies: Shelf[Body] = field(default_factory=lambda: Shelf(48_000_000), compare=False)
    heard: HeardFrom = field(default_factory=HeardFrom, compare=False)
    grounds: Grounds = field(default_factory=Grounds, compare=False)
    hot_spots: Background[Found] = field(default_factory=Background, compare=False)
    trends: KeptLists = field(default_factory=lambda: KeptLists(values=100), compare=False)
    ages: Background[int] = field(default_factory=Background, compare=False)
    integrity: Background[Examined] = field(default_factory=Background, compare=False)
    registers: Background[Compared] = field(default_factory=lambda: Background(keep=4), compare=False)
    exports: Background[Made] = field(default_factory=lambda: Background(keep=6), compare=False)
    plans: Background[int] = field(default_factory=Background, compare=False)
    boundaries: Background[None] = field(default_factory=Background, compare=False)
    retention: Background[int] = field(default_factory=Background, compare=False)
    successions: Background[Outcome] = field(default_factory=lambda: Background(keep=8), compare=False)

    def __post_init__(self) -> None:
        """Let every process of this database tell the same of what takes a while."""
        database = self.reference.database
        self.hot_spots.board = notice_boards.hot_spots(database)
        self.integrity.board = notice_boards.integrity(database)
        self.grounds.ready.board = notice_boards.grounds(database)
        self.registers.board = notice_boards.registers(database)
        self.successions.board = notice_boards.successions(database)

    @property
    def sample(self) -> bool:
        """Whether this installation holds invented households, which every page then says."""
        return self.reference.is_sample()


def installation() -> Installation:
    """The running product of this request."""
    found: Installation = current_app.extensions["mapper"]
    return found
