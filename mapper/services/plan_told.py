"""A plan with all that its papers and files say of it: places, doses and vaccines by name, days and hours in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from babel.dates import format_date

from mapper.domain.campaign import Campaign
from mapper.domain.made_plan import MadePlan, PlanSite, Session, TeamDay, VialNeed, together
from mapper.domain.people import Person, Point
from mapper.domain.planning import PlanningRules
from mapper.domain.sites import Site
from mapper.errors import NotFound, Unavailable, mark
from mapper.language import translate, written_day
from mapper.services import demand, plans
from mapper.services.accounts import User
from mapper.services.plan_figures import PlaceNames, clock
from mapper.services.plans import PlanLine
from mapper.services.questions import set_made_on, set_name
from mapper.services.reference import Reference

VIETNAM = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a plan is wanted: everything, or only of one site by its code, of one team, or of one day."""

    site: str = ""
    team: str = ""
    day: date | None = None

    def takes(self, session: Session) -> bool:
        """Whether a session is of it, as far as its team and day tell."""
        return self.day in (None, session.day) and self.team in ("", session.team)


@dataclass(frozen=True, slots=True)
class ToldPlan:
    """A plan that came out, as its reader sees it, in one language. sample: whether its people are invented."""

    line: PlanLine
    made: MadePlan
    campaign: Campaign
    names: PlaceNames
    rules: PlanningRules
    language: str
    project: str
    sample: bool

    def say(self, message: str, **facts: object) -> str:
        """A sentence in the reader's language."""
        return translate(message, self.language, **facts)

    @property
    def number(self) -> int:
        """Of the plan."""
        return self.line.row.id

    @property
    def name(self) -> str:
        """What the plan is called."""
        number = self.say(mark("Plan {number}"), number=self.number)
        return f"{number} · {self.line.row.name}" if self.line.row.name else number

    @property
    def moment(self) -> str:
        """When the plan was made, in Vietnam."""
        made_at = datetime.fromisoformat(self.line.row.at).astimezone(VIETNAM)
        return self.say(mark("made at {moment}"), moment=f"{made_at:%d/%m/%Y %H:%M}")

    @property
    def boundaries(self) -> str:
        """The boundary set that the plan was made on, with its period; "" where there is one alone."""
        names = self.names
        return set_name(names.places.about, self.language) if len(names.known.sets) > 1 else ""

    @property
    def foot(self) -> str:
        """What stands below each page."""
        told = [self.project, self.name, self.moment]
        if self.sample:
            told.append(self.say(mark("invented people")))
        words = mark("{project} · Personal data: show it to nobody and bring it back to the office.")
        return self.say(words, project=" · ".join(told))

    def day(self, day: date) -> str:
        """A day with its day of the week."""
        return day_words(day, self.language)

    def dose(self, code: str) -> str:
        """What a dose is called."""
        label = self.campaign.doses.get(code)
        return label[self.language] if label else code

    def formulation(self, code: str) -> str:
        """What a formulation is called; words for none."""
        if not code:
            return self.say(mark("vaccine not known"))
        found = next((one for one in self.rules.formulations if one.code == code), None)
        return found.label[self.language] if found else code

    def place(self, hamlet: str | None, commune: str | None) -> str:
        """Hamlet and commune."""
        return ", ".join(filter(None, (self.names.hamlet(hamlet), self.names.unit(commune))))

    def born(self, person: Person) -> str:
        """The year of birth, as far as one is known."""
        if person.born_on is None:
            return "–"
        return f"~{person.born_on.year}" if person.birth_precision == "age" else str(person.born_on.year)

    def sites(self, asked: Asked) -> list[PlanSite]:
        """The sites that are wanted, in the plan's order. Raises NotFound for a code that is none of them."""
        if asked.site and asked.site not in {one.site.code for one in self.made.sites}:
            raise NotFound(mark("Plan {number} has no site {site}."), number=self.number, site=asked.site)
        return [one for one in self.made.sites if asked.site in ("", one.site.code)]

    def team_days(self, asked: Asked) -> list[TeamDay]:
        """The days of teams that are wanted, by day and team. Raises NotFound for a team that goes nowhere."""
        if asked.team and asked.team not in {one.team for one in self.made.days}:
            raise NotFound(mark("Plan {number} has no team {team}."), number=self.number, team=asked.team)
        return sorted(
            (
                one
                for one in self.made.days
                if asked.team in ("", one.team)
                and asked.day in (None, one.day)
                and (not asked.site or any(stop.site == asked.site for stop in one.stops))
            ),
            key=lambda one: (one.day, one.team),
        )

    def site(self, code: str) -> PlanSite | None:
        """A site by its code."""
        return next((one for one in self.made.sites if one.site.code == code), None)

    def load(self, day: TeamDay) -> tuple[VialNeed, ...]:
        """What a team loads before it leaves: for its sessions and its visits at home."""
        needs: list[VialNeed] = []
        for code in dict.fromkeys(stop.site for stop in day.stops if stop.site):
            site = self.site(code)
            for session in site.sessions if site else ():
                if session.day == day.day and session.team == day.team:
                    needs += session.needs
        return together([*needs, *day.needs])


def told_plan(reference: Reference, user: User, number: int, language: str, project: str) -> ToldPlan:
    """A plan for its papers and files.

    Raises NotFound where the user sees no such plan, Unavailable where nothing came out yet.
    """
    found = plans.plan(reference, user, number)
    if found.made is None:
        raise Unavailable(mark("Plan {number} is not made yet. Wait until it is."), number=number)
    row = found.line.row
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(row.campaign_id)
        rules = demand.rules_of(connection, campaign)
        names = PlaceNames(known, set_made_on(known, found.line.question.set_id))
    return ToldPlan(found.line, found.made, campaign, names, rules, language, project, known.sample)


def day_words(day: date, language: str) -> str:
    """A day with its day of the week: Thứ Tư 25/11/2026, Wednesday 25 Nov 2026."""
    return f"{format_date(day, 'EEEE', locale=language)} {written_day(day, language)}"


def hours(begin: float, end: float) -> str:
    """From when to when."""
    return f"{clock(begin)}–{clock(end)}"


def position(at: Point | Site) -> str:
    """A position as phones and people type it."""
    return f"{at.lat:.5f}, {at.lon:.5f}"


def geo_address(at: Point | Site) -> str:
    """A position as phones open it (RFC 5870)."""
    return f"geo:{at.lat:.6f},{at.lon:.6f}"


COUNTED: Mapping[str, str] = {
    "vials": mark("vials, without buffer"),
    "ready": mark("vials"),
    "diluents": mark("diluents"),
    "syringes": mark("syringes"),
    "mixing_syringes": mark("mixing syringes"),
    "safety_boxes": mark("safety boxes"),
}
"""What is counted of a need, in its order, in words."""
