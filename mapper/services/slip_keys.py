"""The keys that slips are signed with: made at first use, replaced at will, taken back where one became known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

from mapper.errors import NotFound, mark
from mapper.formats import slip_code
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.intake import now, today
from mapper.services.reference import Reference
from mapper.store import reference as kept
from mapper.store.database import Connection

_KEYS = "slip_keys"


@dataclass(frozen=True, slots=True)
class SlipKey:
    """A key as anybody may know it. public: 32 bytes; withdrawn_at: ISO time from which what it signed is refused."""

    id: str
    public: bytes
    made_on: date
    withdrawn_at: str | None


def _read(reference: Reference, connection: Connection) -> list[dict[str, str | None]]:
    found = json.loads(kept.fact(connection, _KEYS) or "[]")
    return list(found)


def _new() -> dict[str, str | None]:
    return {"secret": slip_code.new_key().hex(), "made_on": today().isoformat(), "withdrawn_at": None}


def _shown(key: dict[str, str | None]) -> SlipKey:
    public = slip_code.public_key(bytes.fromhex(key["secret"] or ""))
    return SlipKey(slip_code.key_id(public), public, date.fromisoformat(key["made_on"] or ""), key.get("withdrawn_at"))


def keys(reference: Reference, connection: Connection) -> list[SlipKey]:
    """All keys there ever were, the newest last."""
    return [_shown(key) for key in _read(reference, connection)]


def signing_key(reference: Reference, connection: Connection) -> bytes:
    """The private key that signs now, for whoever writes to the database; made where there is none that holds."""
    found = json.loads(kept.keep_fact(reference.database, connection, _KEYS, json.dumps([_new()])))
    if found[-1]["withdrawn_at"] is not None:
        found.append(_new())
        kept.set_fact(reference.database, connection, _KEYS, json.dumps(found))
    return bytes.fromhex(found[-1]["secret"])


def replace_key(reference: Reference, user: User) -> str:
    """Sign with a new key from now on; what older keys signed stays good. The new key's id."""
    with reference.database.write() as connection:
        reference.database.lock(connection, _KEYS)
        found = [*_read(reference, connection), _new()]
        kept.set_fact(reference.database, connection, _KEYS, json.dumps(found))
        made = _shown(found[-1]).id
        audit.record(reference, connection, user.id, user.name, "slip.key_made", made)
    return made


def withdraw_key(reference: Reference, user: User, key_id: str) -> None:
    """Refuse from now on whatever a key signed, and sign with another. Raises NotFound where there is no such key."""
    with reference.database.write() as connection:
        reference.database.lock(connection, _KEYS)
        found = _read(reference, connection)
        taken = next((key for key in found if _shown(key).id == key_id and not key["withdrawn_at"]), None)
        if taken is None:
            raise NotFound(mark("There is no such key, or it was withdrawn before. Choose one of the list."))
        taken["withdrawn_at"] = now().isoformat(timespec="seconds")
        if all(key["withdrawn_at"] for key in found[-1:]):
            found.append(_new())
        kept.set_fact(reference.database, connection, _KEYS, json.dumps(found))
        audit.record(reference, connection, user.id, user.name, "slip.key_withdrawn", key_id)
