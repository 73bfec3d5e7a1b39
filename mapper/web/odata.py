"""OData feeds of forms for Excel, Power BI and their like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from flask import Blueprint, Response, g, request, stream_with_context
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.domain.whole import whole
from mapper.errors import Forbidden, InvalidInput, NotFound, NotSupported, mark
from mapper.formats.odata import Properties, Shape, metadata, row_of, service_document
from mapper.formats.odata_query import Condition, only, read_condition, read_expand, read_order, read_select
from mapper.formats.submission_tables import Path, SubmissionTable
from mapper.services import audit
from mapper.services.accounts import User
from mapper.services.submission_export import Fed, Feed, FormTables, form_tables, review_word
from mapper.web.accounts import door, reader
from mapper.web.installation import installation
from mapper.web.outside import root

UNDERSTOOD = frozenset(
    {"$top", "$skip", "$skiptoken", "$count", "$filter", "$orderby", "$expand", "$select", "$format", "$wkt"}
)
MOST = 2**53
FORMATS = ("", "json", "application/json")

odata = Blueprint("odata", __name__, url_prefix="/odata")


@odata.before_request
def _guard() -> None:
    """A session, a program's token, or name and password as Excel sends them."""
    given = request.authorization
    if given is not None and given.type == "basic":
        user = door().sign_in(given.username or "", given.password or "", request.remote_addr or "")
        if not user.reads_figures:
            raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
        g.odata_user = user
    else:
        g.odata_user = reader()
    if _user().role not in READERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    unknown = sorted(name for name in request.args if name.startswith("$") and name not in UNDERSTOOD)
    written = request.args.get("$format", "").split(";")[0].strip().lower()
    if written not in FORMATS and not request.path.endswith("/$metadata"):
        unknown.append(f"$format={written}")
    if unknown:
        raise NotSupported(
            mark(
                "This feed does not know {option}. "
                "It takes $top, $skip, $count, $filter, $orderby, $expand, $select, $wkt and $format=json."
            ),
            option=", ".join(unknown)[:80],
        )


def _user() -> User:
    found: User = g.odata_user
    return found


@odata.after_request
def _as_odata(response: Response) -> Response:
    response.headers["OData-Version"] = "4.0"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@odata.get("/<form_id>.svc")
@odata.get("/<form_id>.svc/", endpoint="service_below")
def service(form_id: str) -> Response:
    """Which tables a form has."""
    form = form_tables(installation().reference, form_id)
    return _json(service_document(f"{_root(form_id)}/$metadata", Shape.of(form.tables)))


@odata.get("/<form_id>.svc/$metadata")
def described(form_id: str) -> Response:
    """Types of the tables, CSDL as XML."""
    form = form_tables(installation().reference, form_id)
    return Response(metadata(form_id, Shape.of(form.tables)), content_type="application/xml; charset=utf-8")


_ADDRESS = re.compile(r"Submissions(?:\((?:__id=)?'((?:[^']|'')+)'\))?((?:[./]\w+)*)(/\$count)?")
_PLACE = re.compile(r"(\d{1,15})(?:\.(\d{1,15}))?")


