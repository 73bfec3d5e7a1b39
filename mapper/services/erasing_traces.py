"""Where somebody who is erased is named beside submissions and the register, and what is left there."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote_plus

from mapper.domain.places import name_key
from mapper.formats.redaction import holds
from mapper.services.reference import Reference
from mapper.store import erasing, submissions, tables
from mapper.store.database import Connection
from mapper.store.erasing import NOBODY


@dataclass(frozen=True, slots=True)
class Gone:
    """Who goes. whole: households; around: all that hang together with them. ids: of people; words: how they, and
    heads of households that go, were called; born: names with births."""

    campaign_id: str
    whole: tuple[str, ...]
    around: tuple[str, ...]
    ids: frozenset[str]
    words: frozenset[str]
    born: tuple[tuple[str, date | None], ...]


def clear_traces(
    reference: Reference, connection: Connection, gone: Gone, taken: Counter[str], at: str, user_id: int | None
) -> None:
    """Take out, or make nobody's, whatever names them; how much of what is added to ``taken``."""
    database, campaign_id = reference.database, gone.campaign_id
    whole, around, ids = list(gone.whole), list(gone.around), sorted(gone.ids)
    hidden = [name_key(word) for word in gone.words]
    _clear_mendings(reference, connection, gone, hidden, taken)
    erasing.delete_oddities(database, connection, campaign_id, around)
    taken["decided"] += erasing.delete_verdicts(database, connection, campaign_id, whole)
    said = _without_people(gone.ids)
    taken["decided"] += erasing.rewrite(connection, tables.decisions, "said", ["seq"], said)

    def emptied(text: str) -> str:
        return "" if holds(text, hidden) else text

    blank = _in_json(lambda text: emptied(text))
    for table, column, key, change in (
        (tables.remarks, "words", ["seq"], emptied),
        (tables.verdicts, "reason", ["seq"], emptied),
        (tables.integrity_notes, "words", ["id"], emptied),
        (tables.back_check_houses, "told", ["back_check_id", "position"], blank),
        (tables.submissions, "reason", ["seq"], blank),
    ):
        taken["words"] += erasing.rewrite(connection, table, column, key, change)

    def wanted(query: str) -> str | None:
        return None if holds(unquote_plus(query.replace("&", " ").replace("=", " ")), hidden) else query

    taken["filters"] += erasing.rewrite(connection, tables.saved_filters, "query", ["id"], wanted)
    people = None if gone.whole else ids
    taken["slips"] += erasing.forget_slips(database, connection, campaign_id, around, people, at, user_id)
    taken["drawn"] += erasing.leave_lots(database, connection, campaign_id, whole)
    _clear_plans(connection, gone, taken)
    _clear_register(reference, connection, gone, taken)
    named = [word for word in gone.words if " " in word.strip()] + [each for each in ids if "/" not in each]
    if named:
        taken["trials"] += erasing.delete_trials(database, connection, named)


def _clear_mendings(
    reference: Reference, connection: Connection, gone: Gone, hidden: list[str], taken: Counter[str]
) -> None:
    drop = []
    for seq, text in erasing.mendings_of(reference.database, connection, gone.campaign_id, list(gone.around)):
        act = json.loads(text)
        after = _act_without(act, gone, hidden)
        if after is None:
            drop.append(seq)
        elif after != act:
            written = json.dumps(after, ensure_ascii=False)
            erasing.replace_mending(connection, seq, written)
            taken["mended"] += 1
    taken["mended"] += erasing.delete_mendings(connection, drop)


def _act_without(act: list[Any], gone: Gone, hidden: list[str]) -> list[Any] | None:
    """What was mended without those who go, as ``store.mendings`` writes it; None where nothing is left of it."""
    if act[0] == "same_household" and not set(act[1:3]) & set(gone.whole):
        return [*act[:3], [pair for pair in act[3] if not set(pair) & gone.ids]]
    if act[0] == "two_households" and not set(act[1:3]) & set(gone.whole):
        *told, number, head = act
        told[3] = [each for each in told[3] if each not in gone.ids]
        return [*told, number, "" if head and holds(head, hidden) else head]
    words = set(_strings(act))
    if words & set(gone.whole) or words & gone.ids or any(holds(word, hidden) for word in words):
        return None
    return act


def _strings(told: Any) -> list[str]:
    if isinstance(told, str):
        return [told]
    return [text for each in told for text in _strings(each)] if isinstance(told, list) else []


def _without_people(ids: frozenset[str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        said = json.loads(text)
        left = {of: [one for one in told if one[0] not in ids] for of, told in said.items()}
        return text if left == said else json.dumps(left, ensure_ascii=False, sort_keys=True)

    return change


def _in_json(change: Callable[[str], str]) -> Callable[[str], str]:
    """The same change of every text in a JSON text, which stays as it is where nothing changes."""

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return change(value)
        if isinstance(value, list):
            return [walk(each) for each in value]
        return {name: walk(each) for name, each in value.items()} if isinstance(value, dict) else value

    def changed(text: str) -> str:
        told = json.loads(text)
        after = walk(told)
        return text if after == told else json.dumps(after, ensure_ascii=False)

    return changed


def _clear_plans(connection: Connection, gone: Gone, taken: Counter[str]) -> None:
    """Make houses and people of plans nobody's; every number in them stays."""
    ids = gone.ids | set(gone.whole)
    needles = [each.encode() for each in ids]

    def nobody(value: Any) -> Any:
        if isinstance(value, str):
            return NOBODY if value in ids else value
        if isinstance(value, list):
            return [nobody(each) for each in value]
        if not isinstance(value, dict):
            return value
        after = {name: nobody(each) for name, each in value.items()}
        return after | {"point": None} if value.get("id") in gone.whole and "point" in value else after

    def content(packed: bytes) -> bytes:
        told = zlib.decompress(packed)
        if not any(each in told for each in needles):
            return packed
        return zlib.compress(json.dumps(nobody(json.loads(told)), ensure_ascii=False).encode())

    def question(text: str) -> str:
        told = json.loads(text)
        return text if nobody(told) == told else json.dumps(nobody(told), ensure_ascii=False)

    p, c = tables.plans, tables.plan_contents
    taken["plans"] += erasing.rewrite(connection, c, "content", ["plan_id", "part"], content)
    erasing.rewrite(connection, p, "question", ["id"], question)


def _clear_register(reference: Reference, connection: Connection, gone: Gone, taken: Counter[str]) -> None:
    """Take them out of extracts of the national register, whose files as they were uploaded then go too."""
    number, extracts = erasing.delete_register_people(connection, gone.campaign_id, gone.born)
    taken["register"] += number
    if extracts:
        empty = submissions.save_blob(reference.database, connection, b"")
        erasing.forget_register_files(connection, extracts, empty)

    def ours(key: str) -> bool:
        homes, ends = tuple(f"{each}/" for each in gone.whole), tuple(f"/{each}" for each in gone.ids)
        return key.startswith(homes) or key.endswith(ends)

    taken["decided"] += erasing.delete_pairings(connection, gone.campaign_id, ours)
