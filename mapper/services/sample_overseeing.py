"""What supervisors of the sample district have entered: who answers for places, targets of their own, and an open lot.

All of it is invented, and entered as a supervisor enters it, so that each page has something to show.
"""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, date, datetime, time

from mapper.services import lot_drawing, responsible, target_setting
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.invented import SEED
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Known, Reference
from mapper.store import reference as kept

SERIES = ("covid19", "18_plus", "booster1")
"""Campaign, group and dose of the targets and of the lot."""

_ENTERED = "sample overseen"
_INVENTED = "người mẫu, không có thật"
_SURNAMES = ("Nông", "Hoàng", "Hà", "Triệu", "Lý", "Bàn", "Đặng", "Dương", "Nguyễn", "Ma")


def oversee(reference: Reference, user: User, set_id: str, day: date) -> None:
    """Enter it all in a supervisor's name, once; what people change afterwards stays. day: the last of the census."""
    with reference.database.read() as connection:
        if kept.fact(connection, _ENTERED):
            return
        known = reference.known(connection)
    level = known.sets[set_id].leaf
    communes = sorted(unit.code for unit in known.sets[set_id].at_level(level))
    responsible.take_list(reference, user, set_id, _people(known, set_id, communes[:-1]))
    stricter, later = Area(level, communes[2]), Area(level, communes[7])
    target_setting.set_target(reference, user, SERIES, set_id, stricter, "95")
    target_setting.set_target(reference, user, SERIES, set_id, later, "85", date(2022, 10, 15).isoformat())
    lot_drawing.draw(
        reference,
        user,
        Question(*SERIES, day, HAMLET, set_id),
        Area(level, communes[0]),
        lot_drawing.usual_plan(None),
        datetime.combine(day, time(17), UTC),
        seed=str(SEED),
    )
    with reference.database.write() as connection:
        kept.set_fact(reference.database, connection, _ENTERED, "yes")


def _people(known: Known, set_id: str, communes: list[str]) -> bytes:
    """A filled-in list: the units of a supervisor, and every hamlet of some communes."""
    chance = random.Random(f"{SEED} responsible")  # noqa: S311
    places = known.sets[set_id]
    above = places.units[places.leaf, communes[0]].parent_code
    rows = [(places.about.levels[-2], above or "", "Phó Chủ tịch UBND huyện")]
    rows += [(places.leaf, code, "Chủ tịch UBND xã") for code in communes]
    rows += [(HAMLET, code, "Trưởng thôn") for code, one in known.hamlets.items() if one.commune_code in communes]
    file = io.StringIO(newline="")
    table = csv.writer(file)
    table.writerow(("level", "code", "name", "position"))
    for level, code, office in rows:
        name = f"{chance.choice(_SURNAMES)} {chance.choice(('Văn', 'Thị'))} Mẫu"
        table.writerow((level, code, name, f"{office} ({_INVENTED})"))
    return file.getvalue().encode()
