"""What a plan is made from, taken from the register at one moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from mapper.domain.plan import PlanGiven, PlanQuestion
from mapper.services import demand
from mapper.services.accounts import User
from mapper.services.field_area import field_area
from mapper.services.questions import default_set
from mapper.services.reference import Reference
from mapper.store import epidemic
from mapper.store import sites as kept


def gather(reference: Reference, user: User, question: PlanQuestion) -> PlanGiven:
    """The people due, sites and levels of a question, as far as a user sees them. Raises NotFound, InvalidQuestion."""
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(question.campaign_id)
        places = default_set(known, question.set_id)
        rules = demand.rules_of(connection, campaign)
        area = field_area(reference, connection, known, user)
        days = question.first, question.last
        placer = places.placer

        def unit_of(lon: float, lat: float) -> str | None:
            return placer.place_one(lon, lat)[0]

        houses = [
            replace(house, unit=unit_of(house.point.lon, house.point.lat)) if house.point else house
            for house in demand.people_due(reference, connection, campaign, rules, days, area)
        ]
        if question.area:
            level, _, code = question.area.partition(":")
            houses = [one for one in houses if places.above(one.unit or one.commune_code or "", level) == code]
        sites = kept.everywhere(connection)
        told = demand.rules_told(connection, campaign)
        entered = epidemic.in_force(connection, places.id, question.last)
    units = {one.code: unit for one in sites if (unit := unit_of(one.lon, one.lat)) is not None}
    return PlanGiven(
        question,
        datetime.now(UTC).isoformat(timespec="milliseconds"),
        told,
        tuple(houses),
        tuple(sites),
        units,
        {code: one.label for code, one in known.hamlets.items()},
        {unit.code: unit.name for unit in places.at_level(places.leaf)},
        tuple((one.unit_code, one.from_day, one.level) for one in entered.values()),
        "",
    )
