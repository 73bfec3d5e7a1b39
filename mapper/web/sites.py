"""The page of sites: where people can be vaccinated, entered one by one or as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mapper.domain.roles import OVERSEERS, READERS
from mapper.domain.sites import SiteKind
from mapper.errors import InvalidInput, MapperError, mark
from mapper.maps.coverage_map import MapParts
from mapper.maps.site_map import SiteMapView, site_map
from mapper.services import sites as service
from mapper.services.site_area import site_area
from mapper.web.accounts import only_for, reader
from mapper.web.asked import Asked, ask
from mapper.web.base_map import base_tiles
from mapper.web.installation import installation
from mapper.web.language_choice import say
from mapper.web.uploads import LONG_TABLE_MB, content

KINDS = {SiteKind.FIXED: mark("fixed"), SiteKind.MOBILE: mark("mobile")}

sites = Blueprint("sites", __name__)
_only_for_readers = only_for(*READERS)


@sites.before_request
def _guard() -> AnyResponse | None:
    return _only_for_readers()


@sites.get("/sites")
def page() -> str:
    """All sites on a map and in a table, with forms for one and for a file; change: code of the one to change."""
    asked = ask({"set": request.args["set"]} if request.args.get("set") else {})
    shown = service.shown_to(installation().reference, reader(), _shown_set(asked))
    wish = request.args.get("change")
    changing = next((one.site for one in shown if one.own and one.site.code == wish), None)
    return _page(shown, service.as_typed(changing) if changing else {}, asked=asked)


def _shown_set(asked: Asked | None) -> str:
    return asked.state["set"] if asked is not None else ""


def _refused(problem: MapperError) -> str:
    return _page(service.shown_to(installation().reference, reader()), request.form, problem)


def _page(
    shown: Sequence[service.ShownSite],
    typed: Mapping[str, str],
    problem: MapperError | None = None,
    asked: Asked | None = None,
) -> str:
    return render_template(
        "sites.html",
        sites=shown,
        asked=asked,
        map=_map(_shown_set(asked)),
        kinds=KINDS,
        overseer=reader().role in OVERSEERS,
        problem=say(problem) if problem is not None else None,
        typed=typed,
        told=get_flashed_messages(),
    )


def _map(set_id: str) -> MapParts | None:
    found = site_area(installation().reference, reader(), set_id)
    if found is None:
        return None
    ground = base_tiles()
    return site_map(
        SiteMapView(
            found.bounds,
            found.outlines,
            tile_url=ground.url,
            tile_attribution=ground.attribution,
            tile_options=ground.options,
        )
    )


@sites.post("/sites")
def enter() -> AnyResponse | tuple[str, int]:
    """Enter a site, or change the one of its code."""
    try:
        site = service.read_one(request.form.to_dict())
        service.enter(installation().reference, reader(), site)
    except MapperError as problem:
        return _refused(problem), 400
    flash(say("The site {name} is entered.", name=site.name))
    return redirect(url_for("sites.page"), 303)


@sites.post("/sites/import")
def take() -> AnyResponse | tuple[str, int]:
    """Enter the sites of a file."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise InvalidInput(mark("Choose a file: CSV, XLSX, GeoJSON or KML."))
        taken = service.take_file(installation().reference, reader(), file.filename, content(file, LONG_TABLE_MB))
    except MapperError as problem:
        return _refused(problem), 400
    words = mark("{new} sites are new, {changed} changed, {same} as before.")
    flash(say(words, new=taken.new, changed=taken.changed, same=taken.same))
    return redirect(url_for("sites.page"), 303)


@sites.post("/sites/remove")
def remove() -> AnyResponse | tuple[str, int]:
    """Take a site out."""
    try:
        service.remove(installation().reference, reader(), request.form.get("code", ""))
    except MapperError as problem:
        return _refused(problem), 400
    flash(mark("The site is taken out."))
    return redirect(url_for("sites.page"), 303)
