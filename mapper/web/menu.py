"""The main menu: which pages a reader finds there, under the task that they serve.

The page of the people behind a figure is not among them: it is reached from every figure.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, g, request, url_for

from mapper.domain.roles import OVERSEERS, READERS, Role
from mapper.errors import mark
from mapper.services.accounts import User

ALONE = frozenset({Role.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the menu. roles: who finds it. everywhere: only those whose area has no limits.

    of_sets: whether it shows a boundary set; the link then leads on with the one that its reader chose.
    """

    endpoint: str
    name: str
    roles: frozenset[Role] = READERS
    everywhere: bool = False
    of_sets: bool = True


@dataclass(frozen=True, slots=True)
class Heading:
    """Pages that belong together."""

    name: str
    entries: tuple[Entry, ...]


MENU: tuple[Entry | Heading, ...] = (
    Entry("pages.map_page", mark("Map")),
    Heading(
        mark("Figures"),
        (
            Entry("targets.page", mark("Targets")),
            Entry("trends.page", mark("Course over time")),
            Entry("reasons.page", mark("Why not vaccinated")),
            Entry("hot_spots.page", mark("Clusters")),
            Entry("epidemic.page", mark("Epidemic levels")),
            Entry("surveys.page", mark("Samples and lots")),
            Entry("report.page", mark("Daily report")),
        ),
    ),
    Heading(
        mark("People"),
        (
            Entry("lists.page", mark("People and households by filter")),
            Entry("upcoming.page", mark("Soon to be vaccinated")),
            Entry("slips.page", mark("Slips"), of_sets=False),
            Entry("exports.files", mark("My files"), of_sets=False),
        ),
    ),
    Heading(
        mark("Field"),
        (
            Entry("plans.page", mark("Plans")),
            Entry("sites.page", mark("Vaccination sites")),
            Entry("forecast.page", mark("Vaccine forecast")),
            Entry("stock.page", mark("Vaccine stock")),
            Entry("follow_up.lists", mark("Follow-up lists")),
            Entry("follow_up.fieldwork", mark("Fieldwork")),
            Entry("assignment.page", mark("Assignment"), OVERSEERS),
        ),
    ),
    Heading(
        mark("Check data"),
        (
            Entry("pages.submissions", mark("Submissions"), of_sets=False),
            Entry("cleaning.page", mark("Cleaning"), OVERSEERS),
            Entry("integrity.page", mark("Forms to look at again"), OVERSEERS),
            Entry("national_register.page", mark("National register")),
        ),
    ),
    Heading(
        mark("Administration"),
        (
            Entry("own_account.page", mark("Your account"), of_sets=False),
            Entry("users.user_list", mark("Users"), OVERSEERS, of_sets=False),
            Entry("exchange.page", mark("Exchange with other systems")),
            Entry("forms.page", mark("Forms"), ALONE, everywhere=True, of_sets=False),
            Entry("boundary_sets.page", mark("Boundary sets"), ALONE, everywhere=True, of_sets=False),
            Entry("trail.audit_page", mark("Audit trail"), ALONE, everywhere=True, of_sets=False),
            Entry("erasing.page", mark("Erase people"), ALONE, everywhere=True, of_sets=False),
            Entry("retention.page", mark("How long it is kept"), ALONE, everywhere=True, of_sets=False),
            Entry("public.settings", mark("Public page"), ALONE, everywhere=True, of_sets=False),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A page as one reader finds it. here: whether it is the one that is open. of_sets: whether it shows a set."""

    name: str
    address: str
    here: bool
    of_sets: bool


@dataclass(frozen=True, slots=True)
class Drawer:
    """Links under one heading. here: whether one of them is open."""

    name: str
    links: list[Link]

    @property
    def here(self) -> bool:
        """Whether the page that is open is one of these."""
        return any(link.here for link in self.links)


def menu(user: User) -> list[Link | Drawer]:
    """What a reader finds in the menu; a drawer with one page is that page alone."""
    found: list[Link | Drawer] = []
    for one in MENU:
        if isinstance(one, Entry):
            found += _links(user, (one,))
            continue
        links = _links(user, one.entries)
        found += links if len(links) < 2 else [Drawer(one.name, links)]
    return found


def _links(user: User, entries: tuple[Entry, ...]) -> list[Link]:
    open_page, kept = request.endpoint or "", g.get("kept_set")
    return [
        Link(
            entry.name,
            url_for(entry.endpoint, set=kept if entry.of_sets else None),
            open_page == entry.endpoint,
            entry.of_sets,
        )
        for entry in entries
        if entry.endpoint in current_app.view_functions
        and user.role in entry.roles
        and not (entry.everywhere and user.areas)
    ]
