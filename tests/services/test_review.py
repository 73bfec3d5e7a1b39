"""Who sees which submissions that do not count: those of their area, and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mapper.domain.roles import READERS, Role
from mapper.services import accounts, intake, review
from mapper.services.accounts import User
from mapper.store.submissions import SubmissionState
from tests.services.town import COMMUNES, HAMLETS, Answers, Town, inside

RECEIVED = datetime(2022, 8, 15, 5, tzinfo=UTC)


def send(town: Town, xml: bytes, sender: str = "", *areas: str, role: str = "canvasser") -> None:
    """What the phone of a sender with these areas sends; of nobody known where there is no sender."""
    sender_id = accounts.add_user(town.reference, sender, role, areas).id if sender else None
    receipt = intake.receive(town.reference, xml, {}, sender_id=sender_id, received=RECEIVED)
    assert receipt.state in (SubmissionState.HELD, SubmissionState.FLAGGED)


def edit(town: Town, instance: str, commune: int, **facts: object) -> bytes:
    """An edit that came before its original: it waits, and can be read."""
    answers: Answers = {"household.point": None} | {f"household.{word}": value for word, value in facts.items()}
    return town.write(answers, instance=instance, edits=f"{instance}-original", commune=commune)


def unread(town: Town, instance: str, commune: int = 0) -> bytes:
    """A submission of a version that nobody published: flagged, and nobody can say what its answers mean."""
    version = town.form("covid19_census").version.encode()
    written = town.write(instance=instance, commune=commune)
    assert version in written
    return written.replace(version, b"1999")


@pytest.fixture
def troubled_town(town: Town) -> Town:
    """Every kind of submission that does not count."""
    send(town, edit(town, "uuid:chosen-0", 0), "one", COMMUNES[1])
    send(town, edit(town, "uuid:point-9", 0, point=inside(9, east=0.7)), "two", COMMUNES[0])
    send(town, unread(town, "uuid:by-commune-1"), "three", COMMUNES[1])
    send(town, unread(town, "uuid:by-hamlet-1"), "four", HAMLETS[1][0])
    send(town, unread(town, "uuid:by-two"), "five", COMMUNES[1], COMMUNES[9])
    send(town, unread(town, "uuid:by-district"), "six", "S")
    send(town, unread(town, "uuid:by-everybody"), "seven", role="administrator")
    send(town, unread(town, "uuid:by-nobody"))
    plain = town.writer("water_points").write({}, [], instance_id="uuid:no-roles", deprecated_id="uuid:none")
    send(town, plain, "eight", COMMUNES[2])
    return town


def seen(town: Town, *areas: str, role: str = "supervisor") -> set[str]:
    """What a user of these areas is shown."""
    made = accounts.add_user(town.reference, "reader", role, areas)
    user = accounts.by_id(town.reference, made.id)
    assert user is not None
    return {each.instance_id.removeprefix("uuid:") for each in review.troubled(town.reference, user)}


SOUTH = {"chosen-0", "by-commune-1", "by-hamlet-1", "by-district", "no-roles"}
"""Tied to the district S; the others lie in N, in both, or nowhere that anybody could tell."""


@pytest.mark.parametrize("role", sorted(READERS))
@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        (["S"], SOUTH),
        (["N"], {"point-9"}),
        (["P"], SOUTH | {"point-9", "by-two"}),
        (["S", "N"], SOUTH | {"point-9", "by-two"}),
        ([COMMUNES[0]], {"chosen-0"}),
        ([COMMUNES[1]], {"by-commune-1", "by-hamlet-1"}),
        ([COMMUNES[1], COMMUNES[9]], {"by-commune-1", "by-hamlet-1", "by-two", "point-9"}),
        ([COMMUNES[2]], {"no-roles"}),
        ([COMMUNES[5]], set()),
        ([HAMLETS[1][0]], {"by-hamlet-1"}),
        ([HAMLETS[1][1]], set()),
    ],
)
def test_a_user_sees_what_is_tied_to_their_area_whatever_their_role(
    troubled_town: Town, role: Role, areas: list[str], expected: set[str]
) -> None:
    assert seen(troubled_town, *areas, role=role) == expected


def test_only_a_user_without_an_area_sees_what_is_tied_to_none(troubled_town: Town) -> None:
    everything = SOUTH | {"point-9", "by-two", "by-everybody", "by-nobody"}
    for role in (Role.ADMINISTRATOR, Role.PLANNER):
        assert seen(troubled_town, role=role) == everything
    assert {"by-everybody", "by-nobody"}.isdisjoint(seen(troubled_town, "P", role=Role.ADMINISTRATOR))


def test_in_an_area_of_another_set_a_place_or_a_sender_ties_a_submission_to_its_unit(troubled_town: Town) -> None:
    troubled_town.import_strips()
    assert seen(troubled_town, "Y") == {"point-9"}
    # The squares 0 and 1 went into the strip X as a whole, and with them who works there; the square 2 was divided.
    assert seen(troubled_town, "X") == {"chosen-0", "by-commune-1", "by-hamlet-1"}


def test_a_submission_that_cannot_be_read_at_all_breaks_no_page(town: Town) -> None:
    send(town, edit(town, "uuid:long", 0, hamlet="x" * 300), "one", COMMUNES[1])
    user = User(0, "reader", Role.SUPERVISOR, (("squares", COMMUNES[1]),), 0)
    assert [each.instance_id for each in review.troubled(town.reference, user)] == ["uuid:long"]
