"""Slips are given, superseded, revoked and checked; what is kept of one tells nothing of its person."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from mapper import web
from mapper.domain.people_filter import PeopleFilter
from mapper.domain.roles import Role
from mapper.domain.slip import Standing
from mapper.errors import Conflict, InvalidInput, NotFound
from mapper.formats import slip_code
from mapper.formats.slip_code import Fault
from mapper.formats.slip_sheet import Paper
from mapper.services import audit, slip_batches, slip_keys, slips
from mapper.services.accounts import User
from mapper.services.filtered import FilterQuestion
from mapper.services.slips import Checked, Choice, Given
from mapper.store import tables
from tests.services.town import COMMUNES, EVERYTHING, Town, inside, person

ISSUED, LATER = date(2022, 8, 20), date(2022, 9, 20)
NAME = "Nông Thị Lan"
ONE = ("1", date(2021, 9, 1), "pfizer")
TWO = ("2", date(2021, 12, 1), "pfizer")
HERE = User(0, "here", Role.COMMUNE_SUPERVISOR, (("squares", COMMUNES[0]),), 0)
ELSEWHERE = User(0, "elsewhere", Role.COMMUNE_SUPERVISOR, (("squares", COMMUNES[1]),), 0)


def visit(town: Town, *doses: tuple[str, date | None, str], instance: str = "uuid:first", edits: str = "") -> str:
    """A house with one person; its id."""
    town.send(town.write({}, [person(doses=doses)], instance=instance, edits=edits, entity="house-1"))
    h = tables.households
    with town.reference.database.read() as connection:
        return str(connection.scalar(select(h.c.id)))


def give(town: Town, house: str, user: User = HERE, choice: Choice = Choice()) -> Given:  # noqa: B008
    (given,) = slips.give(town.reference, user, "covid19", {house: None}, choice, ISSUED)
    return given


def standing(town: Town, text: str, day: date = LATER) -> Standing | Fault:
    found = slips.check(town.reference, text, day)
    return found.standing if isinstance(found, Checked) else found


def kept(town: Town) -> Sequence[object]:
    with town.reference.database.read() as connection:
        return [tuple(row) for row in connection.execute(select(tables.slips))]


def actions(town: Town) -> list[str]:
    return [one.action for one in audit.entries(town.reference, 50) if one.action.startswith("slip.")]


def test_a_slip_is_good_until_the_register_says_otherwise_and_a_new_one_takes_its_place(town: Town) -> None:
    house = visit(town, ONE)
    first = give(town, house)
    found = slips.check(town.reference, f"https://tiem.example.vn/slips/check#{first.text}", LATER)
    assert isinstance(found, Checked)
    assert (found.standing, found.slip, found.at) == (Standing.GOOD, first.slip, None)
    assert [(dose.code, dose.given_on, dose.vaccine) for dose in found.slip.doses] == [ONE]
    # A year from the day on: good on its last day, and not on the next.
    assert standing(town, first.text, date(2023, 8, 19)) == Standing.GOOD
    assert standing(town, first.text, date(2023, 8, 20)) == Standing.EXPIRED

    visit(town, ONE, TWO, instance="uuid:second", edits="uuid:first")
    assert standing(town, first.text) == Standing.SUPERSEDED
    assert slips.known(town.reference, LATER).revoked == {}
    second = give(town, house)
    assert [standing(town, one.text) for one in (first, second)] == [Standing.SUPERSEDED, Standing.GOOD]
    # The page without a line learns of it, for as long as the slip would be good otherwise.
    assert set(slips.known(town.reference, LATER).revoked) == {first.slip.id}
    assert slips.known(town.reference, date(2023, 8, 20)).revoked == {}


def test_nothing_of_the_person_is_kept_with_a_slip(town: Town) -> None:
    given = give(town, visit(town, ONE))
    assert given.slip.name == NAME
    assert len(kept(town)) == 1
    assert not [word for word in ("Lan", "1980", "pfizer", "2021") if word in repr(kept(town))]
    # Nor in the audit trail.
    told = repr(audit.entries(town.reference, 50))
    assert not [word for word in ("Lan", "1980", "pfizer") if word in told]


def test_a_slip_is_revoked_once_with_a_reason(town: Town) -> None:
    given = give(town, visit(town, ONE))
    with pytest.raises(InvalidInput):
        slips.revoke(town.reference, HERE, given.slip.id, "no reason of these")
    assert standing(town, given.text) == Standing.GOOD
    slips.revoke(town.reference, HERE, given.slip.id, "lost")
    found = slips.check(town.reference, given.text, LATER)
    assert isinstance(found, Checked)
    assert found.standing is Standing.REVOKED
    assert found.at == slips.known(town.reference, LATER).revoked[given.slip.id]
    with pytest.raises(Conflict):
        slips.revoke(town.reference, HERE, given.slip.id, "lost")
    assert actions(town) == ["slip.revoked", "slip.given"]


def test_only_who_sees_the_house_gives_or_revokes(town: Town) -> None:
    house = visit(town, ONE)
    given = give(town, house)
    before = kept(town)
    with pytest.raises(NotFound):
        slips.household(town.reference, ELSEWHERE, "covid19", house, LATER)
    with pytest.raises(NotFound):
        give(town, house, ELSEWHERE)
    with pytest.raises(NotFound):
        slips.revoke(town.reference, ELSEWHERE, given.slip.id, "lost")
    with pytest.raises(NotFound):
        give(town, "no-such-house")
    assert kept(town) == before
    shown = slips.household(town.reference, HERE, "covid19", house, LATER)
    assert [[one.standing for one in member.slips] for member in shown.members] == [[Standing.GOOD]]


def test_an_older_key_still_counts_and_one_that_was_withdrawn_does_not(town: Town) -> None:
    house = visit(town, ONE)
    old = give(town, house)
    new_key = slip_keys.replace_key(town.reference, EVERYTHING)
    new = give(town, house)
    assert [one.text.split(".")[1] == new_key for one in (old, new)] == [False, True]
    assert [standing(town, one.text) for one in (old, new)] == [Standing.GOOD, Standing.GOOD]
    slip_keys.withdraw_key(town.reference, EVERYTHING, new_key)
    assert [standing(town, one.text) for one in (old, new)] == [Standing.GOOD, Standing.WITHDRAWN]
    with pytest.raises(NotFound):
        slip_keys.withdraw_key(town.reference, EVERYTHING, new_key)
    # Nobody signs with it any more, and only public halves are handed out.
    third = give(town, house)
    assert third.text.split(".")[1] != new_key
    assert standing(town, third.text) == Standing.GOOD
    assert actions(town)[1:3] == ["slip.key_withdrawn", "slip.given"]


def test_the_right_signature_under_what_was_never_given_out_does_not_count(town: Town) -> None:
    given = give(town, visit(town, ONE))
    with town.reference.database.write() as connection:
        key = slip_keys.signing_key(town.reference, connection)
    forged = replace(given.slip, doses=(*given.slip.doses, *given.slip.doses))
    assert standing(town, slip_code.sign(forged, key)) == Standing.UNKNOWN
    assert standing(town, slip_code.sign(replace(given.slip, id="another"), key)) == Standing.UNKNOWN
    assert standing(town, slip_code.sign(given.slip, bytes(32))) == Fault.OTHER_KEY


class Stopped(Exception):
    """Ends the work, as a reader's button does."""


