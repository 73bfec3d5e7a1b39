"""Families in a census and in a national register, each typed by another hand: with a seed, and who is who.

Written apart from the matcher and from ``registers``: no weight was set by looking at it. Surnames are drawn by the
shares commonly cited from Lê Trung Hoa, "Họ và tên người Việt Nam" (2005), as listed in November 2026 at
https://waiwiki.blogspot.com/2009/09/vietnamese-family-names-surnames.html; what these leave is spread over others.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import replace
from datetime import date, timedelta

from mapper.linkage.rarity import LinkPerson
from tests.linkage.censuses import Census
from tests.linkage.registers import Registers

SURNAMES = {"Nguyễn": 38.4, "Trần": 11, "Lê": 9.5, "Phạm": 7.1, "Hoàng": 3.1, "Huỳnh": 2, "Phan": 4.5, "Vũ": 2.4}
SURNAMES |= {"Võ": 1.5, "Đặng": 2.1, "Bùi": 2, "Đỗ": 1.4, "Hồ": 1.3, "Ngô": 1.3, "Dương": 1, "Lý": 0.5}
SURNAMES |= dict.fromkeys(
    "Đinh Đoàn Lâm Trịnh Mai Đào Cao Lương Hà Tạ Triệu Nông Ma Lường Quàng Sùng Vàng".split(), 0.64
)
MEN = "Anh Bảo Bình Cường Chiến Dũng Đạt Đức Giang Hải Hiếu Hoà Hoàng Hùng Huy Hưng Khang Khoa Kiên Lâm Long Mạnh Minh "
MEN += (
    "Nam Nghĩa Nhân Phong Phúc Quân Quang Quý Sơn Tài Tâm Thái Thành Thắng Thịnh Tiến Toàn Trung Tú Tuấn Tùng Việt Vinh"
)
WOMEN = (
    "Anh Ánh Bích Châu Chi Diễm Dung Duyên Giang Hà Hạnh Hằng Hiền Hoa Hoà Hồng Huệ Huyền Hương Lan Lệ Liên Linh Loan "
)
WOMEN += (
    "Ly Mai My Nga Ngân Ngọc Nhung Oanh Phương Quyên Quỳnh Tâm Thảo Thoa Thu Thuỷ Thuý Trang Trinh Tuyết Uyên Vân Yến"
)
MIDDLE = {
    "male": ("Văn", "Văn", "Văn", "Văn", "Đình", "Hữu", "Đức", "Quốc", "Minh", "Ngọc", "Thanh", "Xuân"),
    "female": ("Thị", "Thị", "Thị", "Thị", "Thị", "Thị", "Ngọc", "Thanh", "Minh", "Thuỳ", "Kim"),
}
GIVEN = {"male": MEN.split(), "female": WOMEN.split()}
YEAR = 2022

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_TONES = "\u0301\u0300\u0309\u0303\u0323"
_OLD = (("oà", "òa"), ("oá", "óa"), ("uỷ", "ủy"), ("uý", "úy"), ("uỳ", "ùy"), ("oè", "òe"))


def families(chance: random.Random, number: int, communes: int) -> list[LinkPerson]:
    """The people of families as ``family`` makes them, so many of them."""
    made: list[LinkPerson] = []
    while len(made) < number:
        made += family(chance, communes)
    return made[:number]


def family(chance: random.Random, communes: int) -> list[LinkPerson]:
    """A couple, children, sometimes a grandmother, under one roof and one phone; of 50 births one is of twins."""
    made: list[LinkPerson] = []
    home = LinkPerson("", "", phone=_phone(chance), commune=f"{chance.randrange(communes):05d}")
    home = replace(home, hamlet=f"Thôn {chance.randint(1, 12)}")
    if chance.random() < 0.1:
        home = replace(home, phone="")
    of_father, of_mother = _surname(chance), _surname(chance)
    year = chance.randint(1945, 1996)
    made.append(_born(chance, home, of_father, "male", year))
    made.append(_born(chance, home, of_mother, "female", year + chance.randint(-2, 6)))
    if chance.random() < 0.2:
        made.append(_born(chance, home, _surname(chance), "female", max(1925, year - chance.randint(19, 35))))
    child = year + chance.randint(20, 30)
    while child < YEAR - 5 and chance.random() < 0.75:
        made.append(_born(chance, home, of_father, chance.choice(("male", "female")), child))
        if chance.random() < 0.02:
            first = made[-1]
            given = chance.choice([each for each in GIVEN[first.sex] if each not in first.name])
            made.append(replace(first, name=f"{first.name.rsplit(' ', 1)[0]} {given}"))
        child += chance.randint(2, 5)
    return made


def typed(chance: random.Random, one: LinkPerson, communes: int) -> LinkPerson:
    """A person as the station's clerk entered them."""
    name, born, precision = one.name, one.born_on, one.precision
    assert born is not None
    if chance.random() < 0.3:
        for new, old in _OLD:
            name = name.replace(new, old)
    if chance.random() < 0.04:
        name = chance.choice((_slip, _other_tone, _raw_telex))(chance, name)
    if chance.random() < 0.2:
        name = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
        name = name.replace("đ", "d").replace("Đ", "D")
    if chance.random() < 0.03:
        family, *rest = name.split()
        name = " ".join((*rest, family))
    if chance.random() < 0.35:
        name = name.upper()
    # Of the old nobody knew the day when the register was made.
    if chance.random() < (0.3 if born.year < 1960 else 0.07):
        born, precision = date(born.year, 1, 1), chance.choice(("year", "year", "day"))
    elif chance.random() < 0.03 and born.day <= 12:
        born = date(born.year, born.day, born.month)
    elif chance.random() < 0.015:
        born = born + timedelta(days=chance.choice((-30, -1, 1, 10)))
    phone = one.phone if chance.random() < 0.65 else chance.choice(("", _phone(chance)))
    if chance.random() < 0.025:
        return replace(
            one,
            name=name,
            born_on=born,
            precision=precision,
            phone=phone,
            hamlet="",
            commune=f"{chance.randrange(communes):05d}",
        )
    hamlet = one.hamlet if chance.random() < 0.4 else ""
    return replace(one, name=name, born_on=born, precision=precision, phone=phone, hamlet=hamlet)


