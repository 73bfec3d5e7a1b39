"""What is written on the wall's map: nothing on anything else, names where they fit, numbers with a list where not."""

from __future__ import annotations

import random
from itertools import combinations

from mapper.domain.wall_labels import place_labels
from mapper.domain.wall_map import FRAME, KEY_COLUMNS, NORTH_BOX, SCALE_BOX, Box, Label, Shape

LEFT, TOP, WIDE, HIGH = FRAME


FIELD = ((100, 100), (200, 100), (200, 200), (100, 200), (100, 100))


def measure(words: str, size: float) -> float:
    """Letters as wide as half their height."""
    return len(words) * size * 0.18


def square(name: str, x: float, y: float, wide: float) -> Shape:
    half = wide / 2
    ring = (
        (x - half, y - half),
        (x + half, y - half),
        (x + half, y + half),
        (x - half, y + half),
        (x - half, y - half),
    )
    return Shape(name, "85 %", (ring,), (x, y), 3, wide)


def touching(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def lines(labels: list[Label]) -> list[tuple[str, ...]]:
    return [label.lines for label in labels]


def test_of_hundreds_of_places_no_label_lies_on_another_or_leaves_the_frame() -> None:
    chance = random.Random(5)
    shapes = [
        square(
            f"Thôn {n}", LEFT + chance.uniform(5, WIDE - 5), TOP + chance.uniform(5, HIGH - 5), chance.uniform(2, 50)
        )
        for n in range(400)
    ]
    labels, keys = place_labels(
        shapes, [(name, (150, 150), [FIELD]) for name in ("Xã Một", "Xã Hai")], measure, most_keys=20
    )
    assert len(labels) > 60
    assert not [pair for pair in combinations([label.box for label in labels], 2) if touching(*pair)]
    for left, top, right, foot in (label.box for label in labels):
        assert LEFT < left < right < LEFT + WIDE
        assert TOP < top < foot < TOP + HIGH
    assert {("Xã Một",), ("Xã Hai",)} <= set(lines(labels))
    # Each number of the list stands once on the map, and no more than there is room for.
    assert [key.number for key in keys] == list(range(1, 21))
    written = [label.lines[0] for label in labels if label.lines[0].startswith("(")]
    assert sorted(written) == sorted(f"({key.number})" for key in keys)


def test_a_place_has_its_name_else_a_number_else_its_figure_and_the_smallest_goes_first() -> None:
    large, small = square("Thôn Rất Dài Tên", 60, 100, 40), square("Thôn Rất Dài Tên Khác", 200, 100, 8)
    labels, keys = place_labels([small, large], [], measure, most_keys=1)
    assert lines(labels) == [("Thôn Rất Dài Tên", "85 %"), ("(1)", "85 %")]
    assert [(key.number, key.name, key.figure) for key in keys] == [(1, "Thôn Rất Dài Tên Khác", "85 %")]
    labels, keys = place_labels([small, large], [], measure)
    assert (lines(labels)[1], keys) == (("85 %",), [])
    twice, keys = place_labels([large, square("Thôn Nhỏ", 60, 100, 4)], [], measure, most_keys=1)
    assert (lines(twice), keys) == ([("Thôn Rất Dài Tên", "85 %")], [])


def test_a_name_stays_in_its_outline_and_beside_what_lies_there() -> None:
    places = [square("A", 150, 150, 10), square("B", 150, 160, 10)]
    labels, _ = place_labels(places, [("Xã Một", (150, 150), [FIELD])], measure)
    name = next(label.box for label in labels if label.lines == ("Xã Một",))
    assert not any(
        touching(name, (shape.at[0] - 6, shape.at[1] - 3, shape.at[0] + 6, shape.at[1] + 3)) for shape in places
    )
    assert 100 < name[0] < name[2] < 200
    assert 100 < name[1] < name[3] < 200
    # Where everything is full of places, it stands on one of them and stays within.
    places = [square("A", x, y, 10) for x in range(98, 206, 6) for y in range(98, 206, 4)]
    labels, _ = place_labels(places, [("Xã Một", (150, 150), [FIELD])], measure)
    assert next(label.box for label in labels if label.lines == ("Xã Một",))[0] > 100


def test_numbers_run_from_the_top_of_the_sheet_and_what_is_taken_stays_free() -> None:
    shapes = [square("Thôn Rất Dài Tên", x, y, 9) for x, y in ((250, 200), (40, 200), (250, 60), (40, 60))]
    labels, _ = place_labels(shapes, [], measure, most_keys=KEY_COLUMNS * 2)
    at = {label.lines[0]: (label.box[0] > 100, label.box[1] > 100) for label in labels}
    assert at == {"(1)": (False, False), "(2)": (True, False), "(3)": (False, True), "(4)": (True, True)}
    corners = [square("A", (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 9) for box in (SCALE_BOX, NORTH_BOX)]
    assert place_labels(corners, [], measure, (SCALE_BOX, NORTH_BOX), 9) == ([], [])
