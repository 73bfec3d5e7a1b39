"""Random filters at every address of a running server find whom pandas finds in the raw answers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pyogrio
import pytest

from mapper.domain.people_filter import read_filter
from mapper.services import publish
from mapper.services.people_copy import copy_of
from mapper.services.reference import Reference
from mapper.settings import Settings
from mapper.store import schema
from mapper.store.database import Database
from tests.client.site import Site, running
from tests.proofs import drawn
from tests.ready import filled_sqlite as filled
from tests.services.random_census import Census
from tests.services.town import FORMS, Town
from tests.web.test_menu import at_desk

pytestmark = pytest.mark.long

FILTERS, HOUSES = drawn(40, 15), 40


@pytest.fixture(scope="module")
def town_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running server with the forms and both sets of the town, nobody visited yet."""
    folder = tmp_path_factory.mktemp("town-site")

    def fill(database: Database) -> None:
        schema.upgrade(database)
        publish.publish(Reference(database), FORMS / "covid19")
        town = Town(Reference(database), folder)
        town.import_squares()
        town.import_strips()

    with running(Settings(data_dir=folder), f"sqlite:///{filled(folder, fill)}") as made:
        yield made


def test_page_program_files_and_map_find_whom_the_raw_answers_tell(town_site: Site, tmp_path: Path) -> None:
    census = Census(Town(town_site.reference, tmp_path), 11, HOUSES)
    copy_of(town_site.reference).copy(town_site.reference, "covid19")
    found = 0
    with at_desk(town_site, "administrator") as desk:
        for _ in range(FILTERS):
            values, set_id, day = census.filter()
            rows = census.raw.wanted(values, set_id, day)
            people, houses, expected = len(rows), rows["house"].nunique(), sorted(rows["id"])
            asked = [
                ("campaign", "covid19"),
                ("set", set_id),
                ("date", day.isoformat()),
                *read_filter(values).address(),
            ]
            query = urlencode(asked)

            page = desk.get(f"/list?{query}&view=people&lang=en").text
            told = re.search(r'<p class="lead"><b>([\d,]+) people</b>, <b>([\d,]+) houses', page)
            assert told is not None and (int(told[1]), int(told[2])) == (people, houses), query
            body = desk.get(f"/api/people?{query}&limit=1000").json()
            assert sorted(one["id"] for one in body["results"]) == expected, query
            assert (body["people"], body["households"]) == (people, houses), query

            lines = list(
                csv.reader(io.StringIO(desk.get(f"/export/people.csv?{query}&lang=en").content.decode("utf-8-sig")))
            )
            head = next(place for place, line in enumerate(lines) if "Person id" in line)
            column = lines[head].index("Person id")
            assert sorted(line[column] for line in lines[head + 1 :]) == expected, query
            (tmp_path / "people.gpkg").write_bytes(desk.get(f"/export/people.gpkg?{query}").content)
            held = pyogrio.read_dataframe(tmp_path / "people.gpkg", layer="people", read_geometry=False)
            assert sorted(held["id"]) == expected, query

            laid = desk.get(f"/api/people/by-hamlet?{query}").json()
            assert (laid["people"], laid["households"]) == (people, houses), query
            assert sum(one[2] for one in laid["hamlets"]) + laid["unplaced"] == people, query
            found += bool(people)
    assert found > 0.6 * FILTERS, found
