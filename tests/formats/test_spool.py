"""Values kept aside come back as they were, in their order, whoever reads them."""

from __future__ import annotations

from datetime import date

import pytest

from mapper.formats import spool
from mapper.formats.spool import Spool


@pytest.mark.parametrize("number", [0, 1, spool._TOGETHER, 2 * spool._TOGETHER + 7])
def test_what_was_added_is_read_in_its_order_by_place_and_again(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", 100)
    values = [(place, "Hoà", date(2022, 9, 8), 1.5) for place in range(number)]
    kept = Spool(values)
    assert (len(kept), list(kept), list(kept), bool(kept)) == (number, values, values, bool(values))
    assert kept[:3] == values[:3]
    assert [kept[place] for place in range(number)] == values
    with pytest.raises(IndexError):
        kept[number]


def test_two_readers_at_once_and_a_value_added_later_do_not_disturb_each_other() -> None:
    kept = Spool(range(1000))
    pairs = [(one, other) for one, other in zip(kept, kept, strict=True)]
    kept.add(1000)
    assert pairs == [(place, place) for place in range(1000)]
    assert (kept[1000], kept[-1], sum(kept)) == (1000, 1000, 500500)