def wish(**wanted: object) -> slip_batches.Wish:
    question = FilterQuestion("covid19", "", LATER, PeopleFilter(**wanted))  # type: ignore[arg-type]
    fonts = Path(web.__file__).parent / "static" / "vendor" / "be-vietnam-pro"
    return slip_batches.Wish(question, Choice(), Paper.EIGHT, ISSUED, "vi", "T", "https://t.vn/slips/check", fonts)


def test_a_batch_gives_slips_to_its_own_area_alone_and_none_where_it_is_stopped(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slip_batches, "IN_A_FILE", 2)
    monkeypatch.setattr(slip_batches, "folder_of", lambda reference: tmp_path)
    for number, commune in enumerate((0, 0, 0, 1)):
        # The last house is in the next commune.
        town.send(
            town.write(
                {"household.point": inside(commune)},
                [person(doses=[ONE])],
                instance=f"uuid:{number}",
                entity=f"house-{number}",
            )
        )
    shares: list[float] = []

    def stop_at_last(share: float) -> None:
        shares.append(share)
        if share == 1:
            raise Stopped

    with pytest.raises(Stopped):
        slip_batches.make(town.reference, HERE, wish(), stop_at_last)
    assert (kept(town), actions(town)) == ([], [])
    assert shares == sorted(shares)
    assert len(shares) > 2
    assert not list(tmp_path.glob("*.zip"))

    made = slip_batches.make(town.reference, HERE, wish())
    assert made.number == 3
    with zipfile.ZipFile(made.path) as zipped:
        assert len(zipped.namelist()) == 2
    assert {tuple(row)[2] for row in kept(town)} == {"house-0", "house-1", "house-2"}  # type: ignore[arg-type, index]
    assert actions(town) == ["slip.given"]
    with pytest.raises(InvalidInput):
        slip_batches.make(town.reference, HERE, wish(text="nobody of this name"))
    assert list(tmp_path.glob("*.zip")) == [made.path]


def test_a_batch_revokes_older_slips_that_the_register_contradicts(town: Town) -> None:
    old = give(town, visit(town, ONE))
    visit(town, ONE, TWO, instance="uuid:second", edits="uuid:first")
    slip_batches.make(town.reference, HERE, wish())
    assert set(slips.known(town.reference, LATER).revoked) == {old.slip.id}
    assert len(kept(town)) == 2
