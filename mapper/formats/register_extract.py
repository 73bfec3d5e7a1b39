"""An extract of the national immunisation register: which column holds what, and each person it tells of.

Columns are guessed from their names and may be said; a file is understood as a whole, or refused with row and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from heapq import merge

from mapper.domain.campaign import Campaign
from mapper.domain.people import Dose
from mapper.domain.places import fold
from mapper.errors import mark
from mapper.formats.cells import harmless
from mapper.formats.register_dates import Order, OrderSeen, Told, read_told, says_given
from mapper.formats.register_table import Raw, RegisterTable, column_letter
from mapper.formats.spool import Spool

ROLES: Mapping[str, str] = {
    "name": mark("full name"),
    "born": mark("birth date"),
    "year": mark("year of birth"),
    "sex": mark("sex"),
    "code": mark("number in the register"),
    "national_id": mark("identity number"),
    "phone": mark("phone"),
    "commune_code": mark("code of the commune"),
    "commune": mark("name of the commune"),
    "hamlet": mark("hamlet"),
    "dose": mark("which dose (one row a dose)"),
    "given": mark("day of the dose (one row a dose)"),
    "vaccine": mark("vaccine (one row a dose)"),
    "lot": mark("lot (one row a dose)"),
}
"""What a column may hold, in words; and of each dose of the campaign "on:CODE", "vaccine:CODE" and "lot:CODE"."""

DOSE_PARTS: Mapping[str, str] = {"on": mark("day"), "vaccine": mark("vaccine"), "lot": mark("lot")}

_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("commune_code", ("ma xa", "ma phuong", "ma xa phuong", "ma dvhc", "ma don vi hanh chinh", "commune code")),
    (
        "national_id",
        ("cccd", "cmnd", "cmt", "so cccd", "cmnd cccd", "so dinh danh", "can cuoc", "identity", "national id"),
    ),
    ("code", ("ma doi tuong", "ma so tiem chung", "ma tiem chung", "ma dinh danh tiem chung", "ma", "code", "id")),
    ("name", ("ho va ten", "ho ten", "hoten", "ten doi tuong", "full name", "name")),
    ("year", ("nam sinh", "year of birth", "birth year")),
    ("born", ("ngay sinh", "ngay thang nam sinh", "sinh ngay", "birth date", "date of birth", "dob")),
    ("sex", ("gioi tinh", "gioi", "sex", "gender")),
    ("phone", ("dien thoai", "so dien thoai", "sdt", "dt", "phone", "mobile")),
    ("hamlet", ("thon", "ban", "thon ban", "xom", "ap", "khu pho", "to dan pho", "to", "hamlet", "village")),
    ("commune", ("xa", "phuong", "xa phuong", "phuong xa", "xa phuong thi tran", "ten xa", "commune")),
    ("dose", ("mui", "mui so", "mui thu", "mui tiem", "thu tu mui", "lieu", "dose", "dose number")),
    ("given", ("ngay tiem", "ngay tiem chung", "date given", "vaccination date")),
    ("vaccine", ("vac xin", "ten vac xin", "vacxin", "loai vac xin", "vaccine")),
    ("lot", ("so lo", "lo vac xin", "lo", "lot", "batch")),
)
_NUMBERS = ("code", "national_id", "phone", "commune_code")
_TEXTS = ("name", *_NUMBERS, "commune", "hamlet")
"""Where any text may stand; days, sexes and doses are looked at by themselves."""

_ERROR = re.compile(
    r"#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A|GETTING_DATA|SPILL!|CALC!|FIELD!|BLOCKED!|UNKNOWN!|CONNECT!|BUSY!)"
    r"|Err:\d{3}"
)
_SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
"""So stands a long number in a CSV that a spreadsheet wrote; its last digits are lost."""

_LONGEST = 200
_MOST_FAULTS = 200
_PARTS = 16
_SUM = re.compile(r"(tổng cộng|tổng số|tong cong|tong so|cộng|total|người lập|nguoi lap|ghi chú)\b")
"""How a row begins that names nobody, below a table."""
Mapped = Mapping[str, int]
"""Place of the column that holds it, by role."""


@dataclass(frozen=True, slots=True)
class RegisterFault:
    """What is wrong, and its cure: a sentence that goes on behind row and column. row 0: of the whole column."""

    row: int
    column: str
    message: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A person as an extract tells them. row: as the spreadsheet counts. sex: "male", "female" or ""."""

    row: int
    code: str
    name: str
    born_on: date | None
    precision: str
    sex: str
    phone: str
    national_id: str
    commune_code: str
    commune: str
    hamlet: str
    doses: tuple[Dose, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading came to. asked: columns whose order of day and month somebody must say; with faults no row counts.

    skipped: rows that name nobody, as sums and signatures below a table. more_faults: beyond those that are told.
    """

    rows: Sequence[RegisterRow]
    faults: tuple[RegisterFault, ...]
    asked: tuple[int, ...]
    skipped: int
    more_faults: int = 0


def layout_key(header: Sequence[str]) -> str:
    """What tables of one layout have in common: the names of their columns in their order."""
    return sha256("\x1f".join(_folded(each) for each in header).encode()).hexdigest()


def roles(campaign: Campaign) -> dict[str, str]:
    """Every role with its words; those of doses are "on:CODE" and so on, their words the label and the part."""
    doses = {f"{part}:{code}": code for code in campaign.doses for part in DOSE_PARTS}
    return {**ROLES, **doses}


def known_name(campaign: Campaign, name: str) -> bool:
    """Whether a column's name is one that is understood."""
    return _role(campaign, name) is not None


def guess(campaign: Campaign, table: RegisterTable) -> dict[str, int]:
    """Which column holds what, by their names; of two columns that hold the same nothing is guessed if they differ."""
    found: dict[str, int] = {}
    again: list[tuple[str, int]] = []
    for place, name in enumerate(table.header):
        role = _role(campaign, name)
        if role is not None and found.setdefault(role, place) != place:
            again.append((role, place))
    rows = table.rows if again else ()
    doubtful = {role for _, row in rows for role, place in again if row[place] != row[found[role]]}
    return {role: place for role, place in found.items() if role not in doubtful}


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", fold(name)).strip()


def _role(campaign: Campaign, name: str) -> str | None:
    folded = _folded(name)
    code = dose_code(campaign, folded)
    if code is not None and code != folded:
        if re.search(r"\b(ngay|date|on)\b", folded):
            return f"on:{code}"
        if re.search(r"\b(vac ?xin|vaccine)\b", folded):
            return f"vaccine:{code}"
        if re.search(r"\b(lo|lot)\b", folded):
            return f"lot:{code}"
    for exactly in (True, False):
        for role, names in _NAMES:
            for each in names:
                if folded == each or (not exactly and len(each) > 3 and folded.startswith(f"{each} ")):
                    return role
    return None


def dose_code(campaign: Campaign, told: str) -> str | None:
    """The dose of the campaign that words name, the longest name first: "Mũi nhắc lại lần 1", "mũi 3", "2"."""
    folded = f" {_folded(told)} "
    names = [
        (_folded(part), code)
        for code, label in campaign.doses.items()
        for words in (label.vi, label.en)
        for part in re.split(r"[()]", words)
        if _folded(part)
    ]
    names += [(f"mui {code}", code) for code in campaign.doses if code.isdecimal()]
    taken = {name: code for name, code in sorted(names, key=lambda each: len(each[0])) if " " in name}
    for name in sorted(taken, key=len, reverse=True):
        if f" {name} " in folded:
            return taken[name]
    return folded.strip() if folded.strip() in campaign.doses else None


def read_extract(
    campaign: Campaign,
    table: RegisterTable,
    mapped: Mapped,
    orders: Mapping[int, Order],
    today: date,
    words: Mapping[str, Mapping[str, str]] | None = None,
) -> Reading:
    """Understand every row, or say what keeps it from that.

    orders: of day and month, by column, as somebody said. words: codes to the register's own words for "sex", "dose"
    and "vaccine", understood beside the usual ones.
    """
    reader = _Reader(campaign, table, mapped, today, words or {})
    reader.settle_orders(orders)
    if reader.asked or reader.faults:
        return Reading((), tuple(reader.faults), tuple(reader.asked), 0)
    rows: Spool[RegisterRow] = Spool()
    for number, cells in table.rows:
        made = reader.row(number, cells)
        if made is not None and not reader.faults:
            rows.add(made)
    if reader.faults:
        return Reading((), tuple(reader.faults), (), reader.skipped, reader.more_faults)
    a_dose_a_row = "dose" in mapped or "given" in mapped
    return Reading(_gathered(rows) if a_dose_a_row else rows, (), (), reader.skipped)


class _Reader:
    def __init__(
        self,
        campaign: Campaign,
        table: RegisterTable,
        mapped: Mapped,
        today: date,
        words: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.campaign, self.table, self.mapped, self.today = campaign, table, mapped, today
        self.faults: list[RegisterFault] = []
        self.asked: list[int] = []
        self.skipped = self.more_faults = 0
        self.orders: dict[int, Order] = {}
        self.texts = [role for role in mapped if role in _TEXTS or role.partition(":")[0] in ("vaccine", "lot")]
        self.vaccines = {
            _folded(word): code
            for code, label in campaign.vaccines.items()
            for word in (label.vi, label.en, code)
            if _folded(word)
        }
        self.own = {
            part: {_folded(word): code for code, word in words.get(part, {}).items()}
            for part in ("sex", "dose", "vaccine")
        }

    def column(self, place: int) -> str:
        return f"{column_letter(place)} ({self.table.header[place]})"

    def settle_orders(self, said: Mapping[int, Order]) -> None:
        days = [role for role in self.mapped if role in ("born", "given") or role.startswith("on:")]
        seen = {role: OrderSeen() for role in days}
        for number, cells in self.table.rows if days else ():
            for role, of_role in seen.items():
                of_role.look(number, cells[self.mapped[role]])
        for role in days:
            place = self.mapped[role]
            order, against = seen[role].told()
            if against is not None:
                message = mark(
                    "rows {one} and {other} contradict each other: in one the day stands first, in the other "
                    "the month. Correct one of them."
                )
                self.faults.append(
                    RegisterFault(0, self.column(place), message, {"one": against[0], "other": against[1]})
                )
            elif order is None and place not in said:
                self.asked.append(place)
            self.orders[place] = said.get(place) or order or Order.DAY_FIRST

    def row(self, number: int, cells: Sequence[Raw]) -> RegisterRow | None:
        name = self.text(cells, "name")
        if _SUM.match(name.casefold()) and not any(self.text(cells, role) for role in ("code", "born", "phone")):
            self.skipped += 1
            return None
        if not name:
            if any(self.text(cells, role) for role in ("code", "national_id", "born", "phone")):
                self.fault(number, "name", mark("there is no name. Fill it in, or take the row out."))
            else:
                self.skipped += 1
            return None
        born = self.day(number, cells, "born", years=True)
        if born is None and "year" in self.mapped and self.text(cells, "year"):
            born = self.day(number, cells, "year", years=True)
            born = Told(date(born.on.year, 1, 1), "year") if born is not None else None
        for role in self.texts:
            told = self.text(cells, role)
            if _ERROR.fullmatch(told):
                self.fault(number, role, mark("an error of the spreadsheet stands here. Correct the formula."))
            elif role in _NUMBERS and _SHORTENED.fullmatch(told):
                message = mark("the spreadsheet has shortened the number {told}. Write the column as text.")
                self.fault(number, role, message, told=told[:40])
        return RegisterRow(
            number,
            self.text(cells, "code"),
            name,
            born.on if born else None,
            born.precision if born else "",
            self.sex(number, cells),
            self.phone(cells),
            self.text(cells, "national_id"),
            self.text(cells, "commune_code"),
            self.text(cells, "commune"),
            self.text(cells, "hamlet"),
            tuple(self.doses(number, cells)),
        )

    def doses(self, number: int, cells: Sequence[Raw]) -> Iterable[Dose]:
        for code in self.campaign.doses:
            vaccine, lot = self.text(cells, f"vaccine:{code}"), self.text(cells, f"lot:{code}")
            given = self.day(number, cells, f"on:{code}")
            if given is not None or vaccine or self.says_given(cells, f"on:{code}"):
                yield Dose(code, given.on if given else None, self.vaccine(vaccine), lot or None)
        if "given" in self.mapped or "dose" in self.mapped:
            which, vaccine = self.text(cells, "dose"), self.text(cells, "vaccine")
            given = self.day(number, cells, "given")
            if not which and given is None:
                return
            named = self.dose(which) if which else None
            if named is None:
                message = mark("{told} is no dose of the campaign. Correct it.")
                self.fault(number, "dose", message, told=which or "-")
                return
            lot = self.text(cells, "lot")
            yield Dose(named, given.on if given else None, self.vaccine(vaccine), lot or None)

    def dose(self, told: str) -> str | None:
        own = self.own["dose"].get(_folded(told))
        return own or dose_code(self.campaign, told) or dose_code(self.campaign, f"mũi {told}")

    def says_given(self, cells: Sequence[Raw], role: str) -> bool:
        place = self.mapped.get(role)
        return place is not None and says_given(cells[place])

    def vaccine(self, told: str) -> str | None:
        """The campaign's code of a vaccine, the words themselves where it is none of them."""
        if own := self.own["vaccine"].get(_folded(told)):
            return own
        folded = f" {_folded(told)} "
        for word in sorted(self.vaccines, key=len, reverse=True):
            if f" {word} " in folded:
                return self.vaccines[word]
        first = {word.split()[0]: code for word, code in self.vaccines.items()}
        return next((code for word, code in first.items() if len(word) > 4 and word in folded), told or None)

    def text(self, cells: Sequence[Raw], role: str) -> str:
        place = self.mapped.get(role)
        if place is None:
            return ""
        cell = cells[place]
        told = (cell.isoformat() if isinstance(cell, date) else str(cell))[:_LONGEST]
        # So stands in a file of ours what a spreadsheet would take for a formula.
        return told[1:] if told[:1] == "'" and harmless(told[1:]) == told else told

    def phone(self, cells: Sequence[Raw]) -> str:
        found = self.text(cells, "phone")
        # A spreadsheet takes the zero off a phone that it believes a number.
        return f"0{found}" if re.fullmatch(r"[1-9]\d{8}", found) else found

    def sex(self, number: int, cells: Sequence[Raw]) -> str:
        told = self.text(cells, "sex")
        folded = _folded(told)
        if not folded:
            return ""
        if folded in self.own["sex"]:
            return self.own["sex"][folded]
        if folded in ("nam", "male", "m", "trai", "1"):
            return "male"
        if folded in ("nu", "female", "f", "gai", "0", "2"):
            return "female"
        self.fault(number, "sex", mark("{told} is no sex. Write Nam or Nữ."), told=told[:40])
        return ""

    def day(self, number: int, cells: Sequence[Raw], role: str, years: bool = False) -> Told | None:
        place = self.mapped.get(role)
        if place is None or cells[place] == "" or (not years and says_given(cells[place])):
            return None
        told = read_told(cells[place], self.orders.get(place, Order.DAY_FIRST))
        if told is None or (told.precision != "day" and not years):
            self.fault(number, role, mark("{told} is not a day. Write it as 31/08/2022."), told=str(cells[place])[:40])
            return None
        if not date(1900, 1, 1) <= told.on <= self.today:
            message = mark("the day {told} cannot be right. Correct it.")
            self.fault(number, role, message, told=told.on.isoformat())
            return None
        return told

    def fault(self, number: int, role: str, message: str, **facts: object) -> None:
        if len(self.faults) == _MOST_FAULTS:
            self.more_faults += 1
            return
        place = self.mapped.get(role)
        self.faults.append(RegisterFault(number, self.column(place) if place is not None else "-", message, facts))


def _gathered(rows: Iterable[RegisterRow]) -> Spool[RegisterRow]:
    """One entry a person, where each row tells of one dose: rows of one number, or of one name, birth and phone."""
    # Divided so that all rows of a person come together, and only some of the people are in memory.
    parts: list[Spool[tuple[object, RegisterRow]]] = [Spool() for _ in range(_PARTS)]
    for row in rows:
        key = row.code or (fold(row.name), row.born_on, row.phone, row.commune_code)
        parts[hash(key) % _PARTS].add((key, row))
    people = [Spool(_persons(part)) for part in parts]
    return Spool(merge(*people, key=lambda one: one.row))


def _persons(rows: Iterable[tuple[object, RegisterRow]]) -> Iterable[RegisterRow]:
    found: dict[object, RegisterRow] = {}
    for key, row in rows:
        first = found.get(key)
        found[key] = row if first is None else replace(first, doses=(*first.doses, *row.doses))
    return found.values()
