"""The page on which a boundary file is sent, and the one that tells how far its import is."""

from __future__ import annotations

from pathlib import PurePosixPath

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import Role
from mapper.errors import Conflict, Forbidden, InvalidInput, MapperError, NotFound, mark
from mapper.geo.fields import ReadOptions, read_upper
from mapper.services import boundary_uploads, succession_view
from mapper.services.background import Stage, Standing
from mapper.services.boundaries import SetFacts
from mapper.services.boundary_uploads import Coming, Sent
from mapper.services.set_periods import may_change
from mapper.web.accounts import only_for, reader
from mapper.web.boundary_sets import AT_ONCE, day_of, sentences
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.targets import LEVELS

LONGEST = 300
"""Characters of a label or source."""

KINDS = ".geojson,.json,.gpkg,.zip"

boundary_import = Blueprint("boundary_import", __name__)
_only_for_administrators = only_for(Role.ADMINISTRATOR)


@boundary_import.before_request
def _guard() -> AnyResponse | None:
    refused = _only_for_administrators()
    if refused is None and not may_change(reader()):
        raise Forbidden(mark("Boundary sets are added by administrators whose area has no limits. Ask one."))
    return refused


@boundary_import.get("/boundary-sets/import")
def page() -> str:
    """The form."""
    return _page()


def _page(problem: MapperError | None = None) -> str:
    return render_template(
        "boundary_import.html",
        typed=request.form,
        kinds=KINDS,
        levels=LEVELS,
        limit_mb=installation().settings.max_upload_mb,
        problem=say(problem) if problem is not None else None,
    )


@boundary_import.post("/boundary-sets/import")
def take() -> AnyResponse | tuple[str, int]:
    """Take a file and begin its import."""
    here, user, sent = installation(), reader(), None
    try:
        sent = boundary_uploads.ready(here.reference, user, _sent())
        at_work = boundary_uploads.look(here.reference, sent.set_id, here=_here(sent.set_id))
        if at_work is not None and at_work.at_work:
            raise Conflict(mark("A file for this boundary set is being imported already. Wait until that is done."))
        request.files["file"].save(sent.file)
        if not sent.file.stat().st_size:
            raise InvalidInput(mark("The file is empty. Choose another one."))
        taken = sent

        boundary_uploads.begin(here.reference, sent.set_id)
        standing = here.boundaries.ask(
            sent.set_id, object(), lambda share: boundary_uploads.bring(here.reference, user, taken, share), again=True
        )
        if standing.stage is Stage.BUSY:
            boundary_uploads.refuse(here.reference, sent.set_id)
            raise Conflict(mark("Much is being worked out on the server already. Try again in some minutes."))
    except (InvalidInput, Conflict) as problem:
        if sent is not None:
            sent.forget()
        return _page(problem), 409 if isinstance(problem, Conflict) else 400
    return redirect(url_for("boundary_import.work", set_id=sent.set_id), 303)


def _sent() -> Sent:
    """What the form says. Raises InvalidInput."""
    typed = {name: value.strip() for name, value in request.form.items()}
    file = request.files.get("file")
    if file is None or not file.filename:
        raise InvalidInput(mark("Choose a file: GeoJSON, GeoPackage or a zipped Shapefile."))
    name = PurePosixPath(file.filename.replace("\\", "/")).name[:100]
    facts = SetFacts(
        typed.get("id", ""),
        typed.get("label", "")[:LONGEST] or PurePosixPath(name).stem,
        day_of(typed.get("first", "")),
        day_of(typed.get("last", "")),
        typed.get("approximate") == "yes",
        typed.get("source", "")[:LONGEST] or name,
        typed.get("trial") == "yes",
    )
    upper = tuple(read_upper(line.strip()) for line in typed.get("upper", "").splitlines() if line.strip())
    options = ReadOptions(
        layer=typed.get("layer") or None,
        code=typed.get("code") or None,
        name=typed.get("name") or None,
        level=typed.get("level") or None,
        upper=upper,
        encoding=typed.get("encoding") or None,
        crs=typed.get("crs") or None,
    )
    return Sent(boundary_uploads.folder() / "file", facts, options, typed.get("rebuild") == "yes")


def _here(set_id: str) -> bool:
    """Whether this process is at an import."""
    standing = installation().boundaries.look(set_id)
    return standing is not None and standing.stage in (Stage.WAITING, Stage.RUNNING)


def _coming(set_id: str) -> Coming:
    found = boundary_uploads.look(installation().reference, set_id, here=_here(set_id))
    if found is None:
        raise NotFound(mark("Nobody sent a file for a boundary set {set}. Send one."), set=set_id)
    return found


@boundary_import.get("/boundary-sets/import/<set_id>")
def work(set_id: str) -> str:
    """How far an import is, and how it ended."""
    coming = _coming(set_id)
    line = None
    if coming.stage is Stage.DONE:
        sets = succession_view.overview(installation().reference).sets
        line = next((one for one in sets if one.about.id == set_id), None)
    return render_template(
        "boundary_import_work.html",
        set_id=set_id,
        coming=coming,
        standing=Standing(coming.stage, coming.share, None),
        problem=say(coming.problem, **coming.facts) if coming.problem else None,
        line=line,
        findings=sentences(line.findings) if line else [],
        beside=sentences(line.beside) if line else [],
        levels=LEVELS,
        at_once=AT_ONCE,
    )


@boundary_import.get("/boundary-sets/import/<set_id>/progress")
def progress(set_id: str) -> Response:
    """How far that is, for the page's script."""
    coming = _coming(set_id)
    return jsonify(stage=coming.stage, share=round(coming.share, 3))
