"""Which passwords are accepted: long ones, and none that is guessed first. What they are made of is nobody's business.

Source: NIST SP 800-63B, 5.1.1.2, and OWASP ASVS 4.0.3, V2.1. Common passwords are known to zxcvbn (D. Wheeler, USENIX
Security 2016), which also sees dates, rows of keys and repeated words.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from zxcvbn import zxcvbn

from mapper.errors import InvalidInput, mark

SHORTEST = 12
LONGEST = 1000
"""Beyond this nobody types; a password without end would only keep the machine busy."""

LOOKED_AT = 72
"""Characters that zxcvbn reads."""

WEAKEST = 3
"""zxcvbn's score from 0 to 4; 3 takes more than a hundred million guesses."""

MOST_OF_IT = 6
"""Letters and digits of a password that are not its user's name."""

OF_THE_HOUSE = ("tung", "nha", "tungnha", "matkhau", "tiemchung", "vacxin", "vaccine", "tramyte", "yte", "vietnam")
"""What somebody tries first at this product's door, without accents."""


def check(password: str, name: str = "") -> None:
    """Raise InvalidInput for a password that is too short or guessed too soon. name: of its user."""
    if len(password) < SHORTEST:
        raise InvalidInput(mark("A password has at least {number} characters."), number=SHORTEST)
    if len(password) > LONGEST:
        raise InvalidInput(mark("A password has at most {number} characters."), number=LONGEST)
    looked_at = password[:LOOKED_AT]
    known = [*OF_THE_HOUSE, *_words(name)]
    weak = min(zxcvbn(each, known)["score"] for each in {looked_at, _plain(looked_at)}) < WEAKEST
    if weak or len(_beside(name, looked_at)) < MOST_OF_IT:
        raise InvalidInput(
            mark(
                "This password is one of those that are guessed first. Take four words or more that do not belong "
                "together."
            )
        )


def _plain(text: str) -> str:
    """Without accents: a guesser tries both."""
    apart = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in apart if not unicodedata.combining(c))


def _beside(name: str, password: str) -> str:
    """What is left of a password without the words of a name."""
    left = _plain(password).lower()
    for word in sorted(_words(name), key=len, reverse=True):
        left = left.replace(word, "")
    return re.sub(r"[\W_]+", "", left)


def _words(name: str) -> list[str]:
    """A name, its words and its words joined, without accents."""
    words = [word for word in re.split(r"[\W_]+", _plain(name).lower()) if len(word) > 1]
    return [*words, "".join(words), *(a + b for a, b in pairwise(words))]
