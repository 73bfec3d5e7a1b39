"""Users, their secrets and their areas."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from mapper.domain.roles import Role
from mapper.errors import InvalidInput, MapperError, NotFound, SignInRequired
from mapper.services import accounts, audit, boundaries
from mapper.services.boundaries import SetFacts
from mapper.services.reference import Reference
from mapper.store import accounts as kept_accounts
from mapper.store import tables
from tests.services.town import COMMUNES, HAMLETS, SIDE, SOUTH, WEST, Town, feature, feature_file, squares

PASSWORD = "mật khẩu dài"


def row(town: Town, name: str) -> dict[str, object]:
    with town.reference.database.read() as connection:
        found = connection.execute(select(tables.users).where(tables.users.c.name == name)).mappings().one()
        return dict(found)


def test_a_password_is_kept_as_an_argon2_hash_and_opens_the_door(town: Town) -> None:
    accounts.add_user(town.reference, "lan", "administrator", [], PASSWORD)
    kept = row(town, "lan")
    assert str(kept["password_hash"]).startswith("$argon2id$")
    assert PASSWORD not in repr(kept)
    user = accounts.sign_in(town.reference, "lan", PASSWORD)
    assert (user.name, user.role, user.areas, user.reads_figures) == ("lan", Role.ADMINISTRATOR, (), True)


def test_a_wrong_name_and_a_wrong_password_are_told_the_same(sqlite_town: Town) -> None:
    accounts.add_user(sqlite_town.reference, "lan", "administrator", [], PASSWORD)
    accounts.add_user(sqlite_town.reference, "phone", "canvasser", ["S"])
    said = set()
    for name, password in (("lan", "wrong"), ("nam", PASSWORD), ("phone", "")):
        with pytest.raises(SignInRequired) as refusal:
            accounts.sign_in(sqlite_town.reference, name, password)
        said.add(str(refusal.value))
    assert said == {"The name or the password is wrong."}


SCARCE = """
import resource, sys
from mapper.services import accounts
from mapper.services.reference import Reference
from mapper.store.database import Database
reference = Reference(Database(sys.argv[1]))
print(accounts.sign_in(reference, "lan", sys.argv[2]).name)
with open("/proc/self/statm") as file:
    pages = int(file.read().split()[0])