def two_registers(seed: int, number: int, communes: int) -> Registers:
    """A register and a census of about ``number`` people each, of whom four in five stand in both."""
    chance = random.Random(f"two hands {seed}")
    everybody = families(chance, round(number * 1.2), communes)
    fates = [chance.random() for _ in everybody]
    here = [place for place, fate in enumerate(fates) if fate < 0.83]
    there = [place for place, fate in enumerate(fates) if fate < 0.67 or fate >= 0.83]
    chance.shuffle(there)
    at = {place: ours for ours, place in enumerate(here)}
    return Registers(
        [typed(chance, everybody[place], communes) for place in there],
        [everybody[place] for place in here],
        {theirs: at[place] for theirs, place in enumerate(there) if place in at},
    )


def entered_twice(seed: int, households: int, share: float = 0.012) -> Census:
    """A commune; ``share`` of its people were typed once more into another house, with its hamlet and telephone, and
    ``share`` of the houses were typed once more as a whole."""
    chance = random.Random(f"two hands, one census {seed}")
    homes = [family(chance, 1) for _ in range(households)]
    people = [(f"h{number}", one) for number, members in enumerate(homes) for one in members]
    copies: list[tuple[str, LinkPerson, int]] = []
    for place, (house, one) in enumerate(people):
        if chance.random() < share:
            target, (there, *_) = chance.choice(list(enumerate(homes)))
            if f"h{target}" != house:
                moved = replace(typed(chance, one, 1), phone=there.phone, hamlet=there.hamlet, commune=one.commune)
                copies.append((f"h{target}", moved, place))
    again = {f"h{number}" for number in range(households) if chance.random() < share}
    for place, (house, one) in enumerate(people):
        if house in again:
            copies.append((f"{house} again", replace(typed(chance, one, 1), hamlet=one.hamlet), place))
    true: dict[tuple[int, int], str] = {}
    of: dict[int, list[int]] = {}
    for at, (_, _, place) in enumerate(copies, start=len(people)):
        true |= {(first, at): "typed again" for first in (place, *of.get(place, ()))}
        of.setdefault(place, []).append(at)
    rows = [*people, *((house, one) for house, one, _ in copies)]
    entries = [replace(one, key=str(at)) for at, (_, one) in enumerate(rows)]
    return Census(entries, [house for house, _ in rows], true)


def _surname(chance: random.Random) -> str:
    return chance.choices(list(SURNAMES), list(SURNAMES.values()))[0]


def _phone(chance: random.Random) -> str:
    return chance.choice(("03", "07", "08", "09")) + f"{chance.randrange(10**8):08d}"


def _born(chance: random.Random, home: LinkPerson, surname: str, sex: str, year: int) -> LinkPerson:
    name = f"{surname} {chance.choice(MIDDLE[sex])} {chance.choice(GIVEN[sex])}"
    return replace(home, name=name, sex=sex, born_on=date(year, 1, 1) + timedelta(days=chance.randrange(365)))


def _slip(chance: random.Random, name: str) -> str:
    """A key beside the right one, a key too few, one too many, or two in the wrong order."""
    at = chance.choice([place for place, c in enumerate(name[:-1]) if c.isalpha() and name[place + 1].isalpha()])
    row = next((row for row in _ROWS if name[at].lower() in row), "")
    beside = row[row.index(name[at].lower()) - 1] if row else name[at]
    ways = (beside, "", name[at] * 2, name[at + 1] + name[at])
    way = chance.choice(ways)
    return name[:at] + way + name[at + (2 if way == ways[3] else 1) :]


def _other_tone(chance: random.Random, name: str) -> str:
    """One tone mistaken for another."""
    letters = list(unicodedata.normalize("NFD", name))
    marked = [place for place, c in enumerate(letters) if c in _TONES]
    if marked:
        letters[chance.choice(marked)] = chance.choice(_TONES)
    return unicodedata.normalize("NFC", "".join(letters))


def _raw_telex(chance: random.Random, name: str) -> str:
    """A word that the keyboard program left as it was typed, its tone as a letter behind it: Hof, Vinhx."""
    words = name.split()
    at = chance.randrange(len(words))
    parts = unicodedata.normalize("NFD", words[at])
    keys = "".join("sfrxj"[_TONES.index(c)] for c in parts if c in _TONES)
    bare = unicodedata.normalize("NFC", "".join(c for c in parts if c not in _TONES))
    words[at] = bare + keys
    return " ".join(words)
