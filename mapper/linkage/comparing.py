"""How much speaks for two entries being one person: weights in bits as of Fellegi and Sunter, field by field.

The share of true pairs that agree on a field stands here as a judgement; the share of others that do comes from the
people themselves (``Rarity``), so that Nguyễn says little and Lò Văn Ún much.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rapidfuzz.distance import OSA

from mapper.linkage.rarity import LinkPerson, Rarity, Words, digits, words

YEARS = 6.0
"""Bits that a year of birth is worth: about one person in sixty has it."""

DAY = 13.0
"""Bits that a birth date to the day is worth."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What one field says. field: name, born, sex, phone, national_id, commune or hamlet. level: how it agrees."""

    field: str
    level: str
    weight: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Bits that speak for one person (less than 0: against), and field by field what they are made of."""

    weight: float
    evidence: tuple[Agreement, ...]

    def level(self, field: str) -> str:
        """How a field agrees, "" where one side does not tell it."""
        return next((one.level for one in self.evidence if one.field == field), "")


def compare(one: LinkPerson, other: LinkPerson, rarity: Rarity) -> Comparison:
    """Weigh two entries; fields that either does not tell say nothing."""
    return _with_name(one, other, rarity, besides_name(one, other, rarity))


def compare_above(one: LinkPerson, other: LinkPerson, rarity: Rarity, least: float) -> Comparison | None:
    """The same, or None where even the same name would not bring the pair to ``least`` bits: most pairs end so."""
    besides = besides_name(one, other, rarity)
    best = max(rarity.name(words(each.name).bare) for each in (one, other))
    if sum(each.weight for each in besides) + max(best, 0.0) < least:
        return None
    return _with_name(one, other, rarity, besides)


def _with_name(one: LinkPerson, other: LinkPerson, rarity: Rarity, besides: list[Agreement]) -> Comparison:
    found = (_name(words(one.name), words(other.name), rarity), *besides)
    return Comparison(sum(each.weight for each in found), found)


def besides_name(one: LinkPerson, other: LinkPerson, rarity: Rarity) -> list[Agreement]:
    """What all fields but the name say; those that either does not tell are left out."""
    found: list[Agreement] = []
    if one.born_on is not None and other.born_on is not None:
        found.append(_born(one.born_on, one.precision, other.born_on, other.precision))
    if one.sex and other.sex:
        same = one.sex == other.sex
        found.append(Agreement("sex", "same" if same else "different", 0.95 if same else -4.5))
    if (mine := digits(one.phone)) and (theirs := digits(other.phone)):
        found.append(_phone(mine, theirs))
    if (mine := digits(one.national_id)) and (theirs := digits(other.national_id)):
        found.append(_national_id(mine, theirs))
    return found + _places(one, other, rarity)


def _name(one: Words, other: Words, rarity: Rarity) -> Agreement:
    if not one.bare or not other.bare:
        return Agreement("name", "untold", 0.0)
    whole = rarity.name(one.bare)
    if one.toned == other.toned:
        return Agreement("name", "same", whole)
    if one.bare == other.bare:
        if one.unmarked or other.unmarked:
            return Agreement("name", "without_accents", whole - 0.6)
        return Agreement("name", "other_accents", whole - _other_tones(one, other))
    if sorted(one.bare) == sorted(other.bare):
        tones = 0.0 if sorted(one.toned) == sorted(other.toned) or one.unmarked or other.unmarked else 3.0
        return Agreement("name", "other_order", whole - 1.5 - tones)
    if "".join(one.bare) == "".join(other.bare):
        return Agreement("name", "joined", whole - 1.5)
    return _word_by_word(one.bare, other.bare, rarity)


def _other_tones(one: Words, other: Words) -> float:
    """Against, where both write accents and these differ: Hùng is not Hưng, though somebody may have mistyped it."""
    differ = [a != b for a, b in zip(one.toned, other.toned, strict=True)]
    return 2.5 * sum(differ) + (2.0 if differ[-1] else 0.0)


def _word_by_word(one: tuple[str, ...], other: tuple[str, ...], rarity: Rarity) -> Agreement:
    """Names of which some words agree; a given name, the last word, that differs speaks most against."""
    left, right = list(one), list(other)
    bits = 0.0
    for word in one:
        if word in right:
            left.remove(word)
            right.remove(word)
            bits += rarity.word(word)
    typed = False
    for word in tuple(left):
        near = min(right, key=lambda each: OSA.distance(word, each), default=None)
        if near is not None and _mistyped(word, near):
            left.remove(word)
            right.remove(near)
            bits += 0.6 * rarity.word(word) - 2.0
            typed = True
    given = one[-1] in left or other[-1] in right
    if left and right:
        pairs = min(len(left), len(right))
        bits -= 4.0 * pairs + (8.0 if given else 0.0) + (1.5 if one[0] in left and other[0] in right else 0.0)
    bits -= 2.0 * abs(len(left) - len(right)) + (2.0 if given and not (left and right) else 0.0)
    level = ("mistyped" if typed else "part") if not (left and right) else "different"
    if level != "different" and (left or right):
        level = "part"
    most = min(rarity.name(one), rarity.name(other)) - 1.0
    return Agreement("name", level, max(min(bits, most), -12.0))


def _mistyped(one: str, other: str) -> bool:
    longest = max(len(one), len(other))
    distance = OSA.distance(one, other, score_cutoff=2)
    # Of two letters a wrong one makes another name (Lê, Lý); one left out does not.
    long_enough = longest >= 3 or len(one) != len(other)
    return (distance <= 1 and long_enough) or (distance == 2 and longest >= 6)


def _born(one: date, precision: str, other: date, others: str) -> Agreement:
    if precision == "day" and others == "day":
        return _days(one, other)
    apart = abs(one.year - other.year)
    if apart == 0:
        if "year" not in (precision, others):
            same = one.month == other.month
            return Agreement("born", "month" if same else "year", 9.0 if same else 2.0)
        return Agreement("born", "year", YEARS - 0.2)
    if apart == 1:
        return Agreement("born", "year_beside", -0.5)
    return Agreement("born", "different", -5.0)


def _days(one: date, other: date) -> Agreement:
    if one == other:
        # The first of January stands for a birth date that nobody knew.
        first = (one.month, one.day) == (1, 1)
        return Agreement("born", "year" if first else "same", YEARS if first else DAY)
    if one.year == other.year:
        if (one.month, one.day) == (other.day, other.month):
            return Agreement("born", "swapped", DAY - 3.0)
        if (1, 1) in ((one.month, one.day), (other.month, other.day)):
            return Agreement("born", "year", YEARS - 1.5)
        part = one.month == other.month or one.day == other.day
        return Agreement("born", "part" if part else "year_only", 3.5 if part else -1.0)
    if (one.month, one.day) == (other.month, other.day):
        a, b = str(one.year), str(other.year)
        slip = abs(one.year - other.year) == 1 or OSA.distance(a, b) == 1
        return Agreement("born", "part", 4.0 if slip else 0.5)
    return Agreement("born", "different", -6.0)


def _phone(one: str, other: str) -> Agreement:
    if one == other:
        # A household shares its phone: it says where somebody lives more than who it is.
        return Agreement("phone", "same", 4.5)
    near = len(one) == len(other) and OSA.distance(one, other) == 1
    return Agreement("phone", "mistyped" if near else "different", 3.0 if near else -0.7)


def _national_id(one: str, other: str) -> Agreement:
    if one == other:
        return Agreement("national_id", "same", 18.0)
    near = len(one) == len(other) and OSA.distance(one, other) == 1
    return Agreement("national_id", "mistyped" if near else "different", 8.0 if near else -7.0)


def _places(one: LinkPerson, other: LinkPerson, rarity: Rarity) -> list[Agreement]:
    if not (one.commune and other.commune):
        return []
    if one.commune != other.commune:
        return [Agreement("commune", "different", -3.5)]
    found = [Agreement("commune", "same", rarity.commune(one.commune))]
    if one.hamlet and other.hamlet:
        same = one.hamlet == other.hamlet
        found.append(
            Agreement(
                "hamlet",
                "same" if same else "different",
                min(rarity.hamlet(one.commune, one.hamlet), 4.0) if same else -2.0,
            )
        )
    return found
