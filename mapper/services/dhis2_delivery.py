"""Data values sent to a DHIS2 server, again and again with the same end: what is no longer told is deleted there."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from mapper.domain.exchange import DataValue, ExchangeMapping
from mapper.errors import Forbidden, InvalidInput, MapperError, Unavailable, mark
from mapper.formats.dhis2 import write_json
from mapper.formats.dhis2_summary import ImportSummary, read_summary
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.exchange import Sending
from mapper.services.reference import Reference
from mapper.store import reference as kept

AT_ONCE = 5000
"""Values in one POST."""

ON_A_PAGE = 100_000
"""Values that a page sends while its reader waits; more go by the command line."""

PATIENCE_S = (10, 300)
"""So long a connection, and an answer, are waited for, seconds."""

AGAIN = Retry(
    total=4,
    backoff_factor=0.5,
    status_forcelist=(429, 502, 503, 504),
    # The same values sent twice leave the same values there.
    allowed_methods=frozenset({"POST"}),
    raise_on_status=False,
)
"""What is tried again, waiting longer each time, or as long as DHIS2 asks."""

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Dhis2Server:
    """Where values go. address: of the server, without /api; token: a personal access token of a DHIS2 user."""

    address: str
    token: str

    @property
    def named(self) -> str:
        """The server in words: its host."""
        return urlsplit(self.address).netloc


class Delivered(NamedTuple):
    """What became of a delivery. dry_run: whether DHIS2 only said what it would have done. gone: values taken back."""

    dry_run: bool
    values: int
    gone: int
    summary: ImportSummary


def check_server(server: Dhis2Server) -> None:
    """Raises InvalidInput where values cannot go: no server is set, or its address would show the token to others."""
    if not (server.address and server.token):
        raise InvalidInput(
            mark("No DHIS2 server is set. Set MAPPER_DHIS2_URL and MAPPER_DHIS2_TOKEN and start the server again.")
        )
    parts = urlsplit(server.address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise InvalidInput(
            mark("The address of DHIS2 must begin with https://, so that nobody on the way reads the token.")
        )


def deliver(
    reference: Reference,
    user: User,
    server: Dhis2Server,
    sending: Sending,
    dry_run: bool,
    done: Callable[[int], None] = lambda values: None,
) -> Delivered:
    """Send what would go, and delete there what was sent before for the same question and goes no longer.

    Units outside the area of the question, and those of which the user sees a part, stay as they are there. done: told
    how many values more went. Raises InvalidInput, Forbidden or Unavailable with what DHIS2 answered; what was sent
    until then is remembered, so that sending again mends it.
    """
    check_server(server)
    values = sending.values
    if not values:
        raise InvalidInput(mark("Nothing would go. Map units and figures first."))
    gone = no_longer_told(reference, server, sending)
    before = _remembered(reference, server, sending)
    if not dry_run:
        _remember(reference, server, sending, {*before, *map(_key, values)})
    summary = ImportSummary()
    with _session(server) as session:
        for some, strategy in ((values, "CREATE_AND_UPDATE"), (gone, "DELETE")):
            for first in range(0, len(some), AT_ONCE):
                part = some[first : first + AT_ONCE]
                summary = summary + _post(session, server, part, sending.mapping, strategy, dry_run)
                done(len(part))
    delivered = Delivered(dry_run, len(values), len(gone), summary)
    if not dry_run:
        _remember(reference, server, sending, {*before, *map(_key, values)} - set(map(_key, gone)))
    _tell(reference, user, server, sending, delivered)
    return delivered


def no_longer_told(reference: Reference, server: Dhis2Server, sending: Sending) -> list[DataValue]:
    """Values sent before for the same question that would not be sent now, as values of 0."""
    told = set(map(_key, sending.values))
    sent = {unit.org_unit for unit in sending.units}
    kept_as_they_are = {one.code for one in sending.left_out if one.why == "partial"}
    whole = sending.wanted.area is None and not kept_as_they_are
    return [
        key
        for key in sorted(_remembered(reference, server, sending))
        if key not in told and (whole or key.unit in sent)
    ]


def _key(value: DataValue) -> DataValue:
    return value._replace(value=0)


def _name(server: Dhis2Server, sending: Sending) -> str:
    wanted = sending.wanted
    return f"sent to {server.named}: {wanted.campaign_id} {wanted.set_id} {wanted.level} {wanted.period.dhis2}"


def _remembered(reference: Reference, server: Dhis2Server, sending: Sending) -> set[DataValue]:
    """The values sent until now for the same question, as values of 0."""
    with reference.database.read() as connection:
        held = json.loads(kept.fact(connection, _name(server, sending)) or "[]")
    period = sending.wanted.period.dhis2
    return {
        DataValue(element, period, unit, combo, attribute, 0)
        for group in held
        for unit in group["units"]
        for element, combo, attribute in group["values"]
    }


def _remember(reference: Reference, server: Dhis2Server, sending: Sending, keys: set[DataValue]) -> None:
    # Most units have the same values: they are kept once, with all the units that have them.
    of_unit: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for key in sorted(keys):
        of_unit[key.unit].append((key.element, key.combo, key.attribute_combo))
    groups: dict[tuple[tuple[str, str, str], ...], list[str]] = defaultdict(list)
    for unit, values in of_unit.items():
        groups[tuple(values)].append(unit)
    text = json.dumps([{"values": values, "units": units} for values, units in groups.items()])
    with reference.database.write() as connection:
        kept.set_fact(reference.database, connection, _name(server, sending), text)


def _tell(reference: Reference, user: User, server: Dhis2Server, sending: Sending, delivered: Delivered) -> None:
    wanted, summary = sending.wanted, delivered.summary
    facts = {
        "set": wanted.set_id,
        "level": wanted.level,
        "period": wanted.period.dhis2,
        "server": server.named,
        "dry_run": delivered.dry_run,
        "number": delivered.values,
        **{name: getattr(summary, name) for name in ("imported", "updated", "ignored", "deleted")},
    }
    with reference.database.write() as connection:
        audit.record(reference, connection, user.id or None, user.name, "exchange.sent", wanted.campaign_id, facts)


class _Token(AuthBase):
    """Sends the token with each request, and nothing that a file of passwords on this machine may hold."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"ApiToken {self._token}"
        return request


