"""The digest of a table: the same for the same rows in any order, another for any other."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest

from mapper.domain.table_digest import Fingerprint, TableDigest, Value

KINDS = ("whole", "text", "day", "bytes", "real", "truth")
ROW: tuple[Value, ...] = (1, "Lê", date(2022, 8, 15), b"\0\xff", 0.1, True)
OTHER: tuple[Value, ...] = (2, None, None, None, None, None)


def of(*rows: tuple[Value, ...]) -> Fingerprint:
    digest = TableDigest(KINDS)
    digest.add(rows)
    return digest.fingerprint()


def test_a_row_is_hashed_as_it_is_written_in_the_docstring() -> None:
    photo = hashlib.sha256(b"\0\xff").hexdigest()
    written = f'[1,"Lê","2022-08-15","{photo}",0.1,true]'
    assert of(ROW) == Fingerprint(1, hashlib.blake2b(written.encode(), digest_size=16).hexdigest())


def test_no_row_is_nothing() -> None:
    assert of() == Fingerprint(0, "0" * 32)


def test_the_order_of_rows_and_their_portions_do_not_count() -> None:
    parted = TableDigest(KINDS)
    parted.add([OTHER])
    parted.add([ROW])
    assert parted.fingerprint() == of(ROW, OTHER) == of(OTHER, ROW)


def test_a_row_twice_is_not_no_row() -> None:
    assert len({of(), of(ROW), of(ROW, ROW), of(ROW, ROW, ROW)}) == 4


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, None),
        (0, 10),
        (1, "L\u00ea "),
        (1, "Le\u0302"),
        (2, date(2022, 8, 16)),
        (3, b"\0\xfe"),
        (3, b""),
        (4, 0.10000000000000002),
        (5, False),
    ],
)
def test_any_other_value_is_another_digest(place: int, value: Value) -> None:
    changed = (*ROW[:place], value, *ROW[place + 1 :])
    assert of(changed) != of(ROW)


def test_values_that_change_places_are_another_row() -> None:
    both = TableDigest(("text", "text"))
    both.add([("a", "b")])
    turned = TableDigest(("text", "text"))
    turned.add([("b", "a")])
    assert both.fingerprint() != turned.fingerprint()
