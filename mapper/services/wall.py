"""The map for the wall of a commune's, district's or province's office: an area with its coverage, ready for paper."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mapper.domain.ledger import INSIDE, State
from mapper.domain.ranges import Range, ShareRange
from mapper.domain.wall_labels import place_labels
from mapper.domain.wall_map import MOST_KEYS, NORTH_BOX, SCALE_BOX, Projection, Region, Rings, Row, Sheet
from mapper.errors import TooLarge, mark
from mapper.formats.pdf import BOLD, use_fonts, width_mm
from mapper.formats.wall_map import draw_wall_map
from mapper.geo.shapes import label_places
from mapper.language import translate
from mapper.maps.palette import THIN_VISITING, ColourClass, coverage_classes
from mapper.services.accounts import User
from mapper.services.areas import Area
from mapper.services.boundaries import hamlet_shapes, unit_shapes
from mapper.services.figure_rows import UnitFigures
from mapper.services.questions import HAMLET, Question
from mapper.services.reference import Reference
from mapper.services.reporting import Answer, coverage

MOST_SHAPES = 900
"""Units on one sheet; of more, nobody reads any."""

LOWEST = 40
"""Units in the table, as far as the sheet has room."""

PALE = 0.6
"""How much of a colour is left on paper, so that what is written on it is read."""

_VACCINATED = INSIDE.index(State.VACCINATED)
_ZOOM = {True: 12, False: 10}

Feature = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Properties and GeoJSON geometry."""


def wall_sheet(
    reference: Reference,
    user: User,
    question: Question,
    area: Area | None,
    area_name: str,
    language: str,
    foot: str,
    fonts: Path,
) -> Sheet:
    """What stands on the sheet. area_name: of the area, "" for all that the user may see. foot: the product's name.

    fonts: the folder of those that are printed with, by which names are measured.

    Raises TooLarge where an area has more units than a sheet can show, and whatever ``reporting.coverage`` raises.
    """
    answer = coverage(reference, user, question, part=area)
    figures = {unit.key: unit for unit in answer.units if unit.code is not None}
    hamlets = answer.level == HAMLET
    features = _features(reference, user, question, answer, area, figures)
    if len(features) > MOST_SHAPES:
        raise TooLarge(
            mark("{number} places are too many for one sheet. Choose a smaller area, or draw communes."),
            number=len(features),
        )
    classes = coverage_classes()
    words = _Words(language)
    at = label_places([json.dumps(geometry) for _, geometry in features])
    regions = [
        Region(
            str(told["name"]),
            words.figure(figures.get(str(told["key"]))),
            _rings(geometry),
            place,
            _band(figures.get(str(told["key"])), classes),
        )
        for (told, geometry), place in zip(features, at, strict=True)
    ]
    around = _around(reference, user, question, answer, {str(told["parent"]) for told, _ in features if told["parent"]})
    borders = [_rings(geometry) for _, geometry in around]
    projection = Projection(ring for rings in (*(region.rings for region in regions), *borders) for ring in rings)
    shapes = [projection.shape(region) for region in regions]
    names = [
        (str(told["name"]), projection.spot(place), projection.rings(_rings(geometry)))
        for (told, geometry), place in zip(
            around, label_places([json.dumps(geometry) for _, geometry in around]), strict=True
        )
    ]
    shown = names if hamlets and len(around) > 1 else []
    use_fonts(fonts)
    labels, keys = place_labels(
        shapes, shown, lambda words, size: width_mm(words, BOLD, size), (SCALE_BOX, NORTH_BOX), MOST_KEYS
    )
    with reference.database.read() as connection:
        known = reference.known(connection)
    parents = {unit.code: unit.name for (_, _), unit in known.sets[answer.places.id].units.items()}
    lowest = sorted(
        (unit for unit in figures.values() if unit.counts[_VACCINATED] < unit.eligible),
        key=lambda unit: (unit.assessment.coverage or 0.0, -unit.eligible, unit.key),
    )
    return Sheet(
        language,
        words.say(
            mark("{dose}, {group}: share vaccinated"),
            dose=answer.campaign.doses[answer.dose.code][language],
            group=answer.group.label[language],
        ),
        (
            f"{area_name or answer.places.label} · {answer.campaign.label[language]}",
            words.say(mark("Figures of {day}. {total}"), day=f"{answer.day:%d/%m/%Y}", total=words.total(answer)),
        ),
        tuple(shapes),
        tuple(projection.rings(rings) for rings in borders),
        tuple(labels),
        tuple(keys),
        words.say(mark("Places with a number on the map")),
        projection.metres_a_mm,
        words.say(mark("Share vaccinated")),
        tuple((_pale(each.colour), words.span(each)) for each in classes),
        words.say(mark("No data")),
        (words.say(mark("* under half of the houses visited: the number says little yet")),),
        words.say(mark("Lowest hamlets") if hamlets else mark("Lowest places")),
        tuple(words.say(each) for each in (mark("Place"), mark("Vaccinated"), mark("Share"), mark("Needed"))),
        tuple(words.row(unit, parents.get(unit.parent or "", "")) for unit in lowest[:LOWEST]),
        words.notices(approximate=answer.places.approximate, sample=known.sample),
        words.say(mark("N")),
        foot,
    )


