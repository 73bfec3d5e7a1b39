"""Updates of houses that do not lie in the area of the canvasser who sent them: told of, and counted all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mapper.services import accounts, intake, rebuilding, review, submission_page
from mapper.services.accounts import NewUser
from mapper.store.submissions import SubmissionState
from tests.services.test_entities import census, days, dose, lan, offline, online, publish, revisit
from tests.services.town import COMMUNES, EVERYTHING, HAMLETS, Town, inside

CODE = "sender_outside"


def send(town: Town, xml: bytes, sender: NewUser | None, received: datetime | None = None) -> None:
    receipt = intake.receive(town.reference, xml, {}, sender_id=sender.id if sender else None, received=received)
    assert receipt.state is SubmissionState.PROCESSED


def canvasser(town: Town, name: str, *areas: str, role: str = "canvasser") -> NewUser:
    return accounts.add_user(town.reference, name, role, areas)


def outside(town: Town) -> list[tuple[str, str | None]]:
    """Instance id and sender of what is told of, to whoever sees everything."""
    return [(one.instance_id, one.sender) for one in review.findings(town.reference, EVERYTHING) if one.code == CODE]


def update(instance: str, version: int = 1, branch: str = "b") -> bytes:
    return revisit(instance, days(7), [lan() | dose("1", days(7))], online(version, branch))


def test_only_an_update_from_outside_the_senders_hamlets_is_told_of_and_it_counts(town: Town) -> None:
    publish(town)
    own, other = canvasser(town, "Lan", HAMLETS[0][0]), canvasser(town, "Minh", HAMLETS[0][1])
    send(town, census("uuid:census", [lan(name="Lan")]), other)
    assert outside(town) == []  # it made the household
    send(town, update("uuid:own"), own)
    assert outside(town) == []
    send(town, update("uuid:outside", 2), other)
    assert outside(town) == [("uuid:outside", "Minh")]
    before = town.everything()
    rebuilding.rebuild(town.reference)
    assert town.everything() == before
    assert outside(town) == [("uuid:outside", "Minh")]


def test_it_stands_with_the_submission(town: Town) -> None:
    publish(town)
    own, other = canvasser(town, "Lan", COMMUNES[0]), canvasser(town, "Minh", COMMUNES[1])
    send(town, census("uuid:census", [lan(name="Lan")]), own)
    send(town, update("uuid:outside"), other)
    found = submission_page.submission_page(town.reference, EVERYTHING, "uuid:outside", "en").findings
    assert [message.format(**facts) for message, facts in found if "area" in message] == [
        "Minh sent this update, and the house does not lie in the area that Minh has now. It counts; ask how that came."
    ]
    for instance in ("uuid:census",):
        found = submission_page.submission_page(town.reference, EVERYTHING, instance, "en").findings
        assert not [message for message, _ in found if "area" in message]


def test_it_is_told_to_those_who_see_the_house_alone(town: Town) -> None:
    publish(town)
    send(town, census("uuid:census", [lan(name="Lan")]), None)
    send(town, update("uuid:outside"), canvasser(town, "Minh", COMMUNES[1]))
    for number, expected in ((0, ["uuid:outside"]), (1, [])):
        made = canvasser(town, f"chief {number}", COMMUNES[number], role="commune_supervisor")
        user = accounts.by_id(town.reference, made.id)
        assert user is not None
        assert [one.instance_id for one in review.findings(town.reference, user) if one.code == CODE] == expected


def test_whoever_was_given_the_hamlet_since_or_is_gone_is_not_asked(town: Town) -> None:
    publish(town)
    send(town, census("uuid:census", [lan(name="Lan")]), None)
    send(town, update("uuid:outside"), canvasser(town, "Minh", COMMUNES[1]))
    assert outside(town)
    canvasser(town, "Minh", COMMUNES[1], HAMLETS[0][0])
    assert outside(town) == []


def test_those_who_are_no_canvassers_and_those_of_long_ago_are_not_told_of(town: Town) -> None:
    publish(town)
    send(town, census("uuid:census", [lan(name="Lan")]), None)
    send(town, update("uuid:chief"), canvasser(town, "chief", COMMUNES[1], role="supervisor"))
    send(town, update("uuid:nobody", 2), None)
    long_ago = datetime.now(UTC) - timedelta(days=40)
    send(town, update("uuid:old", 3), canvasser(town, "Minh", COMMUNES[1]), long_ago)
    assert outside(town) == []


def test_an_update_that_waits_is_not_told_of_until_it_counts(town: Town) -> None:
    publish(town)
    minh = canvasser(town, "Minh", COMMUNES[1])
    xml = revisit("uuid:early", days(7), [lan() | dose("1", days(7))], offline(1))
    assert intake.receive(town.reference, xml, {}, sender_id=minh.id).state is SubmissionState.HELD
    assert outside(town) == []
    send(town, census("uuid:census", [lan(name="Lan")], answers={"household.point": inside(0)}), None)
    assert outside(town) == [("uuid:early", "Minh")]
