"""The page of sites: where people can be vaccinated, entered one by one or as a file."""

from __future__ import annotations

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import OVERSEERS, READERS
from mapper.domain.sites import SiteKind
from mapper.errors import InvalidInput, MapperError, mark
from mapper.services import sites as service
from mapper.web.accounts import only_for, reader
from mapper.web.installation import installation
from mapper.web.language_choice import say

KINDS = {SiteKind.FIXED: mark("fixed"), SiteKind.MOBILE: mark("mobile")}

sites = Blueprint("sites", __name__)
_only_for_readers = only_for(*READERS)


@sites.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@sites.get("/sites")
def page() -> str:
    """All sites, with forms for one and for a file."""
    return _page()


def _page(problem: MapperError | None = None) -> str:
    return render_template(
        "sites.html",
        sites=service.shown_to(installation().reference, reader()),
        kinds=KINDS,
        overseer=reader().role in OVERSEERS,
        problem=say(problem) if problem is not None else None,
        typed=request.form,
        told=get_flashed_messages(),
    )


@sites.post("/sites")
def enter() -> AnyResponse | tuple[str, int]:
    """Enter a site, or change the one of its code."""
    try:
        site = service.read_one(request.form.to_dict())
        service.enter(installation().reference, reader(), site)
    except MapperError as problem:
        return _page(problem), 400
    flash(say("The site {name} is entered.", name=site.name))
    return redirect(url_for("sites.page"), 303)


@sites.post("/sites/import")
def take() -> AnyResponse | tuple[str, int]:
    """Enter the sites of a file."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise InvalidInput(mark("Choose a file: CSV, XLSX, GeoJSON or KML."))
        taken = service.take_file(installation().reference, reader(), file.filename, file.read())
    except MapperError as problem:
        return _page(problem), 400
    words = mark("{new} sites are new, {changed} changed, {same} as before.")
    flash(say(words, new=taken.new, changed=taken.changed, same=taken.same))
    return redirect(url_for("sites.page"), 303)


@sites.post("/sites/remove")
def remove() -> AnyResponse | tuple[str, int]:
    """Take a site out."""
    try:
        service.remove(installation().reference, reader(), request.form.get("code", ""))
    except MapperError as problem:
        return _page(problem), 400
    flash(mark("The site is taken out."))
    return redirect(url_for("sites.page"), 303)
