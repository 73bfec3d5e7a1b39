"""How many strokes of the keyboard lie between two writings of a name, typed as Telex: Hoà is ``hoaf``."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz.distance import OSA

_TONES = {"\u0301": "s", "\u0300": "f", "\u0309": "r", "\u0303": "x", "\u0323": "j"}
_HAT = "\u0302"
_WITH_W = frozenset("\u0306\u031b")

MOST = 2
"""More strokes than these make another name."""


@lru_cache(maxsize=1 << 16)
def keys(word: str) -> str:
    """The keys pressed for a syllable as ``rarity.words`` writes it, its tone last: đâụ is ``ddaauj``.

    A syllable that no input method took for one is its own letters, as they were left: ``hlwngf``.
    """
    pressed, tone = "", ""
    for letter in word:
        if letter in _TONES:
            tone += _TONES[letter]
        elif letter == _HAT:
            pressed += pressed[-1:]
        elif letter in _WITH_W:
            pressed += "w"
        else:
            pressed += "dd" if letter == "đ" else letter
    # ươ is typed with one w or with two.
    return pressed.replace("uwow", "uow") + tone


def between(one: tuple[str, ...], other: tuple[str, ...]) -> int | None:
    """Strokes missed, added, hit wrongly or in the wrong order; None for names of other words or too far apart.

    Both of syllables as ``rarity.words`` writes them. A word whose keys were left as they were typed, Thanhf for Thành,
    counts as one.
    """
    if len(one) != len(other):
        return None
    strokes = 0
    for mine, theirs in zip(one, other, strict=True):
        if mine != theirs:
            strokes += max(OSA.distance(keys(mine), keys(theirs), score_cutoff=MOST), 1)
            if strokes > MOST:
                return None
    return strokes
