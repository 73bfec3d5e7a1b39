"""An invented census of one commune in which people were entered twice: with a seed, and who is who.

Nothing here is shared with what compares the entries. Surnames are drawn by the shares of a published count of 38,099
names of Nghệ An (https://hoten.org/100-ho-nghe-an/, read in November 2026), where Nguyễn is three in ten. A name is
mistyped as hands mistype it: keys of a QWERTY keyboard missed, doubled, swapped or hit beside, under Telex.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, timedelta

from mapper.linkage.rarity import LinkPerson

SURNAMES = {"Nguyễn": 32.0, "Trần": 9.2, "Lê": 7.6, "Hoàng": 4.5, "Phạm": 4.3, "Hồ": 4.2, "Phan": 3.9, "Bùi": 2.1}
SURNAMES |= {"Đặng": 2.1, "Vi": 2.0, "Lương": 1.9, "Ngô": 1.8, "Trương": 1.8, "Cao": 1.6, "Đinh": 1.2, "Thái": 1.2}
SURNAMES |= {"Đậu": 1.1, "Dương": 0.71, "Chu": 0.71, "Đào": 0.61, "Trịnh": 0.56, "Lữ": 0.45, "Lưu": 0.44, "Mai": 0.4}
SURNAMES |= {"Vương": 0.39, "Lang": 0.37, "Đoàn": 0.33, "Kha": 0.28, "Phùng": 0.28, "Lầu": 0.22, "Moong": 0.17}
SURNAMES |= {"Xồng": 0.14, "Cụt": 0.14, "Vừ": 0.11, "Xeo": 0.06, "Hờ": 0.05}

MEN = "Tuấn Hùng Dũng Anh Nam Sơn Cường Hải Thắng Long Đức Minh Hoà Bình Quân Trung Tùng Thành Hiếu Việt Phúc Kiên Lâm"
MEN += " Khánh Toàn Quang Huy Tâm Hưng Vinh Tiến Thịnh Chiến Lợi Sỹ Hậu Trường Linh Đạt Nghĩa Tài Lộc Công Ngọc Thái"
WOMEN = "Hoa Lan Hương Hà Hằng Thuỷ Hiền Nga Mai Huyền Linh Trang Thảo Phương Anh Yến Nhung Oanh Liên Hạnh Loan Tâm"
WOMEN += " Hồng Vân Dung Thanh Ngọc Bình Thu Xuân Lý Hoài Quỳnh Ngân Giang Tuyết Minh Chung Sen Lài Thơm Nhàn Vinh Đào"
MIDDLE = {
    "male": ("Văn", "Văn", "Văn", "Văn", "Đình", "Đình", "Hữu", "Đức", "Xuân", "Ngọc", "Quang", "Công", "Bá", "Viết"),
    "female": ("Thị", "Thị", "Thị", "Thị", "Thị", "Thị", "Thị", "Ngọc", "Thuỳ", "Thanh", "Khánh", "Phương"),
}
KINDS = {"as it was": 3, "accents dropped": 5, "words swapped": 2, "mistyped": 3, "year only": 3, "accents and year": 2}
"""Ways in which somebody is entered a second time, by how many of twenty or so."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_MARKS = {"\u0302": "", "\u0306": "w", "\u031b": "w"}
_TONES = {"\u0301": "s", "\u0300": "f", "\u0309": "r", "\u0303": "x", "\u0323": "j"}


@dataclass(frozen=True, slots=True)
class Census:
    """Entries, the household of each, and the pairs of places that are one person by how the second was written."""

    entries: list[LinkPerson]
    houses: list[str]
    true: dict[tuple[int, int], str]


def telex(word: str) -> str:
    """The keys pressed for a word: the letters, their marks doubled or by w, the tone last."""
    keys, tone = "", ""
    for letter in unicodedata.normalize("NFD", word.lower()):
        if letter in _TONES:
            tone = _TONES[letter]
        elif letter in _MARKS:
            keys += _MARKS[letter] or keys[-1]
        else:
            keys += "dd" if letter == "đ" else letter
    return keys + tone