def _session(server: Dhis2Server) -> requests.Session:
    session = requests.Session()
    session.auth = _Token(server.token)
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=AGAIN))
    return session


def _post(
    session: requests.Session,
    server: Dhis2Server,
    values: Sequence[DataValue],
    mapping: ExchangeMapping,
    strategy: str,
    dry_run: bool,
) -> ImportSummary:
    try:
        answer = session.post(
            f"{server.address.rstrip('/')}/api/dataValueSets",
            params={"importStrategy": strategy, "dryRun": str(dry_run).lower()},
            data=write_json(values, mapping),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            timeout=PATIENCE_S,
            allow_redirects=False,
        )
    except requests.RequestException as problem:
        raise Unavailable(
            mark("DHIS2 at {server} cannot be reached ({problem}). Check its address and the line, then send again."),
            server=server.named,
            problem=type(problem).__name__,
        ) from None
    summary = read_summary(answer.content)
    # With 409 DHIS2 tells which values it did not take; it has taken the others.
    if summary is not None and answer.status_code in (200, 409):
        return summary
    raise _refusal(server, answer)


def _refusal(server: Dhis2Server, answer: requests.Response) -> MapperError:
    facts = {"server": server.named, "status": str(answer.status_code)}
    if answer.status_code in (401, 403):
        return Forbidden(
            mark(
                "DHIS2 at {server} refuses the token (answer {status}). Have a new one made for a user who may enter "
                "data for these units, and set MAPPER_DHIS2_TOKEN."
            ),
            **facts,
        )
    if answer.status_code >= 500 or answer.status_code == 429:
        return Unavailable(mark("DHIS2 at {server} is busy or out of order (answer {status}). Send later."), **facts)
    try:
        reason = str(answer.json().get("message", ""))[:200]
    except (ValueError, AttributeError):
        reason = ""
    return InvalidInput(
        mark(
            "What answers at {server} is no DHIS2, or does not take these values (answer {status}: {reason}). "
            "Check MAPPER_DHIS2_URL and the codes in exchange.toml."
        ),
        reason=reason or "-",
        **facts,
    )
