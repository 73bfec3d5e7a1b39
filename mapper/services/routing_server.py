"""Ways asked of a routing server of the operator's own, OSRM or Valhalla. Where houses stand goes to it.

The answers are those that osrm-routed 26.10 and valhalla_service 3.9.1 gave to the same questions.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests
from numpy.typing import NDArray
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from mapper.errors import InvalidInput, Unavailable, mark

PATIENCE_S = (5, 60)
"""So long a connection, and an answer, are waited for, seconds."""

AGAIN = Retry(
    total=2,
    backoff_factor=0.3,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=frozenset({"GET", "POST"}),
    raise_on_status=False,
)
"""What is tried again: a table asked for twice is the same table."""

BLOCK = 50
"""Sources, and destinations, of one table: OSRM takes 100 places, Valhalla 2,500 pairs, unless told otherwise."""

_PUBLIC = ("project-osrm.org", "openstreetmap.de", "openstreetmap.org", "stadiamaps.com", "mapbox.com", "geoapify.com")
_NOWHERE = frozenset({"NoSegment", "NoTable", "NoRoute", "154", "170", "171", "442"})
"""What the servers answer where a place has no road, or no way leads: no fault of theirs."""

Floats = NDArray[np.float64]


class Dialect(StrEnum):
    """Whose questions a server understands."""

    OSRM = "osrm"
    VALHALLA = "valhalla"


class Going(StrEnum):
    """How somebody goes."""

    ON_FOOT = "on_foot"
    CAR = "car"
    MOTORBIKE = "motorbike"


_COSTING: Mapping[Going, str] = {
    Going.ON_FOOT: "pedestrian",
    Going.CAR: "auto",
    Going.MOTORBIKE: "motor_scooter",
}


@dataclass(frozen=True, eq=False)
class Answer:
    """metres, minutes: (sources, destinations), inf where there is no way. off_from, off_to: metres off the roads."""

    metres: Floats
    minutes: Floats
    off_from: Floats
    off_to: Floats


class _Nowhere(Exception):
    """The server knows no way for some of what was asked."""


@dataclass(frozen=True, slots=True)
class RoutingServer:
    """address: where vehicles are asked about; walking: for people on foot, "" where nobody is to be asked.

    osrm-routed has one way of going and does not look at the name in the address; Valhalla has all at one address.
    """

    dialect: Dialect
    address: str
    walking: str

    @classmethod
    def of(cls, dialect: str, address: str, walking: str = "") -> RoutingServer | None:
        """Of the settings; None where none is set. Raises InvalidInput."""
        if not address.strip() and not walking.strip():
            return None
        kind = Dialect(dialect)
        vehicles, feet = address.strip().rstrip("/"), walking.strip().rstrip("/")
        if kind is Dialect.VALHALLA:
            feet = feet or vehicles
        for one in filter(None, (vehicles, feet)):
            _check(one)
        return cls(kind, vehicles, feet)

    @property
    def named(self) -> str:
        """The server in words: its host."""
        return urlsplit(self.address or self.walking).netloc.rpartition("@")[2]

    def goes(self, going: Going) -> bool:
        """Whether it is to be asked about a way of going."""
        return bool(self._address(going))

    def table(self, going: Going, sources: Floats, destinations: Floats) -> Answer:
        """Ways from each source to each destination, (n, 2) longitude and latitude. Raises Unavailable."""
        with _session() as session:
            return self._table(session, going, sources, destinations)

    def path(self, going: Going, start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
        """How a way runs, as longitudes and latitudes; empty where there is none. Raises Unavailable."""
        with _session() as session:
            try:
                if self.dialect is Dialect.OSRM:
                    asked = {"overview": "full", "geometries": "geojson", "generate_hints": "false"}
                    where = f"{self._address(going)}/route/v1/{_osrm(going)}/{_line([start, end])}"
                    route = _told(self, session, "GET", where, asked)["routes"][0]
                    return [(lon, lat) for lon, lat, *_ in route["geometry"]["coordinates"]]
                body = {"locations": _places([start, end]), "costing": _COSTING[going], "directions_type": "none"}
                told = _told(self, session, "POST", f"{self._address(going)}/route", body)
                return _decoded("".join(leg["shape"] for leg in told["trip"]["legs"][:1]))
            except _Nowhere:
                return []
            except (AttributeError, KeyError, IndexError, TypeError, ValueError) as fault:
                raise _strange(self) from fault

    def _address(self, going: Going) -> str:
        return self.walking if going is Going.ON_FOOT else self.address

    def _table(self, session: requests.Session, going: Going, sources: Floats, destinations: Floats) -> Answer:
        """Block by block; a block in which some place has no way is halved until those are found that have none."""
        rows, columns = len(sources), len(destinations)
        found = Answer(
            np.full((rows, columns), np.inf),
            np.full((rows, columns), np.inf),
            np.full(rows, np.inf),
            np.full(columns, np.inf),
        )
        ask: Callable[..., Answer] = self._osrm_table if self.dialect is Dialect.OSRM else self._valhalla_table
        todo = [
            (slice(row, min(row + BLOCK, rows)), slice(column, min(column + BLOCK, columns)))
            for row in range(0, rows, BLOCK)
            for column in range(0, columns, BLOCK)
        ]
        while todo:
            row, column = todo.pop()
            try:
                part = ask(session, going, sources[row], destinations[column])
            except _Nowhere:
                todo += _halves(row, column)
                continue
            except (AttributeError, KeyError, IndexError, TypeError, ValueError) as fault:
                raise _strange(self) from fault
            found.metres[row, column], found.minutes[row, column] = part.metres, part.minutes
            found.off_from[row], found.off_to[column] = part.off_from, part.off_to
        return found

    def _osrm_table(self, session: requests.Session, going: Going, sources: Floats, destinations: Floats) -> Answer:
        number = len(sources)
        every = [*map(tuple, sources.tolist()), *map(tuple, destinations.tolist())]
        asked = {
            "sources": ";".join(map(str, range(number))),
            "destinations": ";".join(map(str, range(number, len(every)))),
            "annotations": "duration,distance",
            "generate_hints": "false",
        }
        where = f"{self._address(going)}/table/v1/{_osrm(going)}/{_line(every)}"
        told = _told(self, session, "GET", where, asked)
        shape = number, len(destinations)
        off = [np.array([one["distance"] for one in told[name]], np.float64) for name in ("sources", "destinations")]
        return Answer(_matrix(told["distances"], shape), _matrix(told["durations"], shape) / 60, *off)

    def _valhalla_table(self, session: requests.Session, going: Going, sources: Floats, destinations: Floats) -> Answer:
        shape = len(sources), len(destinations)
        off = [self._off(session, going, places) for places in (sources, destinations)]
        on = [np.flatnonzero(np.isfinite(one)) for one in off]
        metres, minutes = np.full(shape, np.inf), np.full(shape, np.inf)
        if len(on[0]) and len(on[1]):
            body = {
                "sources": _places(sources[on[0]].tolist()),
                "targets": _places(destinations[on[1]].tolist()),
                "costing": _COSTING[going],
                "verbose": False,
                "units": "kilometers",
            }
            if going is Going.ON_FOOT:
                body["costing_options"] = {"pedestrian": {"use_ferry": 0.0}}
            told = _told(self, session, "POST", f"{self._address(going)}/sources_to_targets", body)
            table, part = told["sources_to_targets"], (len(on[0]), len(on[1]))
            metres[np.ix_(*on)] = _matrix(table["distances"], part) * 1000
            minutes[np.ix_(*on)] = _matrix(table["durations"], part) / 60
        return Answer(metres, minutes, *off)

    def _off(self, session: requests.Session, going: Going, places: Floats) -> Floats:
        """How far places stand off the roads, which Valhalla tells apart from its tables; inf where none is near."""
        body = {"locations": _places(places.tolist()), "costing": _COSTING[going], "verbose": False}
        told = _told(self, session, "POST", f"{self._address(going)}/locate", body)
        spots = np.full((len(places), 2), np.inf)
        for number, one in enumerate(told):
            if near := [*(one.get("edges") or ()), *(one.get("nodes") or ())][:1]:
                spots[number] = [near[0].get(name, near[0].get(other)) for name, other in _SPOT]
        return _far_m(places, spots)


_SPOT = (("correlated_lon", "lon"), ("correlated_lat", "lat"))


def _halves(row: slice, column: slice) -> list[tuple[slice, slice]]:
    """Of a block its two halves; nothing of a single pair, which has no way."""
    rows, columns = row.stop - row.start, column.stop - column.start
    if rows * columns <= 1:
        return []
    if rows >= columns:
        middle = row.start + rows // 2
        return [(slice(row.start, middle), column), (slice(middle, row.stop), column)]
    middle = column.start + columns // 2
    return [(row, slice(column.start, middle)), (row, slice(middle, column.stop))]


def _matrix(told: Sequence[Sequence[float | None]], shape: tuple[int, int]) -> Floats:
    matrix = np.array([[np.inf if value is None else value for value in line] for line in told], np.float64)
    return matrix.reshape(shape)


def _far_m(places: Floats, spots: Floats) -> Floats:
    """Metres from each place to its spot, so near that the earth is flat between them."""
    with np.errstate(invalid="ignore"):
        scale = np.column_stack([np.cos(np.radians(places[:, 1])), np.ones(len(places))]) * 111_320.0
        far = np.hypot(*((spots - places) * scale).T)
    return np.where(np.isfinite(far), far, np.inf)


def _osrm(going: Going) -> str:
    return "foot" if going is Going.ON_FOOT else "driving"


def _line(places: Sequence[tuple[float, ...]]) -> str:
    return ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in places)


def _places(places: Sequence[Sequence[float]]) -> list[dict[str, float]]:
    return [{"lon": round(lon, 6), "lat": round(lat, 6)} for lon, lat in places]


def _decoded(shape: str) -> list[tuple[float, float]]:
    """Longitudes and latitudes of a line as Valhalla writes it: steps of millionths of a degree, five bits a letter."""
    numbers: list[int] = []
    value = shift = 0
    for letter in shape:
        bits = ord(letter) - 63
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            numbers.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    places = np.cumsum(np.array(numbers, np.int64).reshape(-1, 2), axis=0) / 1e6
    return [(lon, lat) for lat, lon in places.tolist()]


def _session() -> requests.Session:
    session = requests.Session()
    # Where houses stand goes to the operator's server, and through nobody's proxy.
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=AGAIN))
    return session


def _told(server: RoutingServer, session: requests.Session, method: str, where: str, asked: Mapping[str, Any]) -> Any:
    """What the server answers. Raises _Nowhere, Unavailable."""
    how = {"params": asked} if method == "GET" else {"json": asked}
    try:
        answer = session.request(method, where, timeout=PATIENCE_S, allow_redirects=False, **how)  # type: ignore[arg-type]
    except requests.RequestException as problem:
        raise Unavailable(
            mark("The routing server {server} cannot be reached ({problem}). Look whether it runs and is set rightly."),
            server=server.named,
            problem=type(problem).__name__,
        ) from None
    try:
        told = answer.json()
    except ValueError:
        raise _strange(server) from None
    code = str(told.get("code") or told.get("error_code") or "Ok") if isinstance(told, dict) else "Ok"
    if answer.status_code == 200 and code == "Ok":
        return told
    if code in _NOWHERE:
        raise _Nowhere
    raise Unavailable(
        mark("The routing server {server} refuses the question (answer {status}: {code}). Look at its limits and log."),
        server=server.named,
        status=str(answer.status_code),
        code=code[:40],
    )


def _strange(server: RoutingServer) -> Unavailable:
    words = mark("What answers at {server} is no routing server of the kind that is set. Look at MAPPER_ROUTING_KIND.")
    return Unavailable(words, server=server.named)


def _check(address: str) -> None:
    """Raises InvalidInput where the positions of houses would go to strangers."""
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidInput(
            mark("{address} is no address of a routing server. Write it like http://127.0.0.1:5000"), address=address
        )
    if host.endswith(_PUBLIC):
        raise InvalidInput(
            mark("{server} is a server of others: where people live must not go there. Run a routing server yourself."),
            server=host,
        )
    if parts.scheme == "http" and not _is_near(host):
        raise InvalidInput(
            mark("The address of {server} must begin with https://, so that nobody on the way reads who lives where."),
            server=host,
        )


def _is_near(host: str) -> bool:
    """Whether a host is this machine or one of the same network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".internal"))
