"""Figures sent to a server that behaves as DHIS2's manual says: once, again, with units gone, refused, and unreachable.

No DHIS2 stood there; the server of these tests is in ``dhis2_server``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mapper.domain.exchange import DataValue
from mapper.errors import Forbidden, InvalidInput, MapperError, Unavailable
from mapper.formats.dhis2_summary import ImportSummary, read_summary
from mapper.services import audit, dhis2_delivery, exchange
from mapper.services.areas import Area
from mapper.services.dhis2_delivery import Dhis2Server, deliver
from mapper.services.exchange import Sending, Wanted
from tests.services.dhis2_server import TOKEN, Dhis2, dhis2_server
from tests.services.test_exchange import AUGUST, UIDS, fill, lines, send
from tests.services.town import COMMUNES, DAY, EVERYTHING, Town, person


@pytest.fixture
def there() -> Iterator[Dhis2]:
    with dhis2_server(set(UIDS)) as server:
        yield server


def go(town: Town, there: Dhis2, sending: Sending, dry_run: bool = False) -> dhis2_delivery.Delivered:
    return deliver(town.reference, EVERYTHING, Dhis2Server(there.address, TOKEN), sending, dry_run)


def as_kept(values: list[DataValue]) -> dict[tuple[str, str, str, str, str], int]:
    return {(one.element, one.period, one.unit, one.combo, one.attribute_combo): one.value for one in values}


def test_what_stands_there_after_sending_is_what_is_told_here_however_often_it_is_sent(
    town: Town, there: Dhis2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dhis2_delivery, "AT_ONCE", 100)
    fill(town)
    exchange.take_org_units(town.reference, EVERYTHING, "squares", DAY, lines(0, 1))
    tried = go(town, there, send(town), dry_run=True)
    assert tried.summary.imported == tried.values > 200 and not there.values
    first = go(town, there, send(town))
    assert there.standing == as_kept(send(town).values) and first.summary == tried.summary
    assert len(there.asked) == 2 * -(-first.values // 100)  # in parts
    again = go(town, there, send(town))
    assert (again.summary.imported, again.summary.updated, again.gone) == (0, first.values, 0)
    town.send(town.write({}, (person(),)))
    go(town, there, send(town))
    assert there.standing == as_kept(send(town).values)
    entries = audit.entries(town.reference, 9, action="exchange.sent")
    assert [entry.facts["dry_run"] for entry in entries].count("True") == 1 and len(entries) == 4
    assert TOKEN not in str(entries)


def test_what_is_no_longer_told_is_deleted_there_and_a_zero_is_not(sqlite_town: Town, there: Dhis2) -> None:
    fill(sqlite_town)
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, lines(0, 1))
    whole = send(sqlite_town)
    go(sqlite_town, there, whole)
    assert 0 in there.standing.values()  # nobody of them refused, say: that is told too
    less = replace(whole, units=whole.units[:1])
    tried = go(sqlite_town, there, less, dry_run=True)
    lost = len(whole.units[1].values)
    assert (tried.gone, tried.summary.deleted) == (lost, lost) and len(there.standing) == len(whole.values)
    go(sqlite_town, there, less)
    assert there.standing == as_kept(less.values)
    assert list(there.values.values()).count(None) == lost
    assert go(sqlite_town, there, less).gone == 0


def test_sending_an_area_leaves_the_rest_there_as_it_is(sqlite_town: Town, there: Dhis2) -> None:
    fill(sqlite_town)
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, lines(0, 1))
    go(sqlite_town, there, send(sqlite_town))
    wanted = Wanted("covid19", "squares", "commune", DAY, AUGUST, Area("commune", COMMUNES[0]))
    of_one = exchange.sending(sqlite_town.reference, EVERYTHING, wanted)
    assert len(of_one.units) == 1 and go(sqlite_town, there, of_one).gone == 0
    assert there.standing == as_kept(send(sqlite_town).values)


def test_a_unit_that_dhis2_does_not_know_is_told_and_the_others_are_taken(sqlite_town: Town, there: Dhis2) -> None:
    fill(sqlite_town)
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, lines(0, 1))
    there.units = {UIDS[0]}
    sending = send(sqlite_town)
    summary = go(sqlite_town, there, sending).summary
    assert summary.imported == len(sending.units[0].values) and summary.ignored == len(sending.units[1].values)
    assert {one.what for one in summary.refused} == {UIDS[1]}


REFUSALS: dict[str, tuple[tuple[int, dict[str, str], bytes], type[MapperError], str]] = {
    "token": ((401, {}, b"{}"), Forbidden, "MAPPER_DHIS2_TOKEN"),
    "sign-in page": ((302, {"Location": "/login"}, b""), InvalidInput, "MAPPER_DHIS2_URL"),
    "another program": ((200, {}, b"<html></html>"), InvalidInput, "no DHIS2"),
    "wrong period": ((409, {}, b'{"message":"Period type not allowed"}'), InvalidInput, "Period type not allowed"),
    "fault": ((500, {}, b"x"), Unavailable, "Send later"),
}


def test_a_refusal_is_told_with_its_cure(sqlite_town: Town, there: Dhis2) -> None:
    fill(sqlite_town)
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, lines(0))
    sending = send(sqlite_town)
    for answer, kind, told in REFUSALS.values():
        there.refuse = [answer]
        with pytest.raises(kind, match=told) as problem:
            go(sqlite_town, there, sending)
        assert TOKEN not in str(problem.value) and not there.values
    go(sqlite_town, there, sending)
    assert there.standing == as_kept(sending.values)


def test_a_busy_server_is_asked_again(sqlite_town: Town, there: Dhis2) -> None:
    fill(sqlite_town)
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, lines(0))
    there.refuse = [(503, {"Retry-After": "0"}, b""), (429, {"Retry-After": "0"}, b"")]
    assert go(sqlite_town, there, send(sqlite_town)).summary.imported and len(there.asked) == 3


def test_a_server_that_is_not_there_or_not_safe_gets_nothing(
    sqlite_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite_town)
    exchange.take_org_units(sqlite_town.reference, EVERYTHING, "squares", DAY, lines(0))
    sending = send(sqlite_town)
    monkeypatch.setattr(dhis2_delivery, "AGAIN", 0)
    cases = (
        (Dhis2Server("", ""), InvalidInput, "MAPPER_DHIS2_URL"),
        (Dhis2Server("http://dhis2.example.org", TOKEN), InvalidInput, "https"),
        (Dhis2Server("http://127.0.0.1:9", TOKEN), Unavailable, "cannot be reached"),
    )
    for server, kind, told in cases:
        with pytest.raises(kind, match=told):
            deliver(sqlite_town.reference, EVERYTHING, server, sending, dry_run=False)


def test_summaries_are_read_bare_wrapped_and_in_groups() -> None:
    bare = (
        b'{"importCount":{"imported":1,"updated":2,"ignored":3,"deleted":4},"conflicts":[{"object":"U","value":"w"}]}'
    )
    summary = read_summary(bare)
    assert summary is not None and (summary.imported, summary.deleted, summary.refused[0].what) == (1, 4, "U")
    assert read_summary(b'{"response":' + bare + b"}") == summary
    assert read_summary(b'{"response":{"importSummaries":[' + bare + b"," + bare + b"]}}") == summary + summary
    for other in (b"", b"[]", b"{}", b'"x"', b'{"response":null}', b'{"importCount":7}'):
        assert read_summary(other) is None
    assert ImportSummary() + summary == summary