def wall_pdf(sheet: Sheet, fonts: Path) -> bytes:
    """The sheet as PDF. fonts: the folder of those that are printed with."""
    return draw_wall_map(sheet, fonts)


def _features(
    reference: Reference,
    user: User,
    question: Question,
    answer: Answer,
    area: Area | None,
    figures: Mapping[str, UnitFigures],
) -> list[Feature]:
    """The outlines of an area's units; of the level of communes also those where nobody was visited yet."""
    set_id, zoom = answer.places.id, _ZOOM[answer.level == HAMLET]
    if answer.level == HAMLET:
        content = hamlet_shapes(reference, user, set_id, question.campaign_id, zoom, question.day)
        return [each for each in _read(content) if each[0]["key"] in figures]
    content = unit_shapes(reference, user, set_id, answer.level, zoom, question.day)
    with reference.database.read() as connection:
        places = reference.known(connection).sets[set_id]
    innermost = answer.level == places.leaf
    return [
        each
        for each in _read(content)
        if area is None or each[0]["key"] in figures or (innermost and area.holds(places, str(each[0]["key"]), None))
    ]


def _around(reference: Reference, user: User, question: Question, answer: Answer, codes: set[str]) -> list[Feature]:
    """The outlines of the units around those shown, which a heavier line is drawn along."""
    levels = (*answer.places.levels, HAMLET)
    place = levels.index(answer.level)
    if not place:
        return []
    content = unit_shapes(reference, user, answer.places.id, levels[place - 1], _ZOOM[False], question.day)
    return [each for each in _read(content) if each[0]["key"] in codes]


def _read(content: bytes) -> list[Feature]:
    return [
        (feature["properties"], feature["geometry"])
        for feature in json.loads(content)["features"]
        if feature["geometry"] is not None
    ]


def _rings(geometry: Mapping[str, Any]) -> Rings:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [[(lon, lat) for lon, lat, *_ in ring] for polygon in polygons for ring in polygon]


def _band(unit: UnitFigures | None, classes: tuple[ColourClass, ...]) -> int | None:
    share = unit.assessment.coverage if unit is not None else None
    if share is None:
        return None
    return next((place for place, each in enumerate(classes) if share < each.end), len(classes) - 1)


def _pale(colour: str) -> str:
    """A colour as ink on paper: part of it, the rest white."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * PALE):02x}" for part in parts)


class _Words:
    """What is written on the sheet, in one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def say(self, message: str, **facts: object) -> str:
        return translate(message, self._language, **facts)

    def percent(self, share: float | ShareRange, digits: int = 0) -> str:
        """Never rounded up: to 100, or to a target that is not reached. A range from where to where it may lie."""
        if isinstance(share, ShareRange):
            least, most = self.percent(share.least, digits), self.percent(share.most, digits)
            return least if least == most else f"{least.removesuffix(' %')}–{most}"
        scale = 10**digits
        shown = f"{int(share * 100 * scale + 1e-9) / scale:.{digits}f}"
        return f"{shown.replace('.', ',') if self._language == 'vi' else shown} %"

    def number(self, number: int | Range) -> str:
        """A number, or from where to where it may lie."""
        return f"{number.least}–{number.most}" if isinstance(number, Range) else str(number)

    def figure(self, unit: UnitFigures | None) -> str:
        """What is written on a unit."""
        share = unit.coverage if unit is not None else None
        if unit is None or share is None:
            return "–"
        visited = unit.share_visited
        thin = visited is not None and visited < THIN_VISITING
        return self.percent(share) + ("*" if thin else "")

    def total(self, answer: Answer) -> str:
        total = answer.total
        share = total.coverage
        if share is None:
            return self.say(mark("There is no figure yet."))
        counts = {name: self.number(total.shown(name)) for name in ("vaccinated", "eligible")}
        return self.say(
            mark("Vaccinated {share}: {vaccinated} of {eligible} people."), share=self.percent(share, 1), **counts
        )

    def span(self, each: ColourClass) -> str:
        start, end = round(each.start * 100), round(each.end * 100)
        if not start:
            return self.say(mark("under {end} %"), end=end)
        if end == 100:
            return self.say(mark("{start} % and more"), start=start)
        return self.say(mark("{start} to under {end} %"), start=start, end=end)

    def row(self, unit: UnitFigures, within: str) -> Row:
        needed = unit.needed
        others = self.percent(unit.coverage or 0.0, 1), "–" if needed is None else self.number(needed)
        vaccinated, eligible = unit.shown("vaccinated"), unit.shown("eligible")
        return Row(unit.name, within, vaccinated, eligible, others, unit.code, unit.parent)

    def notices(self, *, approximate: bool, sample: bool) -> tuple[str, ...]:
        found = [self.say(mark("Approximate outlines"))] if approximate else []
        return tuple(found + ([self.say(mark("Invented sample data"))] if sample else []))