most = pages * resource.getpagesize() + 16_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
try:
    accounts.sign_in(reference, "lan", sys.argv[2])
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell a process's memory so")
def test_without_memory_to_check_it_the_right_password_is_not_called_wrong(sqlite_town: Town) -> None:
    accounts.add_user(sqlite_town.reference, "lan", "administrator", [], PASSWORD)
    url = str(sqlite_town.reference.database.engine.url)
    ran = subprocess.run([sys.executable, "-c", SCARCE, url, PASSWORD], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["lan", "Unavailable"]


def test_the_same_password_twice_is_two_hashes(sqlite_town: Town) -> None:
    for name in ("one", "two"):
        accounts.add_user(sqlite_town.reference, name, "planner", [], PASSWORD)
    assert row(sqlite_town, "one")["password_hash"] != row(sqlite_town, "two")["password_hash"]


def test_a_token_is_kept_as_a_hash_only(town: Town) -> None:
    made = accounts.add_user(town.reference, "phone", "canvasser", ["S"])
    kept = row(town, "phone")
    assert made.token not in repr(kept)
    assert kept["token_sha256"] == hashlib.sha256(made.token.encode()).hexdigest()
    assert kept["password_hash"] is None
    user = accounts.by_token(town.reference, made.token)
    assert user is not None
    assert (user.id, user.name, user.role, user.reads_figures) == (made.id, "phone", Role.CANVASSER, False)
    assert accounts.by_token(town.reference, made.token + "x") is None
    assert accounts.sender(town.reference, made.token) == made.id
    assert accounts.sender(town.reference, "") is None


def again(town: Town, name: str, key: str | None = None) -> str | None:
    """The token shown again, by a process with another key where one is given."""
    reference = town.reference if key is None else Reference(town.reference.database, key)
    with reference.database.read() as connection:
        account = kept_accounts.by_name(connection, name)
        assert account is not None
        return accounts.token_again(reference, connection, account)


def test_a_token_can_be_shown_again_and_comes_from_key_number_and_epoch(town: Town) -> None:
    made = accounts.add_user(town.reference, "phone", "canvasser", ["S"])
    assert again(town, "phone") == made.token
    # HMAC-SHA256 of "phone token NUMBER EPOCH", in the alphabet of addresses: 32 bytes are 43 letters
    key = accounts.secret_key(town.reference).encode()
    worked_out = hmac.new(key, f"phone token {made.id} 1".encode(), "sha256").digest()
    assert made.token == base64.urlsafe_b64encode(worked_out).decode()[:43]
    assert len(made.token) == 43


def test_no_two_users_and_no_two_epochs_share_a_token(sqlite_town: Town) -> None:
    made = [accounts.add_user(sqlite_town.reference, name, "canvasser", ["S"]).token for name in "aabab"]
    assert len(set(made)) == 5
    assert [accounts.sender(sqlite_town.reference, token) is not None for token in made] == [False] * 3 + [True] * 2


def test_a_token_of_another_key_goes_on_but_cannot_be_shown(sqlite_town: Town) -> None:
    made = accounts.add_user(sqlite_town.reference, "phone", "canvasser", ["S"])
    other = Reference(sqlite_town.reference.database, "k" * 32)
    assert again(sqlite_town, "phone", "k" * 32) is None
    assert accounts.sender(other, made.token) == made.id
    renewed = accounts.add_user(other, "phone", "canvasser", ["S"])
    assert again(sqlite_town, "phone", "k" * 32) == renewed.token
    assert again(sqlite_town, "phone") is None


def test_the_operators_key_is_not_written_to_the_database(sqlite_town: Town) -> None:
    other = Reference(sqlite_town.reference.database, "k" * 32)
    assert accounts.secret_key(other) == "k" * 32
    assert accounts.secret_key(sqlite_town.reference) != "k" * 32


def test_a_user_without_any_area_sees_nothing_unless_the_role_may_see_everything(sqlite_town: Town) -> None:
    for name, role in (("phone", "canvasser"), ("lan", "supervisor"), ("chief", "planner")):
        accounts.add_user(sqlite_town.reference, name, role, ["S"])
    with sqlite_town.reference.database.write() as connection:
        connection.execute(delete(tables.user_areas))  # as by a hand in the database
    seen = [accounts.by_name(sqlite_town.reference, name) for name in ("phone", "lan", "chief")]
    assert [user and user.areas for user in seen] == [(accounts.NOWHERE,), (accounts.NOWHERE,), ()]


def test_a_user_made_at_the_command_line_stands_in_the_trail(town: Town) -> None:
    made = accounts.add_user(town.reference, "lan", "supervisor", ["S"], PASSWORD)
    entry = audit.entries(town.reference, 1)[0]
    assert (entry.user_id, entry.user_name, entry.action, entry.subject) == (
        None,
        "server.py",
        "user.added",
        str(made.id),
    )
    assert entry.facts == {"role": "supervisor", "areas": "S"}
    assert PASSWORD not in repr(entry) and made.token not in repr(entry)


def test_a_user_made_again_has_new_secrets_and_areas_and_the_old_ones_open_nothing(town: Town) -> None:
    first = accounts.add_user(town.reference, "lan", "supervisor", ["S", HAMLETS[9][0]], PASSWORD)
    before = accounts.by_name(town.reference, "lan")
    second = accounts.add_user(town.reference, "lan", "commune_supervisor", [COMMUNES[3]])
    after = accounts.by_name(town.reference, "lan")
    assert before is not None
    assert after is not None
    assert second.id == first.id
    assert accounts.by_token(town.reference, first.token) is None
    assert accounts.sender(town.reference, first.token) is None
    assert accounts.by_token(town.reference, second.token) == after
    with pytest.raises(SignInRequired):
        accounts.sign_in(town.reference, "lan", PASSWORD)
    assert after.role is Role.COMMUNE_SUPERVISOR
    assert before.areas == (("", HAMLETS[9][0]), ("squares", "S"))
    assert after.areas == (("squares", COMMUNES[3]),)
    assert after.session_epoch > before.session_epoch  # who is signed in has to do it again


def test_an_area_is_a_unit_of_the_newest_set_that_knows_it_or_a_hamlet(town: Town) -> None:
    town.import_strips()
    accounts.add_user(town.reference, "lan", "supervisor", ["S", "X", "S", HAMLETS[0][0]])
    user = accounts.by_name(town.reference, "lan")
    assert user is not None
    assert set(user.areas) == {("squares", "S"), ("strips", "X"), ("", HAMLETS[0][0])}


def areas(town: Town, *codes: str) -> set[tuple[str, str]]:
    """What the areas of a user come to."""
    accounts.add_user(town.reference, "lan", "supervisor", codes)
    user = accounts.by_name(town.reference, "lan")
    assert user is not None
    return set(user.areas)


def import_one(town: Town, set_id: str, east: float, code: str, name: str) -> None:
    """A set of one commune, on the land of the squares 0 and on to the east."""
    unit = feature(WEST, SOUTH, east, SOUTH + SIDE, commune_code=code, commune_name=name)
    facts = SetFacts(set_id, set_id, date(2025, 7, 1))
    boundaries.import_file(town.reference, feature_file(town.files / "one.geojson", [unit]), facts)


def test_of_one_unit_in_several_sets_the_newest_counts(sqlite_town: Town) -> None:
    boundaries.import_file(sqlite_town.reference, squares(sqlite_town.files), SetFacts("again", "", date(2025, 7, 1)))
    assert areas(sqlite_town, "S", COMMUNES[0]) == {("again", "S"), ("again", COMMUNES[0])}
    assert areas(sqlite_town, "squares:S", "again:S") == {("squares", "S"), ("again", "S")}


@pytest.mark.parametrize(
    ("east", "name"),
    [(105.1, "Xã Khác"), (105.2, "Xã 0")],
    ids=["another name", "the same name, with another commune joined to it"],
)
def test_a_code_that_means_different_places_has_to_say_of_which_set(sqlite_town: Town, east: float, name: str) -> None:
    code = COMMUNES[0]
    import_one(sqlite_town, "later", east, code, name)
    with pytest.raises(InvalidInput) as refusal:
        areas(sqlite_town, code)
    assert f"{code} means several places: later:{code} = {name}, squares:{code} = Xã 0" in str(refusal.value)
    assert f"for example later:{code}" in str(refusal.value)
    assert areas(sqlite_town, f"squares:{code}") == {("squares", code)}
    assert areas(sqlite_town, f"later:{code}", f"later:{code}") == {("later", code)}


def test_a_code_of_a_unit_and_of_a_hamlet_has_to_say_which(sqlite_town: Town) -> None:
    hamlet = HAMLETS[0][0]
    import_one(sqlite_town, "later", 105.1, hamlet, "Xã Khác")
    with pytest.raises(InvalidInput, match=f"later:{hamlet} = Xã Khác, hamlet:{hamlet} = "):
        areas(sqlite_town, hamlet)
    assert areas(sqlite_town, f"hamlet:{hamlet}") == {("", hamlet)}
    assert areas(sqlite_town, f"later:{hamlet}") == {("later", hamlet)}


def test_a_code_of_several_levels_of_one_set_is_refused(sqlite_town: Town) -> None:
    unit = feature(WEST, SOUTH, 105.1, 22.1, commune_code="7", commune_name="Xã", district_code="7")
    facts = SetFacts("levels", "levels", date(2025, 7, 1))
    boundaries.import_file(sqlite_town.reference, feature_file(sqlite_town.files / "levels.geojson", [unit]), facts)
    with pytest.raises(InvalidInput, match="Code 7 names units of several levels of levels"):
        areas(sqlite_town, "7")


@pytest.mark.parametrize("code", ["squares:99999", "moon:S", "squares:", ":S", "hamlet:S", "hamlet:", "squares:S:S"])
def test_a_code_that_its_set_does_not_know_is_refused(sqlite_town: Town, code: str) -> None:
    with pytest.raises(NotFound, match=f"knows the code {code}"):
        areas(sqlite_town, code)


@pytest.mark.parametrize(
    ("name", "role", "areas", "password", "error", "says"),
    [
        ("lan", "supervisor", ["99999"], None, NotFound, "no hamlet list knows the code 99999. Import the boundaries"),
        ("lan", "supervisor", [], None, InvalidInput, "A supervisor needs an area: give the code of a unit"),
        ("lan", "canvasser", [], None, InvalidInput, "A canvasser needs an area"),
        (
            "lan",
            "king",
            ["S"],
            None,
            InvalidInput,
            "There is no role king. Choose one of: canvasser,",
        ),
        ("lan", "supervisor", ["S"], "123456789", InvalidInput, "A password has at least 12 characters."),
        ("lan", "supervisor", ["S"], "", InvalidInput, "A password has at least 12 characters."),
        (" ", "supervisor", ["S"], None, InvalidInput, "A user's name has 1 to 80 characters and no colon."),
        ("a:b", "supervisor", ["S"], None, InvalidInput, "no colon"),
        ("x" * 81, "supervisor", ["S"], None, InvalidInput, "1 to 80 characters"),
    ],
)
def test_a_user_who_cannot_be_is_refused_with_the_cure(
    sqlite_town: Town,
    name: str,
    role: str,
    areas: list[str],
    password: str | None,
    error: type[MapperError],
    says: str,
) -> None:
    accounts.add_user(sqlite_town.reference, "lan", "planner", [])
    before = row(sqlite_town, "lan")
    with pytest.raises(error) as refusal:
        accounts.add_user(sqlite_town.reference, name, role, areas, password)
    assert says in str(refusal.value)
    assert row(sqlite_town, "lan") == before
    assert accounts.by_name(sqlite_town.reference, name) is None or name == "lan"


def test_whoever_is_no_longer_active_opens_nothing(sqlite_town: Town) -> None:
    made = accounts.add_user(sqlite_town.reference, "lan", "planner", [], PASSWORD)
    with sqlite_town.reference.database.write() as connection:
        connection.execute(tables.users.update().values(active=False))
    assert accounts.by_token(sqlite_town.reference, made.token) is None
    assert accounts.sender(sqlite_town.reference, made.token) is None
    assert accounts.by_id(sqlite_town.reference, made.id) is None
    assert accounts.by_name(sqlite_town.reference, "lan") is None
    assert accounts.digest_secret(sqlite_town.reference, "lan") is None
    with pytest.raises(SignInRequired):
        accounts.sign_in(sqlite_town.reference, "lan", PASSWORD)
    accounts.add_user(sqlite_town.reference, "lan", "planner", [], PASSWORD)
    assert accounts.sign_in(sqlite_town.reference, "lan", PASSWORD).id == made.id


def test_a_digest_secret_is_that_of_name_realm_and_token(town: Town) -> None:
    # RFC 7616, 3.4.2: A1 = unq(username) ":" unq(realm) ":" passwd
    made = accounts.add_user(town.reference, "Hoà", "canvasser", ["S"])
    expected = hashlib.md5(f"Hoà:tung-nha:{made.token}".encode()).hexdigest()
    assert accounts.digest_secret(town.reference, "Hoà") == expected
    assert accounts.digest_secret(town.reference, "nobody") is None


def test_the_key_that_signs_sessions_is_made_once(town: Town) -> None:
    key = accounts.secret_key(town.reference)
    assert len(key) == 64
    assert accounts.secret_key(town.reference) == key
