"""FHIR resources as transaction Bundles, which a FHIR server takes once however often they are sent to it.

Each resource is put where the server has one of the same identifier, and made where it has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import orjson

from mapper.formats.fhir import Resource

ENTRIES = 500
"""Entries of one Bundle, about: a person stays with their doses."""

_PLACES = ("Organization", "Location")
"""Stand in an earlier Bundle mostly, and are referred to by their identifier."""


def write_transactions(resources: Iterable[Resource]) -> Iterator[bytes]:
    """Bundles, one a line, each to be sent by a POST of its own to the server's address, in their order."""
    entries: list[Resource] = []
    places: dict[str, str] = {}
    for one in resources:
        if one["resourceType"] == "Patient" and len(entries) >= ENTRIES:
            yield _bundle(entries)
            entries = []
        own = f"{one['resourceType']}/{one['id']}"
        if one["resourceType"] in _PLACES:
            places[own] = _found_by(one)
        entries.append(
            {
                "fullUrl": _urn(own),
                "resource": _referring({name: told for name, told in one.items() if name != "id"}, places),
                "request": {"method": "PUT", "url": _found_by(one)},
            }
        )
    if entries:
        yield _bundle(entries)


def _bundle(entries: list[Resource]) -> bytes:
    whole = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return orjson.dumps(whole, option=orjson.OPT_APPEND_NEWLINE)


def _found_by(one: Resource) -> str:
    """How a server finds a resource by its first identifier."""
    first = one["identifier"][0]
    return f"{one['resourceType']}?identifier={quote(first['system'], safe=':')}|{quote(first['value'], safe=':-.')}"


def _urn(own: str) -> str:
    return uuid5(NAMESPACE_URL, f"urn:tung-nha:{own}").urn


def _referring(value: Any, places: dict[str, str]) -> Any:
    """The same with references as a transaction has them: by identifier to places, else to an entry beside it."""
    if isinstance(value, list):
        return [_referring(each, places) for each in value]
    if not isinstance(value, dict):
        return value
    told = value.get("reference")
    if isinstance(told, str):
        return {**value, "reference": places.get(told) or _urn(told)}
    return {name: _referring(each, places) for name, each in value.items()}