def shown(keys: str) -> str:
    """What an input method makes of the keys; a tone without a vowel stays a letter."""
    marks = {v: k for k, v in _TONES.items()}
    tone = marks.get(keys[-1], "") if any(letter in "aeiouy" for letter in keys[:-1]) else ""
    bare = keys[:-1] if tone else keys
    for pressed, letter in (("dd", "đ"), ("aa", "â"), ("ee", "ê"), ("oo", "ô"), ("aw", "ă"), ("ow", "ơ"), ("uw", "ư")):
        bare = bare.replace(pressed, letter)
    vowels = [at for at, letter in enumerate(bare) if letter in "aăâeêioôơuưy"]
    if tone and vowels:
        marked = [at for at in vowels if bare[at] in "ăâêôơư"]
        open_end = vowels[-1] == len(bare) - 1 and len(vowels) > 1
        at = marked[-1] if marked else vowels[-2] if open_end else vowels[-1]
        bare = bare[: at + 1] + tone + bare[at + 1 :]
    return unicodedata.normalize("NFC", bare).capitalize()


def mistyped(chance: random.Random, name: str) -> str:
    """The name with one wrong stroke in one of its words."""
    words = name.split()
    place = chance.randrange(len(words))
    keys = telex(words[place])
    at = chance.randrange(len(keys))
    stroke = chance.choice(("missed", "missed", "doubled", "swapped", "beside", "beside"))
    if stroke == "beside":
        row = next((row for row in _ROWS if keys[at] in row), keys[at])
        near = row.index(keys[at]) + chance.choice((-1, 1))
        keys = keys[:at] + row[near % len(row)] + keys[at + 1 :]
    elif stroke == "swapped" and at + 1 < len(keys):
        keys = keys[:at] + keys[at + 1] + keys[at] + keys[at + 2 :]
    elif stroke == "doubled":
        keys = keys[:at] + keys[at] + keys[at:]
    elif len(keys) > 1:
        keys = keys[:at] + keys[at + 1 :]
    words[place] = shown(keys)
    return " ".join(words)


