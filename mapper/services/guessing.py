"""Signing in with a password where somebody may be guessing it: every few failures, a wait that grows.

Failures are counted in the database, for all processes together, in fixed windows of the ``limits`` library:

- of a name, from browsers in which nobody of that name ever signed in. A stranger who guesses makes such browsers wait,
  a quarter of an hour at most, and nobody else: fewer than 100 guesses of an account pass in an hour;
- of a browser in which that name signed in before, which it can tell; so a stranger locks nobody out of their own;
- of a network address, over all names; from there too, browsers that are known go on.

Sources: OWASP ASVS 4.0.3, V2.2.1; OWASP, Slow Down Online Guessing Attacks with Device Cookies. Nothing here touches
phones: their keys are drawn at random from 2^256, and looking one up tells right from wrong at once.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import math
import threading
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from mapper.errors import SignInRequired, TooManyTries, Unavailable, mark
from mapper.services import accounts
from mapper.services.accounts import User
from mapper.services.reference import Reference
from mapper.store.failed_tries import SharedCounts

log = logging.getLogger(__name__)

OF_A_NAME = (RateLimitItemPerMinute(5), RateLimitItemPerMinute(20, 15))
OF_A_BROWSER = (RateLimitItemPerMinute(5), RateLimitItemPerMinute(20, 15))
OF_AN_ADDRESS = (RateLimitItemPerMinute(30), RateLimitItemPerHour(150))

CHECKED_AT_ONCE = 2
"""Passwords that a process checks at a time: each takes 64 MB and a processor, which phones need."""

PATIENCE_S = 10

_Guard = tuple[Sequence[RateLimitItem], str]
_checking = threading.BoundedSemaphore(CHECKED_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Door:
    """Where names and passwords are told. key: of the installation."""

    reference: Reference
    key: str

    def sign_in(self, name: str, password: str, address: str, browser: str = "") -> User:
        """The user of that name and password.

        address: of the network, "" where nobody knows it. browser: id of a browser in which this name signed in
        before, "" for any other. Raises SignInRequired, the same for a wrong name and a wrong password; TooManyTries,
        alike for names that are there and names that are not; Unavailable where too many sign in at once.
        """
        counts = self._counts()
        own, every = self._guards(name, address, browser)
        _let_in(counts, [own, *every])
        if not _checking.acquire(timeout=PATIENCE_S):
            raise Unavailable(mark("Too many people sign in at this moment. Try again in a moment."))
        try:
            _let_in(counts, [own, *every])  # those before it in the queue may have used up the tries
            user = accounts.sign_in(self.reference, name, password)
        except SignInRequired:
            for items, of in [own, *every]:
                for item in items:
                    counts.hit(item, of)
            log.warning("sign-in refused: wrong name or password")
            raise
        finally:
            _checking.release()
        self._clear(own)
        return user

    def forget(self, name: str) -> None:
        """Forget the failures of a name: it has a new password."""
        self._clear(self._guards(name, "", "")[0])

    def name_tag(self, name: str) -> str:
        """What stands for a name where it is not to be read: the same however it is typed."""
        return self._tag("name", unicodedata.normalize("NFC", name).strip())

    def _counts(self) -> FixedWindowRateLimiter:
        return FixedWindowRateLimiter(SharedCounts(self.reference.database))

    def _clear(self, guard: _Guard) -> None:
        counts, (items, of) = self._counts(), guard
        for item in items:
            if counts.storage.get(item.key_for(of)):  # to look costs nothing; to clear is a write
                counts.clear(item, of)

    def _guards(self, name: str, address: str, browser: str) -> tuple[_Guard, list[_Guard]]:
        """What is counted of one try: what the right password clears, and what it does not."""
        if browser:
            return (OF_A_BROWSER, f"{self._tag('browser', browser)}:{self.name_tag(name)}"), []
        network = _network(address)
        return (OF_A_NAME, self.name_tag(name)), [(OF_AN_ADDRESS, self._tag("address", network))] if network else []

    def _tag(self, kind: str, text: str) -> str:
        return hmac.digest(self.key.encode(), f"{kind} {text}".encode(), hashlib.sha256).hex()[:32]


def _let_in(counts: FixedWindowRateLimiter, guards: Sequence[_Guard]) -> None:
    """Raise TooManyTries where one of the guards has no try left."""
    for items, of in guards:
        for item in items:
            if not counts.test(item, of):
                _refuse(counts.get_window_stats(item, of).reset_time - time.time())


def _refuse(wait_s: float) -> None:
    minutes = max(1, math.ceil(wait_s / 60))
    log.warning("sign-in refused: too many failed before, %d min to wait", minutes)
    raise TooManyTries(
        mark("Too many attempts have failed. Wait {minutes} minutes, or ask the administrator for a new password."),
        minutes=minutes,
    )


def _network(address: str) -> str:
    """An address as its owner has it: of IPv6 the 64 bits that one customer is given at least."""
    try:
        told = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(told, ipaddress.IPv6Address):
        if told.ipv4_mapped is not None:
            return str(told.ipv4_mapped)
        return str(ipaddress.ip_network((told, 64), strict=False))
    return str(told)
