"""Looking after the accounts of an area: nobody gives more than they have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mapper.domain.roles import MAY_MAKE, Role
from mapper.errors import Conflict, Forbidden, InvalidInput, NotFound
from mapper.services import accounts, audit, users
from mapper.services.accounts import User
from mapper.store import accounts as kept
from tests.services.town import COMMUNES, HAMLETS, Town

PASSWORD = "mật khẩu dài"
HERE, NEXT_DOOR, ELSEWHERE = (f"hamlet:{HAMLETS[number][0]}" for number in (0, 1, 9))


def user(town: Town, role: str, *areas: str, name: str = "") -> User:
    made = accounts.add_user(town.reference, name or role, role, areas, None if role == "canvasser" else PASSWORD)
    found = accounts.by_id(town.reference, made.id)
    assert found is not None
    return found


def names(town: Town, by: User, commune: str = "") -> list[str]:
    return [one.name for one in users.overseen(town.reference, by, commune)]


def actions(town: Town) -> list[tuple[str, str, str]]:
    """(user, action, subject), the oldest first."""
    return [(one.user_name, one.action, one.subject) for one in reversed(audit.entries(town.reference, 50))]


def test_a_commune_supervisor_makes_a_canvasser_whose_phone_works_at_once(town: Town) -> None:
    by = user(town, "commune_supervisor", COMMUNES[0])
    number, password = users.add(town.reference, by, "Nông Thị Hoa", "canvasser", [HERE])
    card = users.one_overseen(town.reference, by, number)
    assert password == ""
    assert card.token is not None
    assert accounts.sender(town.reference, card.token) == number
    assert (card.user.name, card.user.role, card.user.active, card.user.has_password) == (
        "Nông Thị Hoa",
        Role.CANVASSER,
        True,
        False,
    )
    assert [place.written for place in card.user.places] == [HERE]
    assert card.user.communes == {COMMUNES[0]}
    added, shown = actions(town)[-2:]
    assert added == ("commune_supervisor", "user.added", str(number))
    assert shown == ("commune_supervisor", "user.card", str(number)), "the key was looked at"
    assert audit.entries(town.reference, 2)[1].facts == {"role": "canvasser", "areas": HERE}


@pytest.mark.parametrize("areas", [[NEXT_DOOR], [HERE, ELSEWHERE], ["squares:" + COMMUNES[1]], ["squares:S"]])
def test_nobody_gives_an_area_beyond_their_own(town: Town, areas: Sequence[str]) -> None:
    by = user(town, "commune_supervisor", COMMUNES[0])
    with pytest.raises(Forbidden, match="your own area"):
        users.add(town.reference, by, "Hoa", "canvasser", areas)
    assert accounts.by_name(town.reference, "Hoa") is None


@pytest.mark.parametrize("by_role", sorted(Role))
@pytest.mark.parametrize("role", sorted(Role))
def test_a_role_is_given_only_by_those_who_may(new_town, by_role: Role, role: Role) -> None:  # type: ignore[no-untyped-def]
    town: Town = new_town()
    by = user(town, by_role, "squares:S", name="by")
    if role in MAY_MAKE[by_role]:
        number, _ = users.add(town.reference, by, "new", role, ["squares:" + COMMUNES[0]])
        assert names(town, by)[-1] in ("new", "by")
        assert accounts.by_id(town.reference, number) is not None
        return
    with pytest.raises(Forbidden, match=role):
        users.add(town.reference, by, "new", role, ["squares:" + COMMUNES[0]])
    assert accounts.by_name(town.reference, "new") is None


def test_only_who_may_see_everything_makes_a_user_who_does(sqlite_town: Town) -> None:
    limited, chief = user(sqlite_town, "administrator", "S", name="limited"), user(sqlite_town, "administrator")
    with pytest.raises(Forbidden):
        users.add(sqlite_town.reference, limited, "new", "planner", [])
    number, password = users.add(sqlite_town.reference, chief, "new", "planner", [])
    assert accounts.sign_in(sqlite_town.reference, "new", password).id == number
    with pytest.raises(NotFound):
        users.renew(sqlite_town.reference, limited, number)
    with pytest.raises(NotFound):
        users.new_password(sqlite_town.reference, limited, chief.id)


def test_a_name_in_use_is_never_taken_over(town: Town) -> None:
    chief = user(town, "administrator", name="lan")
    by = user(town, "commune_supervisor", COMMUNES[0])
    with pytest.raises(Conflict, match="lan"):
        users.add(town.reference, by, " lan ", "canvasser", [HERE])
    assert accounts.sign_in(town.reference, "lan", PASSWORD) == chief


@pytest.mark.parametrize(
    ("role", "areas", "kind"),
    [
        ("canvasser", [], Forbidden),
        ("king", [HERE], InvalidInput),
        ("canvasser", ["hamlet:nowhere"], NotFound),
        ("canvasser", ["drawn:1"], NotFound),
        ("canvasser", ["idle:"], NotFound),
        ("canvasser", [""], NotFound),
    ],
)
def test_what_names_no_role_or_no_place_is_refused(
    sqlite_town: Town, role: str, areas: list[str], kind: type[Exception]
) -> None:
    by = user(sqlite_town, "commune_supervisor", COMMUNES[0])
    with pytest.raises(kind):
        users.add(sqlite_town.reference, by, "Hoa", role, areas)
    assert accounts.by_name(sqlite_town.reference, "Hoa") is None


def test_everybody_sees_the_accounts_whose_whole_area_they_oversee(sqlite_town: Town) -> None:
    town = sqlite_town
    user(town, "canvasser", HERE, name="a here")
    user(town, "canvasser", NEXT_DOOR, name="b next door")
    user(town, "canvasser", HERE, NEXT_DOOR, name="c both")
    user(town, "canvasser", ELSEWHERE, name="d elsewhere")
    user(town, "planner", COMMUNES[0], name="e planner")
    commune = user(town, "commune_supervisor", COMMUNES[0], name="f commune")
    district = user(town, "supervisor", "S", name="g district")
    chief = user(town, "administrator", name="h chief")
    assert names(town, commune) == ["a here"]
    assert names(town, district) == ["a here", "b next door", "c both", "f commune"]
    assert names(town, district, COMMUNES[1]) == ["b next door", "c both"]
    assert names(town, chief) == [
        "a here", "b next door", "c both", "d elsewhere", "e planner", "f commune", "g district", "h chief",
    ]  # fmt: skip


def test_a_new_key_voids_the_old_one_at_once(town: Town) -> None:
    by = user(town, "commune_supervisor", COMMUNES[0])
    number, _ = users.add(town.reference, by, "Hoa", "canvasser", [HERE])
    old = users.one_overseen(town.reference, by, number).token
    users.renew(town.reference, by, number)
    new = users.one_overseen(town.reference, by, number).token
    assert old is not None and new is not None
    assert accounts.sender(town.reference, old) is None
    assert accounts.sender(town.reference, new) == number
    assert [action for _, action, _ in actions(town)[-3:]] == ["user.card", "user.renewed", "user.card"]


def test_ended_access_opens_nothing_and_can_be_given_again(town: Town) -> None:
    by = user(town, "supervisor", "S")
    number, password = users.add(town.reference, by, "Hoa", "commune_supervisor", ["squares:" + COMMUNES[0]])
    with town.reference.database.read() as connection:
        account = kept.by_id(connection, number)
        assert account is not None
        token = accounts.token_again(town.reference, connection, account)
    assert token is not None
    assert users.one_overseen(town.reference, by, number).token is None, "no page shows the key of a desk"
    assert actions(town)[-1][1] == "user.added"
    users.end(town.reference, by, number)
    assert accounts.by_token(town.reference, token) is None
    assert accounts.by_id(town.reference, number) is None
    with pytest.raises(accounts.SignInRequired):
        accounts.sign_in(town.reference, "Hoa", password)
    card = users.one_overseen(town.reference, by, number)
    assert (card.user.active, card.token) == (False, None)
    users.renew(town.reference, by, number)
    assert accounts.sign_in(town.reference, "Hoa", password).areas == (("squares", COMMUNES[0]),)
    assert accounts.by_token(town.reference, token) is None


def test_nobody_ends_their_own_access(sqlite_town: Town) -> None:
    chief = user(sqlite_town, "administrator")
    with pytest.raises(Conflict, match="own access"):
        users.end(sqlite_town.reference, chief, chief.id)
    assert accounts.by_id(sqlite_town.reference, chief.id) == chief


@pytest.mark.parametrize("deed", ["renew", "end", "new_password", "change_areas", "one_overseen"])
def test_an_account_of_another_place_is_not_there(sqlite_town: Town, deed: str) -> None:
    by = user(sqlite_town, "commune_supervisor", COMMUNES[0])
    other = user(sqlite_town, "canvasser", NEXT_DOOR)
    for number in (other.id, 999):
        with pytest.raises(NotFound, match="your area"):
            arguments = [[HERE]] if deed == "change_areas" else []
            getattr(users, deed)(sqlite_town.reference, by, number, *arguments)
    assert accounts.by_id(sqlite_town.reference, other.id) == other


def test_places_are_changed_within_the_own_area_only(town: Town) -> None:
    by = user(town, "commune_supervisor", COMMUNES[0])
    number, _ = users.add(town.reference, by, "Hoa", "canvasser", [HERE])
    for written, kind in (([NEXT_DOOR], Forbidden), ([HERE, NEXT_DOOR], Forbidden), ([], InvalidInput)):
        with pytest.raises(kind):
            users.change_areas(town.reference, by, number, written)
    second = f"hamlet:{HAMLETS[0][1]}"
    users.change_areas(town.reference, by, number, [second])
    changed = accounts.by_id(town.reference, number)
    assert changed is not None
    assert changed.areas == (("", HAMLETS[0][1]),)
    assert audit.entries(town.reference, 1)[0].facts == {"areas": second}


def test_a_password_is_for_pages_and_not_for_phones(town: Town) -> None:
    by = user(town, "supervisor", "S")
    number, first = users.add(town.reference, by, "Lan", "commune_supervisor", ["squares:" + COMMUNES[0]])
    second = users.new_password(town.reference, by, number)
    with pytest.raises(accounts.SignInRequired):
        accounts.sign_in(town.reference, "Lan", first)
    assert accounts.sign_in(town.reference, "Lan", second).id == number
    assert first not in repr(audit.entries(town.reference, 50)) and second not in repr(audit.entries(town.reference, 9))
    phone, _ = users.add(town.reference, by, "Hoa", "canvasser", [HERE])
    with pytest.raises(Conflict, match="QR code"):
        users.new_password(town.reference, by, phone)


def test_cards_are_those_of_the_communes_working_canvassers(town: Town) -> None:
    by = user(town, "supervisor", "S")
    for name, area in (("a", HERE), ("b", NEXT_DOOR), ("c", HERE)):
        users.add(town.reference, by, name, "canvasser", [area])
    ended, _ = users.add(town.reference, by, "d", "canvasser", [HERE])
    users.end(town.reference, by, ended)
    found = users.cards(town.reference, by, COMMUNES[0])
    assert [card.user.name for card in found] == ["a", "c"]
    for card in found:
        assert accounts.sender(town.reference, card.token or "") == card.user.id
    assert actions(town)[-1] == ("supervisor", "user.cards", COMMUNES[0])
    with pytest.raises(NotFound, match=COMMUNES[9]):
        users.cards(town.reference, by, COMMUNES[9])


def test_the_hamlets_to_choose_from_are_those_of_the_own_area(sqlite_town: Town) -> None:
    chief = user(sqlite_town, "administrator")
    assert {one.code for one in users.communes(sqlite_town.reference, chief)} == set(COMMUNES)
    (only,) = users.communes(sqlite_town.reference, user(sqlite_town, "commune_supervisor", HERE))
    assert (only.code, [code for code, _ in only.hamlets]) == (COMMUNES[0], [HAMLETS[0][0]])


def test_units_to_choose_from_lie_in_the_own_area_and_not_above_it(sqlite_town: Town) -> None:
    district = user(sqlite_town, "supervisor", "S")
    offered = [place.written for place in users.units(sqlite_town.reference, district)]
    assert "squares:S" in offered and "squares:" + COMMUNES[0] in offered
    assert not {"squares:P", "squares:N", "squares:" + COMMUNES[9]} & set(offered)
    chief = user(sqlite_town, "administrator")
    assert "squares:P" in [place.written for place in users.units(sqlite_town.reference, chief)]


def test_who_oversees_a_place_oversees_it_on_other_boundaries_where_it_went_there_whole(town: Town) -> None:
    """The strip X holds the squares 0 and 1 as wholes; the square 2 was divided between X and Y."""
    town.import_strips()
    for number in (0, 1, 2):
        user(town, "canvasser", f"hamlet:{HAMLETS[number][0]}", name=f"of {number}")
    assert names(town, user(town, "commune_supervisor", "strips:X")) == ["of 0", "of 1"]


def test_a_canvasser_whom_everything_was_taken_from_is_still_looked_after_where_they_worked(town: Town) -> None:
    by, other = user(town, "commune_supervisor", COMMUNES[0]), user(town, "commune_supervisor", COMMUNES[1], name="o")
    number, _ = users.add(town.reference, by, "Hoa", "canvasser", [HERE])
    with town.reference.database.write() as connection:
        kept.set_areas(connection, number, [(accounts.IDLE, f":{HAMLETS[0][0]}")])
    assert names(town, by) == ["Hoa"] and names(town, other) == []
    (place,) = users.one_overseen(town.reference, by, number).user.places
    assert (place.idle, place.written) == (True, HERE)


def test_names_stand_in_the_order_of_the_vietnamese_alphabet(sqlite_town: Town) -> None:
    """Đ behind D and before E; tones count last."""
    by = user(sqlite_town, "administrator", name="chief")
    for name in ("Triệu Hoa", "Đàm Lan", "Dương Páo", "Ân Mỷ", "Êm Lý", "An Mỷ"):
        user(sqlite_town, "canvasser", HERE, name=name)
    shown = [name for name in names(sqlite_town, by) if name != "chief"]
    assert shown == ["An Mỷ", "Ân Mỷ", "Dương Páo", "Đàm Lan", "Êm Lý", "Triệu Hoa"]