@odata.get("/<form_id>.svc/<path:what>")
def rows(form_id: str, what: str) -> AnyResponse:
    """Rows: ``Submissions``, ``Submissions.REPEAT``, one ``Submissions('ID')``, ``Submissions('ID')/REPEAT``.

    ``$top``, ``$skip``, ``$count=true``, ``$expand`` (repeats written out: ``*`` or their names), ``$select``,
    ``$wkt=true``, and ``$filter`` and ``$orderby`` on ``__system/submissionDate``, ``updatedAt``, ``submitterId`` and
    ``reviewState``, of repeats on those of their submissions. Submissions of the reader's area come in order of their
    first arrival, the newest version of each, also those that do not count; the link to the next rows neither repeats
    nor misses any while others come in.
    """
    found = _ADDRESS.fullmatch(what)
    here, user = installation(), _user()
    form = form_tables(here.reference, form_id)
    if found is None:
        raise NotFound(mark("There is nothing at this address."))
    shape = Shape.of(form.tables)
    table = shape.table([name for name in re.split(r"[./]", found[2] or "") if name])
    if table is None:
        raise NotFound(mark("There is nothing at this address."))
    asked = _Asked.read(shape, table, found[1].replace("''", "'") if found[1] else "", bool(found[3]))
    with here.reference.database.read() as connection:
        feed = Feed(here.reference, connection, user, form, asked.wanted)
        if asked.key:
            feed.one(asked.key)  # not found is told before anything is sent
        every = _count(feed, asked) if asked.count else None
    facts = {"file": "odata", "set": asked.set_name}
    audit.record_seen(here.reference, user.id, user.name, "submissions.fed", form_id, facts)
    if asked.only_count:
        return Response(str(every), content_type="text/plain; charset=utf-8")
    body = stream_with_context(_written(form, asked, every, _root(form_id), quote(what)))
    return Response(body, content_type="application/json; odata.metadata=minimal; charset=utf-8")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an address asks of a table. key: of one submission, "" for all.

    after: number of the submission behind which the rows begin; passed: how many rows of the next one are left out.
    """

    shape: Shape
    table: SubmissionTable
    key: str
    only_count: bool
    count: bool
    top: int | None
    skip: int
    after: int
    passed: int
    order: list[tuple[str, bool]]
    wanted: Condition | None
    expanded: frozenset[Path]
    select: Properties | None
    wkt: bool

    @classmethod
    def read(cls, shape: Shape, table: SubmissionTable, key: str, only_count: bool) -> _Asked:
        """From this request."""
        place = _PLACE.fullmatch(_text("$skiptoken") or "0")
        if place is None:
            raise InvalidInput(mark("This is no link of this feed to further rows. Begin again without $skiptoken."))
        before, passed = int(place[1]), int(place[2] or 0)
        condition = _text("$filter")
        expanded = read_expand(_text("$expand"), shape, table)
        return cls(
            shape,
            table,
            key,
            only_count,
            count=only_count or _yes("$count"),
            top=_number("$top"),
            skip=_number("$skip") or 0,
            after=before - 1 if place[2] else before,
            passed=passed,
            order=read_order(_text("$orderby")),
            wanted=read_condition(condition, datetime.now(UTC)) if condition else None,
            expanded=expanded,
            select=read_select(_text("$select"), shape, table, expanded),
            wkt=_yes("$wkt"),
        )

    @property
    def set_name(self) -> str:
        """The entity set of the table."""
        return self.shape.names.set_name(self.table.path)

    @property
    def by_place(self) -> bool:
        """Whether the next rows are named by the place where they begin, which does not move when others come in."""
        return not self.order and not self.key


def _text(name: str) -> str:
    return request.args.get(name, "").strip()


def _yes(name: str) -> bool:
    """Whether an option is true; what is neither true nor false is refused."""
    text = _text(name).lower()
    if text not in ("", "true", "false"):
        raise InvalidInput(mark("{name} is true or false, not {value}."), name=name, value=text[:20])
    return text == "true"


def _number(name: str) -> int | None:
    text = _text(name)
    if not text:
        return None
    number = whole(text, 10**15)
    if number is None:
        raise InvalidInput(mark("{name} is a whole number from 0 on, not {value}."), name=name, value=text[:20])
    return min(number, MOST)


def _count(feed: Feed, asked: _Asked) -> int:
    path = asked.table.path
    if asked.key:
        return sum(row.table == path for row in feed.one(asked.key).rows)
    if not path:
        return feed.count()
    return sum(row.table == path for fed in feed.all() for row in fed.rows)


def _written(form: FormTables, asked: _Asked, every: int | None, root: str, what: str) -> Iterator[bytes]:
    """The answer in parts: memory stays flat however many rows there are."""
    here = installation()
    single = bool(asked.key) and not asked.table.path
    told: dict[str, Any] = {"@odata.context": f"{root}/$metadata#{asked.set_name}{'/$entity' if single else ''}"}
    with here.reference.database.read() as connection:
        feed = Feed(here.reference, connection, _user(), form, asked.wanted)
        if single:
            yield orjson.dumps(told | _submission(feed.one(asked.key), asked))
            return
        if every is not None:
            told["@odata.count"] = every
        yield orjson.dumps(told)[:-1] + b',"value":['
        number, place, more = 0, "", False
        for at, row in _rows(feed, asked):
            if number == asked.top:
                more = number > 0
                break
            yield (b",\n" if number else b"\n") + orjson.dumps(row)
            number, place = number + 1, at
    link = b""
    if more:
        stays = {name: value for name, value in request.args.items() if name not in ("$skip", "$skiptoken")}
        stays |= {"$skiptoken": place} if asked.by_place else {"$skip": str(asked.skip + number)}
        link = b',"@odata.nextLink":' + orjson.dumps(f"{root}/{what}?{urlencode(stays)}")
    yield b"\n]" + link + b"}\n"


def _rows(feed: Feed, asked: _Asked) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows from the first that is wanted on, one more than are, each with its place for ``$skiptoken``."""
    path = asked.table.path
    most = None if asked.top is None else asked.top + 1
    if not path:
        for fed in feed.all(asked.skip, most, asked.after, asked.order):
            yield str(fed.head.first), _submission(fed, asked)
        return
    passed = 0
    some = [feed.one(asked.key)] if asked.key else feed.all(after=asked.after, order=asked.order)
    for fed in some:
        number = 0
        for row in fed.rows:
            if row.table != path:
                continue
            number += 1
            if number <= asked.passed and fed.head.first == asked.after + 1:
                continue
            passed += 1
            if passed > asked.skip:
                told = row_of(row, asked.shape, None, fed.rows, asked.expanded, asked.wkt)
                yield f"{fed.head.first}.{number}", only(told, asked.select) if asked.select else told


def _submission(fed: Fed, asked: _Asked) -> dict[str, Any]:
    head = fed.head
    system = {
        "submissionDate": head.submitted_at,
        "updatedAt": head.updated_at if fed.edits else None,
        "submitterId": None if head.sender_id is None else str(head.sender_id),
        "submitterName": head.sender,
        "attachmentsPresent": len(fed.files),
        "attachmentsExpected": fed.expected,
        "status": fed.status or None,
        "reviewState": review_word(head.review),
        "deviceId": head.device_id,
        "edits": fed.edits,
        "formVersion": head.form_version,
    }
    told = row_of(fed.rows[0], asked.shape, system, fed.rows, asked.expanded, asked.wkt)
    return only(told, asked.select) if asked.select else told


def _root(form_id: str) -> str:
    return f"{root()}/odata/{quote(form_id)}.svc"


def _json(told: dict[str, Any]) -> Response:
    return Response(orjson.dumps(told), content_type="application/json; odata.metadata=minimal; charset=utf-8")
