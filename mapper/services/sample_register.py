"""An invented extract of the national register: what the census of the sample knows, as another register writes it.

Everything that makes two registers differ stands in it, so that the comparison has something to explain.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from mapper.domain.campaign import Campaign
from mapper.domain.places import fold
from mapper.services import national_register
from mapper.services.accounts import User
from mapper.services.invented import SEED
from mapper.services.reference import Reference
from mapper.services.register_comparison import census_when_ready
from mapper.services.register_entries import CensusPerson
from mapper.services.register_import import import_file
from mapper.services.register_layouts import layout_of
from mapper.store import reference as kept

CAMPAIGN = "covid19"
FILE = "Trích xuất MẪU (bịa ra, không có thật).csv"

_ENTERED = "sample register"


def enter(reference: Reference, user: User, set_id: str, day: date) -> None:
    """Upload the extract in a supervisor's name, once. day: the last of the census."""
    with reference.database.read() as connection:
        if kept.fact(connection, _ENTERED):
            return
        known = reference.known(connection)
        campaign, places = known.campaign(CAMPAIGN), known.sets[set_id]
        layout = layout_of(connection, campaign)
    names = {unit.code: unit.name for unit in places.at_level(places.leaf)}
    here = sorted(census_when_ready(reference, CAMPAIGN, set_id), key=lambda one: one.key)
    told = [one for one in here if one.name and one.unit]
    data = import_file(layout, campaign, names, written(told, campaign, sorted(names)), "csv")
    national_register.upload(reference, user, CAMPAIGN, set_id, FILE, data, day)
    with reference.database.write() as connection:
        kept.set_fact(reference.database, connection, _ENTERED, "yes")


def written(people: Sequence[CensusPerson], campaign: Campaign, communes: Sequence[str]) -> list[CensusPerson]:
    """People as another register has them: some left out, some twice, some unknown here, some otherwise; by a seed."""
    chance = random.Random(f"{SEED} register")  # noqa: S311
    found = []
    for one in people:
        fate = chance.random()
        if fate < 0.03:
            continue
        if fate < 0.05:
            found.append(_nobody_here(chance, one))
        found.append(_written(chance, one, campaign, communes))
        if fate > 0.99:
            found.append(replace(found[-1], name=found[-1].name.upper()))
    return found


def _nobody_here(chance: random.Random, near: CensusPerson) -> CensusPerson:
    """Somebody of the same commune whom the census does not know."""
    born = date(1940, 1, 1) + timedelta(days=chance.randrange(60 * 365))
    name = f"{near.name.split()[0]} {chance.choice(('Văn', 'Thị'))} Mẫu"
    return replace(near, name=name, born_on=born, precision="day", phone=f"09{chance.randrange(10**8):08d}")


def _written(chance: random.Random, one: CensusPerson, campaign: Campaign, communes: Sequence[str]) -> CensusPerson:
    name, born, precision, doses, unit = one.name, one.born_on, one.precision, list(one.doses), one.unit
    way = chance.random()
    if way < 0.1:
        name = fold(name).upper()
    elif way < 0.13:
        place = chance.randrange(1, len(name))
        name = name[:place] + name[place - 1] + name[place:]
    if chance.random() < 0.05:
        precision = "year"
    elif born is not None and precision == "day" and born.day <= 12 and chance.random() < 0.03:
        born = date(born.year, born.day, born.month)
    if doses and chance.random() < 0.06:
        at = chance.randrange(len(doses))
        wrong = doses[at]
        change = chance.choice(("day", "vaccine", "missing"))
        if change == "missing":
            del doses[at]
        elif change == "vaccine":
            doses[at] = replace(wrong, vaccine=chance.choice(sorted(campaign.vaccines.keys() - {wrong.vaccine})))
        elif wrong.given_on is not None:
            doses[at] = replace(wrong, given_on=wrong.given_on - timedelta(days=chance.choice((1, 7, 10))))
    if chance.random() < 0.01:
        unit = chance.choice(communes)
    phone = one.phone if chance.random() < 0.7 else ""
    return replace(one, name=name, born_on=born, precision=precision, doses=tuple(doses), unit=unit, phone=phone)
