"""Room made where others wait: people of a team's session are asked elsewhere, where there is room for them too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mapper.domain.sites import SiteKind
from mapper.services.appointments import Appointed, Place
from mapper.services.scenarios import Conditions, unit_of_house
from mapper.services.spare_days import A_SECOND, Days
from mapper.services.spare_places import Day, Stop
from mapper.services.spare_vials import FilledVials
from mapper.services.travel import Ways, lon_lat
from mapper.services.turns import Comer, Weights


@dataclass(eq=False)
class Relief:
    """stations: of each house with anybody asked to a team's session those within their walk, the nearest first."""

    days: Days
    stations: Mapping[str, Sequence[tuple[Place, float]]]
    weights: Weights
    vials: FilledVials

    @classmethod
    def of(cls, appointed: Appointed, days: Days, weights: Weights, held: Conditions, ways: Ways) -> Relief:
        """For days as they are so far."""
        stations = [one for one in appointed.places if one.site.kind is SiteKind.FIXED and one.open_days]
        return cls(days, _near(stations, days, weights, held, ways), weights, FilledVials(held.rules))

    def of_days(self, wanted: Sequence[float]) -> None:
        """Ask people elsewhere. wanted: doses of those who wait for each day.

        A session from which some go still fills its vials as the rules say, or as it did; or nobody is left there.
        """
        free = [day for day, left in zip(self.days, wanted, strict=True) if not left]
        for day, left in zip(self.days, wanted, strict=True):
            for stop in list(day.stops):
                if left <= 0 or stop.slot is None or stop.slot.kept or stop.place is None:
                    continue
                asked = list(stop.slot.asked)
                doses = self.vials.doses(asked)
                now = doses.sum(axis=0)
                for one, own in zip(asked, doses, strict=True):
                    if left <= 0:
                        break
                    if self.vials.enough(now - own, now) and (self._to_station(one) or self._to_other(one, stop, free)):
                        now = now - own
                        stop.slot.asked.remove(one)
                        stop.place.asked[day.day] -= 1
                        left -= one.doses
                        day.changed, day.stamp = True, day.stamp + 1
                if not stop.slot.asked:
                    day.stops.remove(stop)
                    day.gone.append(stop)

    def _to_station(self, comer: Comer) -> bool:
        """Whether a station has room for somebody within their walk; then they are asked there."""
        for place, far in self.stations.get(comer.house.id, ()):
            if far > self.weights.walk_m(comer.house, comer.person):
                continue
            slot = next((one for one in place.slots if one.day >= comer.person.on and place.takes(one, [comer])), None)
            slot = slot or place.open_for(comer)
            if slot is not None and place.takes(slot, [comer]):
                place.ask(slot, [comer._replace(way_m=far)])
                return True
        return False

    def _to_other(self, comer: Comer, stop: Stop, free: Sequence[Day]) -> bool:
        """Whether a team has time for somebody on another day at their site; then they are asked there."""
        minutes = comer.doses * self.days.held.rules.minutes_a_dose + A_SECOND
        for day in free:
            for there in day.stops:
                slot, place = there.slot, there.place
                if place is None or slot is None or place is not stop.place or day.day < comer.person.on:
                    continue
                room = comer.doses <= self.days.own_left(day) and minutes <= self.days.spare(day)
                if room and place.room(slot) >= 1:
                    slot.doses = math.inf
                    place.ask(slot, [comer])
                    day.changed, day.stamp = True, day.stamp + 1
                    return True
        return False


def _near(
    stations: Sequence[Place], days: Days, weights: Weights, held: Conditions, ways: Ways
) -> Mapping[str, Sequence[tuple[Place, float]]]:
    several = {
        one.house.id: one.house
        for day in days
        for stop in day.stops
        for one in (stop.slot.asked if stop.slot is not None else ())
    }
    houses = list(several.values())
    if not houses or not stations:
        return {}
    limits = [max(weights.walk_m(house, one) for one in house.people) for house in houses]
    homes = lon_lat([house.point for house in houses if house.point is not None])
    travel = ways.walks(homes, lon_lat([one.site for one in stations]), limits).travel
    found: dict[str, list[tuple[Place, float]]] = {}
    for number, site, far in zip(travel.point.tolist(), travel.site.tolist(), travel.far.tolist(), strict=True):
        house, place = houses[number], stations[site]
        if not held.crosses(unit_of_house(house), place.unit):
            found.setdefault(house.id, []).append((place, far))
    for several_places in found.values():
        several_places.sort(key=lambda each: (each[1], each[0].site.code))
    return found
