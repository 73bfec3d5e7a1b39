"""A district of two communes with people due, and plans of it: what tests of plan pages look at.

Xã Một has a station TYT in its middle. In hamlet 0000101, a kilometre off, live three people due in two houses and one
who is not; in 0000102, by its border, two in one house; in Xã Hai, ten kilometres off, one in a house, and one more in
a house whose position nobody knows.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from mapper.domain.people import Point
from mapper.domain.plan import FieldTeam, PlanQuestion
from mapper.domain.sites import Site as Place
from mapper.domain.sites import SiteKind
from mapper.services import plan_work, plans, sites
from mapper.services.accounts import OPERATOR, User
from mapper.services.reference import Reference
from tests.client.site import SET_ID, House, Site

FIRST, LAST = date(2022, 9, 5), date(2022, 9, 7)
"""A Monday and a Wednesday."""

STATION = Place("TYT", "Trạm y tế Xã Một", SiteKind.FIXED, 22.05, 105.05, 100, True)
HOUSES = (
    House("uuid:one", location="22.055 105.055 300 5", people=(("Nông Văn Páo", "1980-05-04", ""),)),
    House(
        "uuid:two",
        location="22.056 105.056 300 5",
        people=(
            ("Lò Thị Ún", "1991-01-02", ""),
            ("Lò Văn Bình", "1990-01-02", ""),
            ("Lò Mai", "1985-01-02", "2022-01-02"),
        ),
    ),
    House(
        "uuid:three",
        hamlet="0000102",
        location="22.03 105.03 300 5",
        people=(("Ma Thị Xuân", "1975-03-04", ""), ("Ma Văn Thu", "1974-03-04", "")),
    ),
    House(
        "uuid:four",
        commune="00002",
        hamlet="0000201",
        location="22.05 105.15 300 5",
        people=(("Triệu Văn Đông", "1966-07-08", ""),),
    ),
    House(
        "uuid:five",
        commune="00002",
        hamlet="0000201",
        location="22.05 105.15 300 5000",
        people=(("Triệu Thị Hạ", "1966-07-08", ""),),
    ),
)


def settle(site: Site) -> None:
    """The station is entered and the houses are visited."""
    rows = "code,name,kind,lat,lon,capacity,cold_chain\nTYT,Trạm y tế Xã Một,fixed,22.05,105.05,100,yes\n"
    sites.take_file(site.reference, None, "sites.csv", rows.encode())
    phone = site.phone()
    for house in HOUSES:
        phone.send(house.form())


def question(**other: Any) -> PlanQuestion:
    """Two sites, the station and a proposed one, for a team that sets out from the station."""
    team = FieldTeam("Đội 1", Point(STATION.lat, STATION.lon))
    told: dict[str, Any] = {"campaign_id": "mini", "first": FIRST, "last": LAST, "name": "Tuần 36", "set_id": SET_ID}
    told |= {"area": "district:001", "sites": 2, "teams": (team,), "seconds": 2.0}
    return PlanQuestion(**told | other)


def planned(reference: Reference, user: User = OPERATOR, given_of: int | None = None, **other: Any) -> int:
    """The number of a plan that is made."""
    number = plans.ask(reference, user, question(**other), given_of)
    plan_work.work_out(reference, number)
    return number
