"""Pairs of the national register and the census: who may see them, and what a supervisor says of them."""

from __future__ import annotations

from datetime import UTC, datetime

from mapper.errors import Forbidden, InvalidInput, NotFound, mark
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.listed import leaves_in_areas
from mapper.services.national_register import may_import
from mapper.services.questions import default_set
from mapper.services.reference import Reference
from mapper.services.register_comparison import their_key
from mapper.services.register_entries import CensusPerson, Compared, Difference, Entry, Kind
from mapper.store import national_register as kept
from mapper.store.national_register import KeptRow


def own_units(reference: Reference, user: User, set_id: str) -> set[str] | None:
    """Communes of a set whose people a user may see, None for all."""
    if not user.areas:
        return None
    with reference.database.read() as connection:
        known = reference.known(connection)
        return leaves_in_areas(known, default_set(known, set_id), user)


def visible(compared: Compared, own: set[str] | None) -> list[Entry]:
    """The entries of which either side lies in some communes; of a side that does not, nothing but the commune."""
    if own is None:
        return list(compared.entries)
    found = []
    for entry in compared.entries:
        there, here = entry.their_unit in own, entry.our_unit in own
        if (there and (here or entry.ours is None)) or (here and entry.theirs is None):
            found.append(entry)
        elif there and entry.ours is not None:
            hidden = CensusPerson("", "", "", "", None, "", "", "", entry.our_unit, "", ())
            found.append(Entry(Kind.DIFFERENT, entry.theirs, hidden, differences=_moved(entry)))
        elif here and entry.theirs is not None:
            row = KeptRow(0, "", "", None, "", "", "", "", "", "", "", entry.theirs.unit_code, ())
            found.append(Entry(Kind.DIFFERENT, row, entry.ours, differences=_moved(entry)))
    return found


def _moved(entry: Entry) -> tuple[Difference, ...]:
    return tuple(one for one in entry.differences if one.field == "commune")


def decide(
    reference: Reference, user: User, compared: Compared, set_id: str, row: int, key: str, same: bool | None
) -> None:
    """Say whether a pair is one person, or with None take back what was said; kept, and in the audit trail."""
    if not may_import(user):
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    entries = visible(compared, own_units(reference, user, set_id))
    theirs = next((each.theirs for each in entries if each.theirs is not None and each.theirs.row == row), None)
    ours = next((each.ours for each in entries if each.ours is not None and each.ours.key == key), None)
    if theirs is None or ours is None or not row or not key:
        raise InvalidInput(mark("This pair is not among those that you may see. Load the page again."))
    with reference.database.write() as connection:
        extract = kept.extract(connection, compared.extract_id)
        if extract is None:
            raise NotFound(mark("There is no such file of the national register here. Look at the list again."))
        at = datetime.now(UTC).isoformat(timespec="seconds")
        kept.decide(connection, extract.campaign_id, their_key(theirs), ours.key, same, user.id, at)
        facts = {
            "number": row,
            "household": ours.household_id,
            "choice": "taken_back" if same is None else "one" if same else "two",
        }
        audit.record(reference, connection, user.id, user.name, "register.decided", str(extract.id), facts)


def version(reference: Reference, campaign_id: str) -> int:
    """Number of the last decision of a campaign, 0 where there is none."""
    with reference.database.read() as connection:
        return max((each.seq for each in kept.decisions(connection, campaign_id)), default=0)
