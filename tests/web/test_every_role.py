"""Every address and everybody: what each role of each area is answered, and that nobody learns of another area.

One row an address; a new address without its row fails. Who stands above the columns, and what is tried, is told by
``every_role.py``: all of it belongs to Xã Một, so that ``other`` and ``far`` are to find nothing. 302 leads to the
sign-in, or back to the page after something was done; 400 stands where who asks may do it and sent nothing.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
from werkzeug.test import TestResponse

from mapper.settings import Settings
from server import create_app
from tests.client.site import Site, running
from tests.web.every_role import FORMULAS, SECRETS, SLOW, STRANGERS, WHO, Walker, World, read, rules, walk, world
from tests.web.headers_wanted import faults

pytestmark = pytest.mark.long

PATIENCE_S = 30
"""How long a file may take that is made while its reader asks again."""

# nobody, key, other, far, own, district, planner, admin
TABLE = """
GET /                                                                                302 403 302 302 302 302 302 302
GET /account                                                                         302 403 200 200 200 200 200 200
POST /account/password                                                               302 403 400 400 400 400 400 400
POST /account/sign-out-others                                                        302 403 302 302 302 302 302 302
GET /api/boundary-sets                                                               401 403 200 200 200 200 200 200
GET /api/boundary-sets/<old>/succession/<new>                                        401 403 200 200 200 200 200 200
GET /api/campaigns                                                                   401 403 200 200 200 200 200 200
GET /api/coverage                                                                    401 403 200 200 200 200 200 200
GET /api/coverage-by-day                                                             401 403 200 200 200 200 200 200
GET /api/epidemic-levels                                                             401 403 200 200 200 200 200 200
GET /api/forecast                                                                    401 403 200 200 200 200 200 200
GET /api/heat                                                                        401 403 200 200 200 200 200 200
GET /api/hot-spots                                                                   401 403 200 200 200 200 200 200
GET /api/openapi.json                                                                200 200 200 200 200 200 200 200
GET /api/people                                                                      401 403 200 200 200 200 200 200
GET /api/people/by-hamlet                                                            401 403 200 200 200 200 200 200
GET /api/people/count                                                                401 403 200 200 200 200 200 200
GET /api/places                                                                      401 403 200 200 200 200 200 200
GET /api/plans                                                                       401 403 200 200 200 200 200 200
POST /api/plans                                                                      401 403 400 400 400 400 400 400
DELETE /api/plans/<int:number>                                                       401 403 404 404 404 409 403 409
GET /api/plans/<int:number>                                                          401 403 404 404 404 200 200 200
POST /api/plans/<int:number>/again                                                   401 403 404 404 404 409 403 409
GET /api/plans/<int:number>/comparison                                               401 403 404 404 404 200 200 200
GET /api/plans/<int:number>/made                                                     401 403 404 404 404 200 200 200
GET /api/plans/<int:number>/progress                                                 401 403 404 404 404 200 200 200
POST /api/plans/<int:number>/stop                                                    401 403 404 404 404 200 403 200
POST /api/plans/<int:number>/tomorrow                                                401 403 404 404 404 400 400 400
POST /api/plans/<int:number>/unuse                                                   401 403 404 404 404 200 403 200
POST /api/plans/<int:number>/use                                                     401 403 404 404 404 200 403 200
GET /api/plans/<int:number>/variants                                                 401 403 404 404 404 200 200 200
POST /api/plans/<int:number>/variants                                                401 403 404 404 404 201 201 201
GET /api/sets                                                                        401 403 200 200 200 200 200 200
GET /api/shapes                                                                      401 403 200 200 200 200 200 200
GET /api/stock                                                                       401 403 200 200 200 200 200 200
GET /api/stock/entries                                                               401 403 200 200 200 200 200 200
POST /api/stock/entries                                                              401 403 400 400 400 400 400 400
POST /api/stock/entries/<int:number>/undo                                            401 403 403 403 403 201 403 201
GET /api/tiles/<int:z>/<int:x>/<int:y>.mvt                                           401 403 200 200 200 200 200 200
GET /api/tracks                                                                      401 403 200 200 200 200 403 200
GET /api/units/<set_id>/<level>/<path:code>                                          401 403 404 404 200 200 200 200
GET /api/version                                                                     401 403 200 200 200 200 200 200
GET /assets/<asked>/<path:name>                                                      200 200 200 200 200 200 200 200
GET /assignment                                                                      302 403 200 200 200 200 403 200
POST /assignment/draw                                                                302 403 400 400 400 400 403 400
POST /assignment/move                                                                302 403 404 404 302 302 403 302
POST /assignment/remove                                                              302 403 404 404 404 404 403 404
GET /audit                                                                           302 403 403 403 403 403 403 200
GET /audit.csv                                                                       302 403 403 403 403 403 403 200
GET /basemap/<int:z>/<int:x>/<int:y>                                                 401 404 404 404 404 404 404 404
GET /boundary-sets                                                                   302 403 200 200 200 200 200 200
GET /boundary-sets/import                                                            302 403 403 403 403 403 403 200
POST /boundary-sets/import                                                           302 403 403 403 403 403 403 400
GET /boundary-sets/import/<set_id>                                                   302 403 403 403 403 403 403 404
GET /boundary-sets/import/<set_id>/progress                                          302 403 403 403 403 403 403 404
POST /boundary-sets/succession                                                       302 403 403 403 403 403 403 400
GET /boundary-sets/<old>/to/<new>                                                    302 403 200 200 200 200 200 200
POST /boundary-sets/<old>/to/<new>/remove                                            302 403 403 403 403 403 403 303
GET /boundary-sets/<old>/to/<new>/<what>.<kind>                                      302 403 200 200 200 200 200 200
GET /boundary-sets/<old>/to/<new>/progress                                           302 403 200 200 200 200 200 200
GET /boundary-sets/<old>/to/<new>/work                                               302 403 303 303 303 303 303 303
POST /boundary-sets/<set_id>/days                                                    302 403 403 403 403 403 403 409
GET /cleaning                                                                        302 403 200 200 200 200 403 200
GET /cleaning/progress                                                               302 403 200 200 200 200 403 200
POST /cleaning/<campaign_id>/<key>                                                   302 403 400 400 400 400 403 400
GET /conflicts                                                                       302 403 200 200 200 200 403 200
POST /conflicts/<path:instance_id>                                                   302 403 404 404 409 409 403 409
GET /epidemic-levels                                                                 302 403 200 200 200 200 200 200
POST /epidemic-levels                                                                302 403 400 400 400 400 400 400
POST /epidemic-levels/import                                                         302 403 400 400 400 400 400 400
GET /erasure                                                                         302 403 403 403 403 403 403 200
GET /erasure/<path:instance_id>                                                      302 403 403 403 403 403 403 200
POST /erasure/<path:instance_id>                                                     302 403 403 403 403 403 403 400
GET /exchange                                                                        302 403 200 200 200 200 200 200
GET /exchange/adx.xml                                                                401 403 200 200 200 200 200 200
POST /exchange/compare                                                               401 403 400 400 400 400 400 400
GET /exchange/dhis2.<kind>                                                           401 403 200 200 200 200 200 200
GET /exchange/fhir.<kind>                                                            401 403 200 200 200 200 200 200
GET /exchange/left-out.csv                                                           401 403 200 200 200 200 200 200
POST /exchange/people                                                                401 403 400 400 400 400 400 400
POST /exchange/send                                                                  401 403 403 403 403 403 403 400
POST /exchange/units                                                                 401 403 403 403 403 403 403 400
GET /export/files                                                                    302 403 200 200 200 200 200 200
GET /export/files/<number>                                                           302 403 404 404 404 404 404 404
GET /export/files/<number>/progress                                                  302 403 404 404 404 404 404 404
POST /export/files/<number>/stop                                                     302 403 404 404 404 404 404 404
GET /export/people.<kind>                                                            302 403 200 200 200 200 200 200
GET /export/progress                                                                 302 403 404 404 404 404 404 404
POST /export/stop                                                                    302 403 404 404 404 404 404 404
GET /export/submissions/<form_id>.zip                                                302 403 200 200 200 200 200 200
GET /export/waiting                                                                  302 403 200 200 200 200 200 200
GET /fieldwork                                                                       302 403 200 200 200 200 200 200
GET /fieldwork/version                                                               302 403 200 200 200 200 200 200
GET /follow-up                                                                       302 403 200 200 200 200 200 200
GET /follow-up/sheets.pdf                                                            302 403 404 404 200 200 200 200
GET /forecast                                                                        302 403 200 200 200 200 200 200
GET /forecast.<kind>                                                                 302 403 200 200 200 200 200 200
GET /forecast/progress                                                               302 403 200 200 200 200 200 200
POST /form/<path:form_id>/close                                                      302 403 403 403 403 403 403 302
POST /form/<path:form_id>/delete-draft                                               302 403 403 403 403 403 403 302
POST /form/<path:form_id>/delete-tried                                               302 403 403 403 403 403 403 404
GET /form/<path:form_id>/draft                                                       302 403 403 403 403 403 403 200
POST /form/<path:form_id>/offer                                                      302 403 403 403 403 403 403 404
POST /form/<path:form_id>/publish                                                    302 403 403 403 403 403 403 409
GET /form/<path:form_id>/tried/<path:instance_id>/files/<sha256>                     302 403 403 403 403 403 403 404
GET /formList                                                                        401 401 401 401 401 401 401 401
GET /forms                                                                           302 403 403 403 403 403 403 200
POST /forms                                                                          302 403 403 403 403 403 403 400
GET /forms/<form_id>/<version>/form.xml                                              401 401 401 401 401 401 401 401
GET /forms/<form_id>/<version>/integrity/<name>                                      401 401 401 401 401 401 401 401
GET /forms/<form_id>/<version>/manifest                                              401 401 401 401 401 401 401 401
GET /forms/<form_id>/<version>/media/<name>                                          401 401 401 401 401 401 401 401
GET /healthz                                                                         200 200 200 200 200 200 200 200
GET /hot-spots                                                                       302 403 200 200 200 200 200 200
GET /hot-spots/progress                                                              302 403 200 200 200 200 200 200
GET /integrity                                                                       302 403 200 200 200 200 403 200
POST /integrity/back-checks                                                          302 403 404 404 404 404 403 404
POST /integrity/back-checks/round                                                    302 403 404 404 404 404 403 404
GET /integrity/back-checks/<int:number>                                              302 403 404 404 200 200 403 200
POST /integrity/back-checks/<int:number>                                             302 403 404 404 404 404 403 404
GET /integrity/back-checks/<int:number>/sheet.pdf                                    302 403 404 404 200 200 403 200
POST /integrity/notes                                                                302 403 404 404 404 404 403 404
GET /integrity/progress                                                              302 403 200 200 200 200 403 200
POST /integrity/stop                                                                 302 403 302 302 302 302 403 302
GET /key/<token>/fill                                                                403 200 200 200 200 200 200 200
GET /key/<token>/fill-worker.js                                                      403 200 200 200 200 200 200 200
GET /key/<token>/fill/<path:form_id>                                                 403 200 200 200 200 200 200 200
GET /key/<token>/formList                                                            403 200 200 200 200 200 200 200
GET /key/<token>/forms/<form_id>/<version>/form.xml                                  403 200 200 200 200 200 200 200
GET /key/<token>/forms/<form_id>/<version>/integrity/<name>                          403 404 404 404 404 404 404 404
GET /key/<token>/forms/<form_id>/<version>/manifest                                  403 200 200 200 200 200 200 200
GET /key/<token>/forms/<form_id>/<version>/media/<name>                              403 200 200 200 200 200 200 200
HEAD /key/<token>/submission                                                         403 204 204 204 204 204 204 204
POST /key/<token>/submission                                                         403 400 400 400 400 400 400 400
GET /language/<code>                                                                 302 302 302 302 302 302 302 302
GET /list                                                                            302 403 200 200 200 200 200 200
GET /list/paper                                                                      302 403 200 200 200 200 200 200
GET /list/progress                                                                   302 403 200 200 200 200 200 200
POST /list/saved                                                                     302 403 400 400 400 400 400 400
POST /list/saved/<int:number>                                                        302 403 400 400 400 400 400 400
GET /map                                                                             302 403 200 200 200 200 200 200
GET /map/compare                                                                     302 403 200 200 200 200 200 200
GET /map/print                                                                       302 403 200 200 200 200 200 200
GET /map/print.pdf                                                                   302 403 404 404 200 200 200 200
GET /metrics                                                                         404 404 404 404 404 404 404 404
GET /national-register                                                               302 403 200 200 200 200 200 200
POST /national-register                                                              302 403 400 400 400 400 400 400
GET /national-register/<int:number>                                                  302 403 200 200 200 200 200 200
GET /national-register/<int:number>/columns                                          302 403 404 404 404 404 403 200
POST /national-register/<int:number>/columns                                         302 403 404 404 404 404 403 400
POST /national-register/<int:number>/commune                                         302 403 404 404 404 404 404 303
POST /national-register/<int:number>/decide                                          302 403 400 400 400 400 403 400
POST /national-register/<int:number>/delete                                          302 403 404 404 404 404 403 302
GET /national-register/<int:number>/progress                                         302 403 200 200 200 200 200 200
POST /national-register/<int:number>/stop                                            302 403 302 302 302 302 403 302
GET /national-register/<int:number>/<any(list, platform):what>.<any(csv, xlsx):kind> 302 403 200 200 200 200 200 200
GET /odata/<form_id>.svc                                                             401 403 200 200 200 200 200 200
GET /odata/<form_id>.svc/                                                            401 403 200 200 200 200 200 200
GET /odata/<form_id>.svc/$metadata                                                   401 403 200 200 200 200 200 200
GET /odata/<form_id>.svc/<path:what>                                                 401 403 200 200 200 200 200 200
GET /people                                                                          302 403 200 200 200 200 200 200
GET /plans                                                                           302 403 200 200 200 200 200 200
POST /plans                                                                          302 403 400 400 400 400 400 400
GET /plans/compare                                                                   302 403 404 404 404 200 200 200
GET /plans/<int:number>                                                              302 403 404 404 404 200 200 200
POST /plans/<int:number>/again                                                       302 403 400 400 400 400 400 400
POST /plans/<int:number>/change                                                      302 403 400 400 400 400 400 400
GET /plans/<int:number>/files/<kind>                                                 302 403 404 404 404 200 200 200
GET /plans/<int:number>/people                                                       302 403 404 404 404 200 200 200
GET /plans/<int:number>/progress                                                     302 403 404 404 404 200 200 200
GET /plans/<int:number>/sites/<path:code>                                            302 403 404 404 404 200 200 200
GET /plans/<int:number>/stage                                                        302 403 404 404 404 200 200 200
POST /plans/<int:number>/what-if                                                     302 403 404 404 404 400 400 400
GET /public                                                                          200 200 200 200 200 200 200 200
GET /public/map.js                                                                   200 200 200 200 200 200 200 200
GET /public/settings                                                                 302 403 403 403 403 403 403 200
POST /public/settings                                                                302 403 403 403 403 403 403 400
GET /readyz                                                                          200 200 200 200 200 200 200 200
GET /reasons                                                                         302 403 200 200 200 200 200 200
GET /reasons/progress                                                                302 403 200 200 200 200 200 200
GET /report                                                                          302 403 200 200 200 200 200 200
GET /report.<kind>                                                                   302 403 200 200 200 200 200 200
GET /retention                                                                       302 403 403 403 403 403 403 200
GET /retention/<campaign_id>                                                         302 403 403 403 403 403 403 200
POST /retention/<campaign_id>                                                        302 403 403 403 403 403 403 303
POST /retention/<campaign_id>/erase                                                  302 403 403 403 403 403 403 400
GET /retention/<campaign_id>/progress                                                302 403 403 403 403 403 403 200
GET /sign-in                                                                         200 302 302 302 302 302 302 302
POST /sign-in                                                                        401 401 401 401 401 401 401 401
POST /sign-out                                                                       302 302 302 302 302 302 302 302
GET /sites                                                                           302 403 200 200 200 200 200 200
POST /sites                                                                          302 403 400 400 400 400 400 400
POST /sites/import                                                                   302 403 400 400 400 400 400 400
POST /sites/remove                                                                   302 403 400 400 400 400 400 400
GET /slips                                                                           302 403 200 200 200 200 200 200
GET /slips/batch/<number>                                                            302 403 404 404 404 404 404 404
POST /slips/batch/<number>/stop                                                      302 403 404 404 404 404 404 404
GET /slips/check                                                                     200 200 200 200 200 200 200 200
POST /slips/check                                                                    200 200 200 200 200 200 200 200
GET /slips/house                                                                     302 403 404 404 200 200 200 200
POST /slips/house                                                                    302 403 400 400 400 400 400 400
POST /slips/keys                                                                     302 403 403 403 403 403 403 302
GET /slips/of/<path:instance_id>                                                     302 403 404 404 302 302 302 302
GET /slips/offline.html                                                              200 200 200 200 200 200 200 200
GET /slips/people                                                                    302 403 200 200 200 200 200 200
POST /slips/people                                                                   302 403 400 400 400 400 400 400
GET /slips/people/progress                                                           302 403 200 200 200 200 200 200
POST /slips/revoke                                                                   302 403 400 400 400 400 400 400
GET /static/<path:filename>                                                          200 200 200 200 200 200 200 200
GET /stock                                                                           302 403 200 200 200 200 200 200
POST /stock                                                                          302 403 400 400 400 400 400 400
POST /stock/import                                                                   302 403 400 400 400 400 400 400
POST /stock/undo                                                                     302 403 400 400 400 400 400 400
GET /stock/<what>.<kind>                                                             302 403 200 200 200 200 200 200
HEAD /submission                                                                     401 401 401 401 401 401 401 401
POST /submission                                                                     401 401 401 401 401 401 401 401
GET /submission/<path:instance_id>                                                   302 403 404 404 200 200 200 200
GET /submission/<path:instance_id>/files/<sha256>                                    302 403 404 404 200 200 200 200
POST /submission/<path:instance_id>/remarks                                          302 403 404 404 302 302 403 302
GET /submission/<path:instance_id>/xml                                               302 403 404 404 200 200 200 200
GET /submissions                                                                     302 403 200 200 200 200 200 200
POST /submissions/<path:instance_id>/process                                         302 403 404 404 404 302 302 302
GET /surveys                                                                         302 403 200 200 200 200 200 200
POST /surveys/file                                                                   302 403 400 400 400 400 400 400
POST /surveys/lots                                                                   302 403 404 404 400 400 400 400
GET /surveys/lots/<int:number>                                                       302 403 404 404 200 200 200 200
POST /surveys/lots/<int:number>/findings                                             302 403 404 404 302 302 302 302
GET /surveys/lots/<int:number>/sheet.pdf                                             302 403 404 404 200 200 200 200
GET /surveys/template.csv                                                            302 403 200 200 200 200 200 200
GET /targets                                                                         302 403 200 200 200 200 200 200
GET /targets.csv                                                                     302 403 200 200 200 200 200 200
POST /targets/responsible                                                            302 403 403 403 302 302 403 302
POST /targets/responsible-list                                                       302 403 400 400 400 400 400 400
GET /targets/responsible.csv                                                         302 403 200 200 200 200 403 200
POST /targets/target                                                                 302 403 403 403 403 302 403 302
GET /test/<token>/fill                                                               403 403 403 403 403 403 403 200
GET /test/<token>/fill-worker.js                                                     403 403 403 403 403 403 403 200
GET /test/<token>/fill/<path:form_id>                                                403 403 403 403 403 403 403 200
GET /test/<token>/form.xml                                                           403 403 403 403 403 403 403 200
GET /test/<token>/formList                                                           403 403 403 403 403 403 403 200
GET /test/<token>/integrity                                                          403 403 403 403 403 403 403 200
GET /test/<token>/manifest                                                           403 403 403 403 403 403 403 200
GET /test/<token>/media/<name>                                                       403 403 403 403 403 403 403 200
HEAD /test/<token>/submission                                                        403 403 403 403 403 403 403 204
POST /test/<token>/submission                                                        403 403 403 403 403 403 403 400
GET /trends                                                                          302 403 200 200 200 200 200 200
GET /trends/progress                                                                 302 403 200 200 200 200 200 200
GET /trends/<kind>.<ending>                                                          302 403 200 200 200 200 200 200
GET /unit/<set_id>/<level>/<path:code>                                               302 403 404 404 200 200 200 200
GET /upcoming                                                                        302 403 200 200 200 200 200 200
GET /users                                                                           302 403 200 200 200 200 403 200
POST /users                                                                          302 403 400 400 302 302 403 302
GET /users/cards                                                                     302 403 404 404 200 200 403 200
GET /users/<int:user_id>                                                             302 403 404 404 200 200 403 200
POST /users/<int:user_id>/areas                                                      302 403 404 404 302 302 403 302
POST /users/<int:user_id>/end                                                        302 403 404 404 302 302 403 302
POST /users/<int:user_id>/password                                                   302 403 404 404 409 409 403 409
POST /users/<int:user_id>/renew                                                      302 403 404 404 302 302 403 302
"""


def expected() -> dict[str, dict[str, int]]:
    """The table: by row, what each of WHO is answered."""
    found = {}
    for line in TABLE.strip().splitlines():
        row, told = line[: -len(" 200") * len(WHO)].rstrip(), line[-len(" 200") * len(WHO) :].split()
        found[row] = dict(zip(WHO, map(int, told), strict=True))
    return found


@pytest.fixture(scope="module")
def here(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A district where something of everything happened."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "site.sqlite3").write_bytes(filled_sqlite.read_bytes())
    settings = Settings(data_dir=folder, chunk_mb=1, max_submission_mb=4)
    with running(settings, f"sqlite:///{folder / 'site.sqlite3'}") as site:
        return world(site, folder / "site.sqlite3", folder)


def test_every_address_stands_in_the_table_and_none_that_is_gone(tmp_path: Path) -> None:
    assert sorted(rules(create_app(Settings(data_dir=tmp_path)))) == sorted(expected())


def test_strangers_are_refused_wherever_the_table_knows_an_area() -> None:
    table = expected()
    for row, told in table.items():
        if told["own"] < 400 <= told["other"]:
            assert told["nobody"] in (302, 401, 403), row
            assert told["other"] in (400, 403, 404), row
    assert sum(told["own"] < 400 <= told["other"] for told in table.values()) > 15


@pytest.mark.parametrize("who", WHO)
def test_everybody_is_answered_as_the_table_says_and_learns_of_no_other_area(
    here: World, tmp_path: Path, who: str
) -> None:
    with walk(here, tmp_path, who) as walker:
        _walk(walker, expected(), who)


def _walk(walker: Walker, table: dict[str, dict[str, int]], who: str) -> None:
    wrong, seen, tables = [], set[str](), 0
    for row, rule in rules(walker.app).items():
        answer, wanted, until = walker.ask(row, rule), table[row][who], monotonic() + PATIENCE_S
        while rule.endpoint in SLOW and answer.status_code != wanted and monotonic() < until:
            sleep(0.1)
            answer = walker.ask(row, rule)
        if answer.status_code != wanted:
            wrong.append(f"{row}: {answer.status_code} for {wanted}")
        wrong += [f"{row}: {fault}" for fault in faults(answer, row)]
        told = [read(answer)]
        if who in (*STRANGERS, "district"):
            told += map(read, walker.others(row, rule))
        here_told = {one for text in told for one in SECRETS if one in text and one not in walker.address(rule)}
        seen |= here_told  # what somebody named, they knew
        if who in STRANGERS:
            wrong += [f"{row} tells {one}" for one in sorted(here_told)]
        if answer.status_code == 200 and not rule.rule.startswith(("/key/", "/test/", "/forms/")):
            found = list(cells(answer))
            tables += bool(found)
            wrong += [f"{row} runs {cell}" for cell in found if begins_formula(cell)]
    assert not wrong, "\n".join(wrong)
    if who == "district":
        assert seen == set(SECRETS)  # what is kept from the others is told to those whose it is
        assert tables > 10


# Nothing that a spreadsheet would run


def cells(answer: TestResponse) -> Iterator[str]:
    """The cells of a table for spreadsheets, or of all tables in a zip; a formula of a workbook with its sign."""
    kind = answer.mimetype
    if kind == "text/csv":
        yield from _csv_cells(answer.get_data())
    elif kind in ("application/zip", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"):
        with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
            for name in archive.namelist():
                if name.endswith(".csv"):
                    yield from _csv_cells(archive.read(name))
                elif name.startswith("xl/worksheets/"):
                    yield from ("=" + one for one in re.findall(r"<f[ >][^<]*", archive.read(name).decode()))
                    yield ""


def _csv_cells(content: bytes) -> Iterator[str]:
    yield from (cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row)


def begins_formula(cell: str) -> bool:
    """Whether a spreadsheet would run a cell: numbers with their sign it would not."""
    return bool(re.match(r"\s*[=+\-@＝＋－＠]", cell)) and not re.fullmatch(r"[+-]?\d+([.,]\d+)?%?", cell.strip())


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_cell_that_would_be_run_is_found(cell: str) -> None:
    assert begins_formula(cell)
    assert not begins_formula("'" + cell)


# Nobody acts through somebody else's browser


def test_nothing_is_written_without_the_token_of_a_page_of_this_server(here: World, tmp_path: Path) -> None:
    with walk(here, tmp_path, "admin") as walker:
        writes = {row: rule for row, rule in rules(walker.app).items() if not row.startswith(("GET", "HEAD"))}
        assert len(writes) > 60
        by_key = {row for row in writes if re.search(r" (/key/<token>|/test/<token>|)/submission$", row)}
        let_in = {row for row, rule in writes.items() if walker.ask(row, rule, csrf=False).status_code != 400}
        # A phone's key stands in its address, or it answers a challenge: no browser adds either by itself.
        assert let_in <= by_key
        assert len(by_key) == 3
        assert walker.client.get("/account").status_code == 200


def test_no_address_that_only_tells_takes_what_is_posted(sqlite_site: Site) -> None:
    for row, rule in rules(create_app(sqlite_site.settings, sqlite_site.reference)).items():
        if row.startswith("GET"):
            assert (rule.methods or set()) <= {"GET", "HEAD", "OPTIONS"}, row
