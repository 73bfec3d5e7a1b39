"""OData feeds of forms for Excel, Power BI and their like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from flask import Blueprint, Response, g, request, stream_with_context
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import READERS
from mapper.errors import Forbidden, InvalidInput, NotFound, mark
from mapper.formats.odata import identifier, metadata, read_condition, read_order, row_of, service_document, set_name
from mapper.formats.submission_tables import SubmissionTable
from mapper.services import accounts, audit
from mapper.services.accounts import User
from mapper.services.submission_export import Fed, Feed, FormTables, form_tables, review_word
from mapper.web.accounts import reader
from mapper.web.installation import installation

UNDERSTOOD = frozenset(
    {"$top", "$skip", "$skiptoken", "$count", "$filter", "$orderby", "$expand", "$select", "$format"}
)
MOST = 2**53

odata = Blueprint("odata", __name__, url_prefix="/odata")


@odata.before_request
def _guard() -> None:
    """A session, a program's token, or name and password as Excel sends them."""
    given = request.authorization
    if given is not None and given.type == "basic":
        user = accounts.sign_in(installation().reference, given.username or "", given.password or "")
        if not user.reads_figures:
            raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
        g.odata_user = user
    else:
        g.odata_user = reader()
    if _user().role not in READERS:
        raise Forbidden(mark("Your role does not open this page. Ask the administrator of this server."))
    unknown = sorted(name for name in request.args if name.startswith("$") and name not in UNDERSTOOD)
    if unknown:
        raise InvalidInput(
            mark(
                "This feed does not know {option}. "
                "It takes $top, $skip, $count, $filter, $orderby, $expand=* and $select."
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
    return _json(service_document(f"{_root(form_id)}/$metadata", form.tables))


@odata.get("/<form_id>.svc/$metadata")
def described(form_id: str) -> Response:
    """Types of the tables, CSDL as XML."""
    form = form_tables(installation().reference, form_id)
    return Response(metadata(form_id, form.tables), content_type="application/xml; charset=utf-8")


_ADDRESS = re.compile(r"Submissions(?:\('((?:[^']|'')+)'\))?((?:[./]\w+)*)(/\$count)?")


@odata.get("/<form_id>.svc/<path:what>")
def rows(form_id: str, what: str) -> AnyResponse:
    """Rows: ``Submissions``, ``Submissions.REPEAT``, one ``Submissions('ID')``, ``Submissions('ID')/REPEAT``.

    ``$top``, ``$skip``, ``$count=true``, ``$expand=*`` (repeats written out), ``$select``, and ``$filter`` and
    ``$orderby`` on ``__system/submissionDate``, ``updatedAt``, ``submitterId`` and ``reviewState``. Submissions of the
    reader's area come in order of their first arrival, the newest version of each, also those that do not count; the
    link to the next ones neither repeats nor misses any while others come in and are edited.
    """
    found = _ADDRESS.fullmatch(what)
    here, user = installation(), _user()
    form = form_tables(here.reference, form_id)
    if found is None:
        raise NotFound(mark("There is nothing at this address."))
    names = tuple(name for name in re.split(r"[./]", found[2] or "") if name)
    table = next((one for one in form.tables if tuple(map(identifier, one.path)) == names), None)
    if table is None:
        raise NotFound(mark("There is nothing at this address."))
    asked = _Asked.read(found[1].replace("''", "'") if found[1] else "", bool(found[3]))
    with here.reference.database.read() as connection:
        feed = Feed(here.reference, connection, user, form, asked.wanted)
        if asked.key:
            feed.one(asked.key)  # not found is told before anything is sent
        every = _count(feed, form, table, asked) if asked.count else None
    facts = {"file": "odata", "set": set_name(table.path)}
    audit.record_seen(here.reference, user.id, user.name, "submissions.fed", form_id, facts)
    if asked.only_count:
        return Response(str(every), content_type="text/plain; charset=utf-8")
    body = stream_with_context(_written(form, table, asked, every, _root(form_id)))
    return Response(body, content_type="application/json; odata.metadata=minimal; charset=utf-8")


class _Asked:
    """What an address asks of a table. key: of one submission, "" for all."""

    def __init__(self, key: str, only_count: bool) -> None:
        self.key, self.only_count = key, only_count
        self.top, self.skip = _number("$top"), _number("$skip") or 0
        self.count = only_count or request.args.get("$count", "").lower() == "true"
        self.after = _number("$skiptoken") or 0
        self.order = read_order(request.args.get("$orderby", ""))
        condition = request.args.get("$filter", "").strip()
        self.wanted = read_condition(condition) if condition else None
        expand = request.args.get("$expand", "").strip()
        if expand not in ("", "*"):
            raise InvalidInput(mark("Of $expand this feed knows only *: all repeats written out."))
        self.expand = bool(expand)
        chosen = [name.strip() for name in request.args.get("$select", "").split(",") if name.strip()]
        self.select = {name.split("/")[0] for name in chosen} if chosen and "*" not in chosen else None

    @classmethod
    def read(cls, key: str, only_count: bool) -> _Asked:
        """From this request."""
        return cls(key, only_count)


def _number(name: str) -> int | None:
    text = request.args.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise InvalidInput(mark("{name} is a whole number from 0 on, not {value}."), name=name, value=text[:20])
    return min(int(text), MOST)


def _count(feed: Feed, form: FormTables, table: SubmissionTable, asked: _Asked) -> int:
    if asked.key:
        return sum(row.table == table.path for row in feed.one(asked.key).rows)
    if not table.path:
        return feed.count()
    return sum(row.table == table.path for fed in feed.all() for row in fed.rows)


def _written(form: FormTables, table: SubmissionTable, asked: _Asked, every: int | None, root: str) -> Iterator[bytes]:
    """The answer in parts: memory stays flat however many rows there are."""
    here = installation()
    single = bool(asked.key) and not table.path
    told: dict[str, Any] = {"@odata.context": f"{root}/$metadata#{set_name(table.path)}{'/$entity' if single else ''}"}
    with here.reference.database.read() as connection:
        feed = Feed(here.reference, connection, _user(), form, asked.wanted)
        if single:
            fed = feed.one(asked.key)
            yield orjson.dumps(told | _selected(_submission(fed, form, asked), asked))
            return
        if every is not None:
            told["@odata.count"] = every
        yield orjson.dumps(told)[:-1] + b',"value":['
        between, number, last = b"\n", 0, 0
        for first, row in _rows(feed, form, table, asked):
            yield between + orjson.dumps(_selected(row, asked))
            between, number, last = b",\n", number + 1, first
        # Asked for as long as the same moment is held.
        more = asked.top and number == asked.top and (table.path or asked.order or any(feed.all(0, 1, last)))
    link = b""
    if more and (every is None or asked.skip + number < every):
        stays = {name: value for name, value in request.args.items() if name not in ("$skip", "$skiptoken")}
        if table.path or asked.order:
            stays["$skip"] = str(asked.skip + number)
        else:
            stays["$skiptoken"] = str(last)
        address = f"{root}/{set_name(table.path)}?{urlencode(stays)}"
        link = b',"@odata.nextLink":' + orjson.dumps(address)
    yield b"\n]" + link + b"}\n"


def _rows(feed: Feed, form: FormTables, table: SubmissionTable, asked: _Asked) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows, each with the number of its submission."""
    if not table.path:
        if asked.top != 0:
            for fed in feed.all(asked.skip, asked.top, asked.after, asked.order):
                yield fed.head.first, _submission(fed, form, asked)
        return
    some = [feed.one(asked.key)] if asked.key else feed.all(order=asked.order)
    passed = 0
    for fed in some:
        for row in fed.rows:
            if row.table != table.path:
                continue
            passed += 1
            if asked.top is not None and passed > asked.skip + asked.top:
                return
            if passed > asked.skip:
                yield fed.head.first, row_of(row, form.by_path, None, fed.rows if asked.expand else None)


def _submission(fed: Fed, form: FormTables, asked: _Asked) -> dict[str, Any]:
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
    return row_of(fed.rows[0], form.by_path, system, fed.rows if asked.expand else None)


def _selected(row: dict[str, Any], asked: _Asked) -> dict[str, Any]:
    if asked.select is None:
        return row
    return {name: value for name, value in row.items() if name == "__id" or name.split("@")[0] in asked.select}


def _root(form_id: str) -> str:
    public = installation().settings.public_url or request.url_root
    return f"{public.rstrip('/')}/odata/{quote(form_id)}.svc"


def _json(told: dict[str, Any]) -> Response:
    return Response(orjson.dumps(told), content_type="application/json; odata.metadata=minimal; charset=utf-8")
