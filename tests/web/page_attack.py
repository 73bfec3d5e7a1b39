"""Odd questions to every address, and odd forms sent to it, by an administrator who signed in with a browser.

Names are those that each view looks for, learnt while it is asked; nothing that is sent makes sense for long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlencode

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule

from tests.web.every_role import TYPED, Walker, rules

ODD = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1.5",
        "1e309",
        "nan",
        "inf",
        "7",
        "2147483648",
        "9223372036854775808",
        "9" * 5000,
        "١٢",
        "²",
    ),
    *("0001-01-01", "9999-12-31", "2022-02-30", "2022-08-09T00:00", "2022-08-09", "24:61", "23:59"),
    *("\0", "\ufffe", "\ud800", "\u202e", "😀", "a" * 3000, "x\r\nY: z", "'", "%", "*", "../..", "<b>", "=1+1"),
    *("[[", "{}", "[]", "null", "true", "[[0,0],[1,1],[0,1],[1,0]]", "POLYGON((0 0,1 1,1 0,0 0))"),
    *("1,2,3,4", "180,90,-180,-90", "nan,nan,nan,nan", "22.05,105.05", ":", "a:b:c", "commune:00001", "squares:001"),
    *("mini", "5_plus", "1", "squares", "later", "0000101", "uuid:two", "due", "commune", "hamlet", "csv", "xlsx"),
)
"""What is none of the kinds that are asked for, or only just one; and what is one, for another name."""

NOT_SENT = ("/account", "/sign-", "/users")
"""Forms by which the attacker would lose the right to go on."""

ONE_PART_IN = 8
"""So many questions one of which has something odd in its path."""


class Read(ImmutableMultiDict[str, Any]):
    """The names of an address or a form, noting those that somebody looks at."""

    names: ClassVar[set[str]] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, *more: Any, **named: Any) -> Any:
        """Noted."""
        self.names.add(name)
        return super().get(name, *more, **named)

    def getlist(self, name: str, *more: Any, **named: Any) -> Any:
        """Noted."""
        self.names.add(name)
        return super().getlist(name, *more, **named)


def attack_pages(walker: Walker, number: int, times: int, seen: dict[int, int] | None = None) -> Iterator[str]:
    """Ask so many odd questions, always the same of one number; each fault with what was asked.

    seen: gets how often each status was answered.
    """
    draw = Random(number)
    walker.app.request_class = type("Noting", (walker.app.request_class,), {"parameter_storage_class": Read})
    rows = [
        (row, rule)
        for row, rule in rules(walker.app).items()
        if row.startswith("GET ") or not rule.rule.startswith(NOT_SENT)
    ]
    names: dict[str, set[str]] = defaultdict(set)
    for place in range(len(rows) + times):
        # Everything is asked for once with few of its names, for they are not known yet.
        row, rule = rows[place] if place < len(rows) else draw.choice(rows)
        known = sorted(names[row] - {"csrf_token"})
        odd = {name: draw.choice(ODD) for name in draw.sample(known, min(len(known), draw.randint(1, 3)))}
        Read.names = names[row]
        status = _ask(walker, row, rule, odd, draw)
        if seen is not None:
            seen[status] = seen.get(status, 0) + 1
        if status >= 500 and status not in (501, 503):
            yield f"{row} with { ({name: text[:40] for name, text in odd.items()})!r}: {status}"


def _ask(walker: Walker, row: str, rule: Rule, odd: dict[str, str], draw: Random) -> int:
    method = row.partition(" ")[0]
    parts = {}
    if rule.arguments and draw.randrange(ONE_PART_IN) == 0:
        parts[draw.choice(sorted(rule.arguments))] = quote(draw.choice(ODD)[:200], safe="", errors="surrogatepass")
    path, _, query = walker.address(rule, parts).partition("?")
    asked, typed = dict(parse_qsl(query)), {}
    if method == "GET":
        asked |= odd
    else:
        usual = {name: text.format(**walker.places) for name, text in TYPED.get(rule.endpoint, {}).items()}
        typed = usual | odd
    address = f"{path}?{urlencode(asked, errors='surrogatepass')}"
    body = urlencode(typed, errors="surrogatepass") or None
    form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    return walker.client.open(
        address, method=method, headers={"X-CSRFToken": walker.csrf, **form}, data=body, buffered=True
    ).status_code
