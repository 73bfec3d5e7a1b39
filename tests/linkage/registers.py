"""Two invented registers of the same people, the second written as registers write: with a seed, and who is who."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from unicodedata import normalize

from mapper.domain.places import fold
from mapper.linkage.rarity import LinkPerson

SURNAMES = {"Nguyễn": 31, "Trần": 11, "Lê": 10, "Phạm": 7, "Hoàng": 5, "Phan": 4, "Vũ": 4, "Đặng": 2, "Bùi": 2, "Đỗ": 2}
SURNAMES |= {"Lò": 5, "Giàng": 3, "Vàng": 3, "Quàng": 3, "Cà": 2, "Tòng": 2, "Sùng": 2, "Thào": 2}
MIDDLE = {
    "male": {"Văn": 50, "Đức": 8, "Minh": 8, "Quang": 6, "Hữu": 5, "A": 12, "Xuân": 5},
    "female": {"Thị": 65, "Ngọc": 8, "Thu": 6, "Thanh": 5, "Minh": 4, "Kim": 4},
}
GIVEN = {
    "male": "Hùng Hưng Dũng Nam Sơn Tuấn Hoà Thắng Long Lâm Quân Cường Hải Đức Thành Toàn Tú Khánh Bình Phúc Duy Huy "
    "Tài Chung Chính Páo Sử Dế Pó Lềnh Vừ Thuỷ Việt Khoa Đạt Trung Kiên Mạnh Hiếu Nghĩa".split(),
    "female": "Hoa Hoà Hương Lan Mai Hồng Thuỷ Nga Linh Trang Phương Thảo Huyền Ngân Yến Oanh Dung Hạnh Hà Thuý Nhung "
    "Ánh Tuyết Vân My Dở Mỷ Chư Sáo Pàng Quyên Châu Diệp Giang Khuê Loan Nhàn Sen Xuân Dịu".split(),
}


@dataclass(frozen=True, slots=True)
class Registers:
    """Theirs, ours, and the places of the pairs that are one person: of theirs to that of ours."""

    theirs: list[LinkPerson]
    ours: list[LinkPerson]
    true: dict[int, int]


def drawn(chance: random.Random, shares: dict[str, int]) -> str:
    return chance.choices(list(shares), list(shares.values()))[0]


def people(chance: random.Random, number: int, communes: int, hamlets: int = 10) -> list[LinkPerson]:
    """People house by house, who share surname and phone; one house in sixty with twins."""
    made: list[LinkPerson] = []
    while len(made) < number:
        surname, phone = drawn(chance, SURNAMES), f"09{chance.randrange(10**8):08d}"
        commune, hamlet = f"{chance.randrange(communes):05d}", str(chance.randrange(hamlets))
        own = chance.random() < 0.85
        for place in range(chance.randint(1, 6)):
            sex = chance.choice(("male", "female"))
            family = surname if place == 0 or chance.random() < 0.7 else drawn(chance, SURNAMES)
            name = f"{family} {drawn(chance, MIDDLE[sex])} {chance.choice(GIVEN[sex])}"
            born = date(2022, 1, 1) - timedelta(days=chance.randrange(5 * 365, 85 * 365))
            made.append(LinkPerson("", name, born, "day", sex, phone if own else "", commune, hamlet))
        if chance.random() < 1 / 60:
            one = made[-1]
            first, middle, given = one.name.split()
            other = chance.choice([each for each in GIVEN[one.sex] if each != given])
            made.append(replace(one, name=f"{first} {middle} {other}"))
    return [replace(one, key=str(place)) for place, one in enumerate(made[:number])]


def written(chance: random.Random, one: LinkPerson, communes: int) -> LinkPerson:
    """A person as another register has them."""
    name, born, precision = one.name, one.born_on, one.precision
    assert born is not None
    if chance.random() < 0.25:
        name = fold(name).title() if chance.random() < 0.5 else fold(name).upper()
    elif chance.random() < 0.4:
        name = name.replace("oà", "òa").replace("uỷ", "ủy").replace("uý", "úy")
        name = normalize("NFD", name) if chance.random() < 0.3 else name.upper()
    if chance.random() < 0.06:
        name = mistyped(chance, name)
    if chance.random() < 0.05:
        each = name.split()
        name = " ".join([each[-1], *each[:-1]])
    if chance.random() < 0.02:
        each = name.split()
        name = f"{each[0]} {each[-1]}"
    way = chance.random()
    if way < 0.15:
        born, precision = date(born.year, 1, 1), chance.choice(("year", "day"))
    elif way < 0.19 and born.day <= 12:
        born = date(born.year, born.day, born.month)
    elif way < 0.22:
        born = born + timedelta(days=chance.choice((-10, -1, 1, 10)))
    phone = one.phone if chance.random() < 0.7 else "" if chance.random() < 0.6 else f"03{chance.randrange(10**8):08d}"
    moved = chance.random() < 0.03
    return replace(
        one,
        name=name,
        born_on=born,
        precision=precision,
        phone=phone,
        sex=one.sex if chance.random() > 0.01 else {"male": "female", "female": "male"}[one.sex],
        commune=f"{chance.randrange(communes):05d}" if moved else one.commune,
        hamlet="" if moved or chance.random() < 0.5 else one.hamlet,
    )


def mistyped(chance: random.Random, name: str) -> str:
    """One letter left out, doubled or put before its neighbour."""
    at = chance.choice([place for place, letter in enumerate(name[:-1]) if letter.isalpha() and name[place + 1] != " "])
    return chance.choice(
        (
            name[:at] + name[at + 1 :],
            name[:at] + name[at] + name[at:],
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        )
    )


def registers(seed: int, number: int, communes: int, shared: float = 0.85) -> Registers:
    """Two registers of about ``number`` people each; ``shared`` of them stand in both, the others in one."""
    chance = random.Random(seed)
    everybody = people(chance, round(number * (2 - shared)), communes)
    chance.shuffle(everybody)
    both = round(number * shared)
    only = (len(everybody) - both) // 2
    ours = everybody[: both + only]
    theirs = [(place, written(chance, one, communes)) for place, one in enumerate(everybody[:both])]
    theirs += [(-1, written(chance, one, communes)) for one in everybody[both + only :]]
    chance.shuffle(theirs)
    return Registers(
        [one for _, one in theirs], ours, {at: place for at, (place, _) in enumerate(theirs) if place >= 0}
    )
