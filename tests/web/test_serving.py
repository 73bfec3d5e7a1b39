"""The server itself: uploads that come together are taken together, and nobody else waits for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from mapper.services import intake
from mapper.services.intake import Upload
from mapper.web.phones import ShortCut
from tests.client.collect import Collect, NotAccepted
from tests.client.site import House, Site


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many uploads the intake was handed at a time."""
    numbers: list[int] = []
    receive_all = intake.receive_all

    def counted(reference: object, uploads: Sequence[Upload], *others: object) -> object:
        if uploads:
            numbers.append(len(uploads))
        return receive_all(reference, uploads, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "receive_all", counted)
    return numbers


def sending(site: Site, token: str, houses: Sequence[House], answers: dict[str, object]) -> list[threading.Thread]:
    """A phone for each house, each in a thread that has begun to send."""

    def send(phone: Collect, house: House) -> None:
        try:
            answers[house.instance_id] = phone.send(house.form()).statuses
        except Exception as fault:
            answers[house.instance_id] = fault

    threads = [threading.Thread(target=send, args=(site.phone(token), house)) for house in houses]
    for thread in threads:
        thread.start()
    return threads


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def test_uploads_that_wait_are_taken_together_and_forms_are_served_meanwhile(
    sqlite_site: Site, taken: list[int]
) -> None:
    site, answers = sqlite_site, dict[str, object]()
    token = site.user("canvasser", "001").token
    reader = site.phone(token)
    assert reader.form_list()
    with site.reference.database.write():
        threads = sending(site, token, [House("uuid:first")], answers)
        until(lambda: taken == [1])
        threads += sending(site, token, [House(f"uuid:{n}") for n in range(20)], answers)
        time.sleep(0.5)
        # More phones wait than there are threads for pages, and those are free.
        assert reader.form_list()
        assert answers == {}
    for thread in threads:
        thread.join()
    assert set(answers.values()) == {(201,)}
    assert len(answers) == 21
    assert sum(taken) == 21
    assert max(taken) >= 10, taken


def test_one_that_is_refused_in_a_crowd_is_told_so_and_the_others_are_taken(
    sqlite_site: Site, taken: list[int]
) -> None:
    site, answers = sqlite_site, dict[str, object]()
    crowd = [House(f"uuid:{n}") for n in range(6)]
    token = site.user("canvasser", "001").token
    assert site.phone(token).send(House("uuid:here").form()).statuses == (201,)
    taken.clear()
    with site.reference.database.write():
        threads = sending(site, token, [House("uuid:first")], answers)
        until(lambda: taken == [1])
        threads += sending(site, token, [*crowd, House("uuid:here", head="Ai đó khác")], answers)
        time.sleep(0.5)
    for thread in threads:
        thread.join()
    refused = answers.pop("uuid:here")
    assert isinstance(refused, NotAccepted)
    assert refused.status == 409
    assert "uuid:here" in refused.message
    assert answers == dict.fromkeys(["uuid:first", *(one.instance_id for one in crowd)], (201,))
    assert max(taken) > 1


def test_a_fault_in_taking_uploads_loses_none_and_the_next_are_taken(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    phone = sqlite_site.phone(sqlite_site.user("canvasser", "001").token)
    take_all, tried = ShortCut.take_all, list[int]()

    def fault(self: ShortCut, environs: Sequence[dict[str, object]]) -> None:
        if environs[0]["REQUEST_METHOD"] == "POST":
            tried.append(len(environs))
        if tried == [1]:
            raise ZeroDivisionError
        take_all(self, environs)

    monkeypatch.setattr(ShortCut, "take_all", fault)
    # Whoever answers the request takes it then, by itself.
    assert phone.send(House("uuid:1").form()).statuses == (201,)
    assert tried == [1, 1]
    assert "fault while taking uploads" in caplog.text
    assert phone.send(House("uuid:2").form()).statuses == (201,)
    assert tried == [1, 1, 1]
