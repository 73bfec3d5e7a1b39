"""Names of places as people write them: one normal form of all spellings, and what unit words say.

Spellings that are one: Hoà and Hòa, Thuý and Thúy, Sĩ and Sỹ, Qui and Quy, Đắk Lắk and Đăk Lăk, Ia H'Drai and Ia H’
Drai, Bà Rịa - Vũng Tàu and Bà Rịa-Vũng Tàu, P.01 and Phường 1, in any case and Unicode form. A name that lacks marks of
another ("Hoa Binh", "Dak Lak") is like it, and no more; one with other marks ("Hóa Bình") is another name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_TONES = frozenset("\u0300\u0301\u0309\u0303\u0323")
_WORD = re.compile(r"\d+|[^\W\d_][^\W\d_\u0300-\u036f]*(?:[\u0300-\u036f]+[^\W\d_\u0300-\u036f]*)*")
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vii": "7", "viii": "8", "ix": "9"}
"""Those that are no syllable of a name, at its end: Vi, Xi, I, V and X may be one."""

UNIT_WORDS: Mapping[str, tuple[str, ...]] = {
    "xã": ("x",),
    "phường": ("p",),
    "thị trấn": ("tt", "t.t"),
    "đặc khu": ("đk",),
    "huyện": ("h",),
    "quận": ("q",),
    "thị xã": ("tx", "t.x"),
    "thành phố": ("tp", "t.p"),
    "tỉnh": ("t",),
    "thôn": (),
    "bản": (),
    "ấp": (),
    "xóm": (),
    "khóm": (),
    "buôn": (),
    "làng": (),
    "khối phố": (),
    "khối": (),
    "khu phố": ("kp", "k.p"),
    "khu vực": ("kv",),
    "khu": (),
    "tổ dân phố": ("tdp", "t.d.p"),
    "tổ": (),
}
"""What units call themselves, each with how it is shortened, longer ones before those that they begin with."""


def spelled(text: str) -> str:
    """A word or a name in its normal form: NFD, no blanks, each syllable's tone behind it; of one form is one name.

    "Hoà Bình" and "Hòa Bình" give one form, "Hoa Binh" and "Hóa Bình" two others.
    """
    return "".join(_syllables(text))


def unmarked(form: str) -> str:
    """A normal form without any mark: what is left of it on a keyboard that has none."""
    return "".join(c for c in form if not unicodedata.combining(c)).replace("đ", "d")


def lacks_marks(typed: str, name: str) -> bool:
    """Whether one normal form is the other with none, some or all of its marks left out."""
    at = 0
    if not typed:
        return False
    for letter in name:
        if at < len(typed) and (typed[at] == letter or (typed[at] == "d" and letter == "đ")):
            at += 1
        elif not unicodedata.combining(letter):
            return False
    return at == len(typed)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a name: word, of UNIT_WORDS or "" where none is read, and the normal form of what follows it."""

    word: str
    form: str

    @property
    def numbered(self) -> bool:
        """Whether it is a number alone, which is no name without its word."""
        return any(map(str.isdecimal, self.form)) and sum(map(str.isalpha, self.form)) < 2


@lru_cache(maxsize=200_000)
def readings(text: str) -> tuple[Reading, ...]:
    """The ways to read a name, at least one where it has a letter: as a whole first, then with its unit word apart.

    Several stay where a beginning may be either: "quan son" is Quan Sơn, or quận Sơn.
    """
    whole = spelled(text)
    if not whole:
        return ()
    found = [Reading("", whole)]
    plain = unicodedata.normalize("NFC", " ".join(text.split())).casefold().replace("ð", "đ")
    for word, rest in _apart(plain):
        if form := spelled(rest):
            found.append(Reading(word, form))
    return tuple(found)


def words_of(text: str) -> str:
    """A name's syllables without marks between single blanks, for finding the beginnings of words in it."""
    return " ".join(unmarked(syllable) for syllable in _syllables(text))


def respelled(text: str) -> list[str]:
    """What to search for where somebody types a name: its words, and those with a shortened unit word written out."""
    plain = " ".join(unicodedata.normalize("NFC", text).split()).casefold()
    long = [words_of(f"{word} {rest}") for word, rest in _apart(plain)]
    return list(dict.fromkeys(each for each in (words_of(text), *long) if each))


def _apart(plain: str) -> list[tuple[str, str]]:
    """Unit words that may stand at the beginning of a name, each with what follows it."""
    parts = plain.split(" ")
    found: list[tuple[str, str]] = []
    for word, forms in _BEGUN.get(unmarked(spelled(parts[0])), ()):
        told = [spelled(part) for part in parts[: len(forms)]]
        if len(parts) > len(forms) and all(map(lacks_marks, told, forms)):
            found.append((word, " ".join(parts[len(forms) :])))
            if len(forms) > 1 or told == forms:
                # "tổ dân phố 3" is not tổ "dân phố 3".
                return found
    if short := _SHORT.match(plain):
        found.append((_SHORTENED[short[1]], plain[short.end() :]))
    return found


def _syllables(text: str) -> list[str]:
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFC", text).casefold().replace("ð", "đ"))
    parts = _WORD.findall(plain)
    if len(parts) > 1:
        parts[-1] = _ROMAN.get(parts[-1], parts[-1])
    found: list[str] = []
    for part in parts:
        if part.isdecimal():
            number = part.lstrip("0") or "0"
            # "1, 2" is not 12.
            found.append(f".{number}" if found and found[-1][-1:].isdecimal() else number)
        else:
            found.append(_syllable(part))
    return found


def _syllable(written: str) -> str:
    letters = "".join(c for c in written if c not in _TONES)
    tones = "".join(sorted(c for c in written if c in _TONES))
    if letters.endswith("k"):
        # No Vietnamese syllable: names of the highlands are written with and without a tone.
        tones = ""
    vowels = "".join(c for c in letters if c in "aeiouy")
    if letters.endswith("y") and ((vowels == "y" and len(letters) > 1) or letters == "quy"):
        letters = f"{letters[:-1]}i"
    return letters + tones


_SHORTENED = {short: word for word, shorts in UNIT_WORDS.items() for short in shorts}
_SHORTS = "|".join(re.escape(each) for each in sorted(_SHORTENED, key=len, reverse=True))
_SHORT = re.compile(f"({_SHORTS})" + r"(?:\.\s*|\s+|(?=\d))(?=\w)")
_WORDS = {word: [spelled(part) for part in word.split()] for word in UNIT_WORDS}
_BEGUN = {
    start: [(word, forms) for word, forms in _WORDS.items() if unmarked(forms[0]) == start]
    for start in {unmarked(forms[0]) for forms in _WORDS.values()}
}
