"""A round of second interviews: of every canvasser of an area the same share of houses, drawn at once.

Stratified random sampling: each canvasser is a stratum, houses are drawn from it without replacement, each as likely as
any other; a house that was drawn before is not drawn again.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass

from mapper.domain.roles import Role
from mapper.errors import InvalidInput, TooLarge, mark
from mapper.services import audit, users
from mapper.services.accounts import User
from mapper.services.areas import cells_in
from mapper.services.back_checks import MOST_HOUSES, interviews, new_draw
from mapper.services.integrity import Period, only_overseers
from mapper.services.questions import default_set
from mapper.services.reference import Reference
from mapper.stats.second_interview import draw_shares, ring
from mapper.store import integrity as kept

PERCENTS = (5, 10, 20)
"""Shares of a canvasser's interviews that a round may draw."""

LEAST = 2
"""Houses of a canvasser at least, where there are so many: of a single one nothing can be said."""

MOST_FORMS = 5_000
"""Forms that are read while the reader waits."""

LONGEST_SEED = 40


@dataclass(frozen=True, slots=True)
class Round:
    """What a round drew. numbers: of the draws, one a canvasser; left_out: canvassers of whom all was drawn before."""

    seed: str
    numbers: tuple[int, ...]
    houses: int
    left_out: int


def draw_round(
    reference: Reference, user: User, period: Period, percent: int, in_a_ring: bool, seed: str = ""
) -> Round:
    """Draw a share of the interviews of every canvasser whom a user looks after, as far as the user may see them.

    percent: of PERCENTS. in_a_ring: each goes to the houses of one other, by lot, else nobody yet. seed: "" makes one;
    with the same one, the same interviews and the same draws before, the same houses are drawn. Raises InvalidInput
    where there is nothing to draw from, TooLarge for more than MOST_FORMS forms.
    """
    only_overseers(user)
    seed = seed.strip()
    if percent not in PERCENTS:
        raise InvalidInput(mark("Draw one of these shares: {shares} %."), shares=", ".join(map(str, PERCENTS)))
    if len(seed) > LONGEST_SEED or not seed.isprintable():
        raise InvalidInput(mark("A seed has at most {most} characters on one line."), most=LONGEST_SEED)
    with reference.database.read() as connection:
        known = reference.known(connection)
        campaign = known.campaign(period.campaign_id)
        managed = {one.id for one in users.managed(reference, connection, user, Role.CANVASSER)}
        places = default_set(known, period.set_id, period.last)
        cells = cells_in(reference, connection, known, user, places, period.area)
        asked = (campaign.id, period.first, period.last)
        sent = kept.sent_between(reference.database, connection, *asked, cells, MOST_FORMS + 1)
        if len(sent) > MOST_FORMS:
            raise TooLarge(
                mark("More than {limit} forms came in this period. Choose a smaller area or a shorter period."),
                limit=MOST_FORMS,
            )
        before = kept.drawn_before(connection, campaign.id)
        own = [one for one in sent if one.sender_id in managed]
        frames: dict[int, list[str]] = defaultdict(list)
        everybody = set()
        for one in interviews(reference, connection, known, campaign, own):
            everybody.add(one.sender_id)
            if one.instance_id not in before:
                frames[one.sender_id].append(one.instance_id)
    if not frames:
        raise InvalidInput(
            mark("No interview of this period is left to draw from: all were drawn before, or there was none.")
        )
    seed = seed or secrets.token_hex(8)
    checkers = ring(everybody, seed) if in_a_ring else {}
    drawn = draw_shares(frames, percent / 100, LEAST, MOST_HOUSES, seed)
    numbers = []
    with reference.database.write() as connection:
        for canvasser, stratum in sorted(drawn.items()):
            checker = next((goes for goes, to in checkers.items() if to == canvasser), None)
            made = new_draw(user, period, canvasser, checker, stratum.seed, frames[canvasser])
            numbers.append(kept.add_back_check(connection, made, stratum.drawn))
            facts = {"campaign": campaign.id, "user": canvasser, "houses": len(stratum.drawn), "seed": stratum.seed}
            audit.record(reference, connection, user.id, user.name, "backcheck.drawn", str(numbers[-1]), facts)
    houses = sum(len(stratum.drawn) for stratum in drawn.values())
    return Round(seed, tuple(numbers), houses, len(everybody - set(frames)))