def unaccented(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _name(chance: random.Random, surname: str, sex: str) -> str:
    given = (MEN if sex == "male" else WOMEN).split()
    # The first names of the lists are given most often, as names are.
    return f"{surname} {chance.choice(MIDDLE[sex])} {given[int(len(given) * chance.random() ** 1.4)]}"


def _surname(chance: random.Random) -> str:
    return chance.choices(list(SURNAMES), list(SURNAMES.values()))[0]


def _house(chance: random.Random, number: int) -> list[LinkPerson]:
    """A couple, children who bear the father's name, a grandparent; now and then twins, or somebody known by year."""
    phone = f"09{chance.randrange(10**8):08d}" if chance.random() < 0.8 else ""
    hamlet, surname, middle = str(number % 12), _surname(chance), _surname(chance)
    members: list[tuple[str, str, date]] = []
    day = date(2022, 9, 1) - timedelta(days=int(365.25 * chance.uniform(24, 66)))
    members.append((_name(chance, surname, "male"), "male", day))
    spouse = day + timedelta(days=chance.randrange(-1500, 2500))
    members.append((_name(chance, middle, "female"), "female", spouse))
    born = spouse + timedelta(days=chance.randrange(7300, 10500))
    for _ in range(chance.choice((0, 1, 2, 2, 3))):
        if born < date(2022, 8, 1):
            sex = chance.choice(("male", "female"))
            members.append((_name(chance, surname, sex), sex, born))
            if chance.random() < 0.012:
                members.append((_name(chance, surname, sex), sex, born))
        born += timedelta(days=chance.randrange(400, 2200))
    if chance.random() < 0.3:
        old = day - timedelta(days=chance.randrange(7000, 11000))
        members.append((_name(chance, surname, "male"), "male", old))
    people = []
    for name, sex, when in dict.fromkeys(members):
        year_only = when.year < 1962 and chance.random() < 0.3
        precision, told = ("year", date(when.year, 1, 1)) if year_only else ("day", when)
        people.append(LinkPerson("", name, told, precision, sex, phone, "17000", hamlet))
    return people


def _again(chance: random.Random, one: LinkPerson, kind: str) -> LinkPerson:
    name, born, precision = one.name, one.born_on, one.precision
    assert born is not None
    if "accents" in kind:
        name = unaccented(name)
    if kind == "words swapped":
        words = name.split()
        name = " ".join(chance.choice(([words[-1], *words[:-1]], [words[0], words[-1], *words[1:-1]])))
    if kind == "mistyped":
        name = mistyped(chance, name)
    if "year" in kind:
        born, precision = date(born.year, 1, 1), "year"
    return replace(one, name=name, born_on=born, precision=precision)


def census(seed: int, households: int = 1200, share: float = 0.012) -> Census:
    """A commune; ``share`` of its people were entered once more in another house, half of them of the same hamlet, with
    that house's telephone, and as many houses were entered twice as a whole as make up as many people again."""
    chance = random.Random(seed)
    found = [(f"h{number}", _house(chance, number)) for number in range(households)]
    extra: list[tuple[str, LinkPerson, LinkPerson, str]] = []
    kinds, weights = list(KINDS), list(KINDS.values())
    for house, members in found:
        for one in members:
            if chance.random() < share:
                kind = chance.choices(kinds, weights)[0]
                target, theirs = chance.choice(found)
                hamlet = one.hamlet if chance.random() < 0.5 else theirs[0].hamlet
                twin = replace(_again(chance, one, kind), phone=theirs[0].phone, hamlet=hamlet)
                if target != house:
                    extra.append((target, one, twin, kind))
        if chance.random() < share:
            kind = chance.choices(kinds, weights)[0]
            extra += [(f"{house} again", one, _again(chance, one, kind), kind) for one in members]
    rows = [(house, one, 0, "") for house, members in found for one in members]
    places = {id(one): at for at, (_, one, _, _) in enumerate(rows)}
    rows += [(house, twin, places[id(one)], kind) for house, one, twin, kind in extra]
    first = len(places)
    # Whoever was entered again twice is one person in three pairs.
    true = {(row[2], at): row[3] for at, row in enumerate(rows) if at >= first}
    copies: dict[int, list[int]] = {}
    for of, at in list(true):
        true |= {(other, at): true[of, at] for other in copies.get(of, [])}
        copies.setdefault(of, []).append(at)
    entries = [replace(row[1], key=str(at)) for at, row in enumerate(rows)]
    return Census(entries, [row[0] for row in rows], true)


def with_doses(made: Census, seed: int) -> Census:
    """The same people with the doses they tell: sessions of their hamlet, of which some went to none or another.

    Of those entered twice one entry in six tells another day of a dose, and one in eight no dose at all.
    """
    chance = random.Random(f"doses {seed}")
    sessions = {
        (hamlet, code): [(first + timedelta(days=chance.randrange(60))).isoformat() for _ in range(3)]
        for hamlet in sorted({one.hamlet for one in made.entries})
        for code, first in (("1", date(2021, 8, 1)), ("2", date(2021, 10, 15)))
    }
    doses: list[frozenset[tuple[str, str]]] = []
    for one in made.entries:
        codes = chance.choices(((), ("1",), ("1", "2")), (15, 15, 70))[0]
        doses.append(frozenset((code, chance.choice(sessions[one.hamlet, code])) for code in codes))
    for one, other in sorted(made.true):
        told = dict(doses[one])
        if told and chance.random() < 1 / 6:
            code = chance.choice(sorted(told))
            told[code] = (date.fromisoformat(told[code]) + timedelta(days=chance.randrange(1, 9))).isoformat()
        doses[other] = frozenset(told.items()) if chance.random() > 1 / 8 else frozenset()
    entries = [replace(one, doses=told) for one, told in zip(made.entries, doses, strict=True)]
    return Census(entries, made.houses, made.true)
