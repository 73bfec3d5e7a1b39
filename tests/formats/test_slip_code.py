"""The text of a slip holds against whoever changes a letter of it, and fits a code that a print holds legibly."""

from __future__ import annotations

import base64
import json
import unicodedata
from datetime import date

import pytest
import segno

from mapper.domain.people import Dose, Person
from mapper.domain.slip import SHORTEST_CUT, BirthAs, NameAs, Slip, SlipDose, slip_of
from mapper.errors import InvalidInput, TooLarge
from mapper.formats import slip_code
from mapper.formats.slip_code import Fault, Signed

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
PUBLIC = slip_code.public_key(KEY)
KEYS = {slip_code.key_id(PUBLIC): PUBLIC}
SLIP = Slip(
    "ab12",
    "covid19",
    "Nông Thị Mỷ",
    "1980-05-04",
    date(2022, 8, 31),
    date(2023, 8, 30),
    (SlipDose("1", date(2021, 8, 10), "pfizer"), SlipDose("2", None, "")),
)
ADDRESS = "https://tiem.example.vn/slips/check#"


def test_keys_and_signatures_are_those_of_the_standard() -> None:
    # RFC 8032, 7.1, test 1: a secret key and the public one that belongs to it.
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert slip_code.public_key(secret).hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def test_a_slip_is_read_as_it_was_signed() -> None:
    text = slip_code.sign(SLIP, KEY)
    assert slip_code.check(text, KEYS) == Signed(SLIP, slip_code.key_id(PUBLIC))
    # As a reader of codes, or somebody who copies it out of a letter on two lines, hands it over.
    assert slip_code.from_address(f" {ADDRESS}{text[:50]}\n{text[50:]} ") == text


def test_no_letter_of_it_can_be_changed_or_left_out() -> None:
    text = slip_code.sign(SLIP, KEY)
    for place in range(len(text)):
        for bit in (1, 2, 4):
            changed = text[:place] + chr(ord(text[place]) ^ bit) + text[place + 1 :]
            assert isinstance(slip_code.check(changed, KEYS), Fault), changed
        assert isinstance(slip_code.check(text[:place] + text[place + 1 :], KEYS), Fault)


def _swapped(text: str) -> str:
    version, key, told, proof = text.split(".")
    content = json.loads(base64.urlsafe_b64decode(told + "=" * (-len(told) % 4)))
    first, second = content[6]
    content[6] = [[first[0], *second[1:]], [second[0], *first[1:]]]
    written = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return ".".join((version, key, base64.urlsafe_b64encode(written).rstrip(b"=").decode(), proof))


def _under_this_name(text: str) -> str:
    """Signed with another key, which is given out as this one."""
    _, _, told, _ = text.split(".")
    name = slip_code.key_id(PUBLIC)
    other = slip_code.sign(SLIP, OTHER).replace(slip_code.key_id(slip_code.public_key(OTHER)), name)
    assert other.split(".")[2] == told
    return other


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(_swapped, Fault.FORGED, id="doses-swapped"),
        pytest.param(_under_this_name, Fault.FORGED, id="signed-by-another-under-this-name"),
        pytest.param(lambda text: slip_code.sign(SLIP, OTHER), Fault.OTHER_KEY, id="signed-by-another"),
        pytest.param(lambda text: text.replace("1.", "2.", 1), Fault.NO_SLIP, id="another-version"),
        pytest.param(lambda text: "HC1:6BF+70790T9WJWG.FKY*4GO0", Fault.NO_SLIP, id="a-certificate-of-elsewhere"),
        pytest.param(lambda text: text * 9, Fault.NO_SLIP, id="far-too-long"),
        pytest.param(lambda text: "", Fault.NO_SLIP, id="nothing"),
    ],
)
def test_what_was_made_by_hand_is_refused(change: object, fault: Fault) -> None:
    assert callable(change)
    assert slip_code.check(change(slip_code.sign(SLIP, KEY)), KEYS) == fault


def person(doses: int, name: str = "Nguyễn Hoàng Thị Phương Quỳnh Như Nguyệt", vaccine: str = "astrazeneca") -> Person:
    given = tuple(Dose(f"booster{number}", date(2021, 8, 10), vaccine) for number in range(doses))
    return Person("p", date(2022, 8, 10), name, date(1980, 5, 4), "day", doses=given)


def slip(person: Person, name: NameAs = NameAs.FULL, birth: BirthAs = BirthAs.DATE) -> Slip:
    return slip_of("abcdefghijkl", "covid19", person, name, birth, date(2022, 8, 31), date(2023, 8, 30))


def test_the_longest_name_with_five_doses_fits_a_legible_code_and_more_is_refused() -> None:
    assert slip_code.sign_legibly(slip(person(5)), KEY) == slip_code.sign(slip(person(5)), KEY)
    address = ADDRESS + slip_code.sign(slip(person(5)), KEY)
    assert int(segno.make(address, micro=False, error="m", boost_error=False).version) <= 20
    full = "h" * slip_code.ROOM
    assert segno.make(full, micro=False, error="m", boost_error=False).version == 20
    assert segno.make(f"{full}h", micro=False, error="m", boost_error=False).version == 21
    with pytest.raises(TooLarge):
        slip_code.sign_legibly(slip(person(8, vaccine="Vắc xin tiêm ở nước ngoài")), KEY)
    with pytest.raises(InvalidInput):
        slip(person(9))


@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_a_name_is_whole_on_paper_and_its_end_leaves_the_code_only_beside_many_doses(written: str) -> None:
    name = "Hoàng Phủ Ngọc Nguyễn Thị Phương Quỳnh Trang Thanh Hương Ánh Nguyệt"
    few, many = (slip(person(doses, unicodedata.normalize(written, name))) for doses in (3, 7))  # type: ignore[arg-type]
    assert (few.name, many.name) == (name, name)
    texts = [slip_code.sign_legibly(one, KEY) for one in (few, many)]
    assert all(len(text) <= slip_code.ROOM - slip_code.ADDRESS for text in texts)
    told = [slip_code.check(text, KEYS) for text in texts]
    assert isinstance(told[0], Signed)
    assert isinstance(told[1], Signed)
    assert told[0].slip == few
    begun = told[1].slip.name.removesuffix("…")
    assert name.startswith(begun)
    assert SHORTEST_CUT <= len(begun) + 1 < len(name)
    assert told[1].slip.doses == many.doses


def test_initials_and_the_year_alone_tell_no_more() -> None:
    told = slip(person(0, "Nông Thị  Mỷ"), NameAs.INITIALS, BirthAs.YEAR)
    assert (told.name, told.born) == ("N. T. M.", "1980")
    unsure = Person("p", date(2022, 8, 10), "A", date(1980, 7, 1), "age")
    assert slip(unsure).born == "~1980"
