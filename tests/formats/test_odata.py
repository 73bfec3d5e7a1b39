"""A form as an OData feed: metadata by the rules of CSDL, rows of its types, and what an address may ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree
from shapely import from_wkt
from shapely.geometry import shape as geometry

from mapper.errors import InvalidInput, MapperError, NotSupported
from mapper.formats.odata import Shape, metadata, row_of
from mapper.formats.odata_query import only, read_condition, read_expand, read_order, read_select
from mapper.formats.odata_values import TYPES, value_of
from mapper.formats.submission_tables import Question, SubmissionTable, TableRow, read_rows
from tests.formats.csdl import Metadata

NOW = datetime(2022, 9, 8, 3, 0, tzinfo=UTC)
# A repeat in a group, another in that one, and names that are alike once OData has taken their accents and signs.
TABLES = [
    SubmissionTable(
        (),
        None,
        (
            *(Question((kind,), kind) for kind in (*TYPES, "string", "time")),
            Question(("a-b",), "string"),
            Question(("a.b",), "int"),
            Question(("số",), "int"),
            Question(("__id",), "string"),
            Question(("nhà", "tên chủ"), "string"),
            Question(("x" * 200,), "string"),
            Question(("x" * 199 + "y",), "string"),
        ),
    ),
    SubmissionTable(("nhà", "người"), (), (Question(("nhà", "người", "tên"), "string"),)),
    SubmissionTable(
        ("nhà", "người", "mũi"),
        ("nhà", "người"),
        (
            Question(("nhà", "người", "mũi", "ngày"), "date"),
            Question(("nhà", "người", "mũi", "at", "place"), "geopoint"),
        ),
    ),
    SubmissionTable(("animal",), (), (Question(("animal", "kind"), "string"),)),
]
SHAPE = Shape.of(TABLES)
FORM, PEOPLE, DOSES, ANIMALS = TABLES
XML = """<data><int>5</int><decimal>1.5</decimal><boolean>true</boolean><geopoint>22.05 105.1 300 6.5</geopoint>
<geotrace>22 105 0 0;22.1 105.1 0 0</geotrace><geoshape>22 105 0 0;22.1 105 0 0;22.1 105.1 0 0;22 105 0 0</geoshape>
<date>2022-09-08</date><dateTime>2022-09-08T10:00:00.000+07:00</dateTime><string>Lan</string><time>10:00</time>
<a-b>one</a-b><a.b>2</a.b><số>3</số><nhà><người><tên>Lan</tên><mũi><ngày>2021-08-10</ngày></mũi>
<mũi><ngày>2022-01-10</ngày><at><place>22 105</place></at></mũi></người><người><tên>Nam</tên></người></nhà>
<animal><kind>dog</kind></animal></data>"""
SYSTEM = dict.fromkeys(("submitterName", "status", "reviewState", "deviceId", "updatedAt", "submitterId")) | {
    "submissionDate": "2022-09-08T03:00:00.000+00:00",
    "attachmentsPresent": 0,
    "attachmentsExpected": 0,
    "edits": 0,
    "formVersion": "1",
}


@pytest.fixture(scope="module")
def rows() -> list[TableRow]:
    return list(read_rows(etree.fromstring(XML), "uuid:1'", SHAPE.tables))


def told(rows: list[TableRow], table: SubmissionTable, **more: Any) -> list[dict[str, Any]]:
    found = [one for one in rows if one.table == table.path]
    return [row_of(one, SHAPE, SYSTEM if table is FORM else None, rows, **more) for one in found]


def test_the_metadata_keeps_to_the_rules_and_describes_every_row(rows: list[TableRow]) -> None:
    described = Metadata(metadata("mẫu 1", SHAPE).encode())
    assert list(described.sets) == [
        "Submissions",
        "Submissions.nh_.ng__i",
        "Submissions.nh_.ng__i.m_i",
        "Submissions.animal",
    ]
    for expanded in (frozenset(), frozenset(SHAPE.tables)):
        for table, (name, kind) in zip(TABLES, described.sets.items(), strict=True):
            found = told(rows, table, expanded=expanded)
            assert found, name
            for row in found:
                described.check_row(row, kind)


def test_names_alike_in_one_place_are_told_apart(rows: list[TableRow]) -> None:
    (row,) = told(rows, FORM)
    assert (row["a_b"], row["a_b_2"], row["s_"], row["__id"]) == ("one", 2, 3, "uuid:1'")
    assert row["__id_2"] is None
    assert {len(name) for name in row if name.startswith("xx")} == {120, 122}


def test_rows_of_repeats_name_the_row_they_stand_in(rows: list[TableRow]) -> None:
    people, doses = told(rows, PEOPLE), told(rows, DOSES)
    assert [row["__Submissions-id"] for row in people] == ["uuid:1'"] * 2
    assert [row["__Submissions-nh_-ng__i-id"] for row in doses] == [people[0]["__id"]] * 2
    assert [row["at"]["place"] for row in doses] == [None, {"type": "Point", "coordinates": [105.0, 22.0]}]
    (row,) = told(rows, FORM)
    assert row["nh_"]["ng__i@odata.navigationLink"] == "Submissions('uuid%3A1%27%27')/nh_/ng__i"


def test_repeats_are_written_out_all_or_those_that_are_named(rows: list[TableRow]) -> None:
    (row,) = told(rows, FORM, expanded=read_expand("*", SHAPE, FORM))
    assert [len(one["m_i"]) for one in row["nh_"]["ng__i"]] == [2, 0] and len(row["animal"]) == 1
    (row,) = told(rows, FORM, expanded=read_expand("nh_/ng__i", SHAPE, FORM))
    assert len(row["nh_"]["ng__i"]) == 2 and "m_i" not in row["nh_"]["ng__i"][0]
    assert "animal@odata.navigationLink" in row
    with pytest.raises(NotSupported, match=r"\$expand=\*, \$expand=nh_/ng__i, \$expand=animal"):
        read_expand("animal($select=kind)", SHAPE, FORM)


def test_of_a_row_only_what_is_selected_is_told(rows: list[TableRow]) -> None:
    everything = frozenset(SHAPE.tables)

    def chosen(text: str, expanded: frozenset[tuple[str, ...]] = frozenset()) -> dict[str, Any]:
        (row,) = told(rows, FORM, expanded=expanded)
        wanted = read_select(text, SHAPE, FORM, expanded)
        return row if wanted is None else only(row, wanted)

    assert chosen("int") == {"__id": "uuid:1'", "int": 5}
    assert chosen("__id, geopoint") == {"__id": "uuid:1'", "geopoint": value_of("geopoint", "22.05 105.1 300 6.5")}
    assert chosen("__system/edits,__system/formVersion")["__system"] == {"edits": 0, "formVersion": "1"}
    assert chosen("__system,__system/edits")["__system"] == SYSTEM
    assert chosen("nh_/t_n_ch_")["nh_"] == {"t_n_ch_": None}
    assert set(chosen("animal")) == {"__id", "animal@odata.navigationLink"}
    # What is written out comes along, as OData has it.
    assert set(chosen("int", everything)) == {"__id", "int", "nh_", "animal"}
    assert set(chosen("int", everything)["nh_"]) == {"ng__i"}
    assert chosen("*") == chosen("")
    with pytest.raises(InvalidInput, match=r"Submissions has no property chủ\. It has: __id, __system, int"):
        chosen("chủ")
    with pytest.raises(InvalidInput, match="It has: submissionDate, updatedAt"):
        chosen("__system/nothing")


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("geopoint", "22.05 105.1 300 6.5", "POINT (105.1 22.05 300)"),
        ("geopoint", "22.05 105.1", "POINT (105.1 22.05)"),
        ("geotrace", "22 105 0 0; 22.1 105.1 0 0;", "LINESTRING (105 22 0,105.1 22.1 0)"),
        ("geotrace", "22 105 0 0; 22.1 105.1", "LINESTRING (105 22,105.1 22.1)"),
        ("geoshape", "22 105;22.1 105;22.1 105.1;22 105", "POLYGON ((105 22,105 22.1,105.1 22.1,105 22))"),
    ],
    ids=["point", "point without height", "line", "line with one height", "area"],
)
def test_places_are_told_as_geojson_or_as_wkt(kind: str, text: str, expected: str) -> None:
    assert value_of(kind, text, wkt=True) == expected
    assert from_wkt(expected).equals_exact(geometry(value_of(kind, text)), 1e-9)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int", "9223372036854775808"),
        ("int", "1_000"),
        ("int", "１"),
        ("decimal", "nan"),
        ("decimal", "inf"),
        ("boolean", "yes"),
        ("date", "2022-02-30"),
        ("dateTime", "soon"),
        ("geopoint", "22"),
        ("geopoint", "nan 105"),
        ("geopoint", "105 22 0 0"),
        ("geotrace", "22 105"),
        ("geoshape", "22 105;22.1 105;22.1 105.1;22.2 105"),
        ("geoshape", "22 105;22.1 105;22 105"),
    ],
    ids=lambda value: str(value).replace(" ", "_").replace("１", "full-width"),
)
def test_what_is_no_value_of_its_type_is_null(kind: str, text: str) -> None:
    assert value_of(kind, text) is None and value_of(kind, text, wkt=True) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("__system/submissionDate lt 2022-09-08", ("lt", "submissionDate", "", "2022-09-08T00:00:00.000+00:00")),
        (
            "$root/Submissions/__system/updatedAt ge 2022-09-08T10:00:00.25+07:00",
            ("ge", "updatedAt", "", "2022-09-08T03:00:00.250+00:00"),
        ),
        (
            "__system/submissionDate ge 2022-09-08T10:00:00 07:00",
            ("ge", "submissionDate", "", "2022-09-08T03:00:00.000+00:00"),
        ),
        ("year(__system/submissionDate) eq 2022", ("eq", "submissionDate", "year", 2022)),
        ("6 lt month(__system/updatedAt)", ("gt", "updatedAt", "month", 6)),
        ("date(__system/submissionDate) ne 2022-09-08", ("ne", "submissionDate", "date", "2022-09-08")),
        ("__system/submissionDate le now()", ("le", "submissionDate", "", "2022-09-08T03:00:00.000+00:00")),
        ("__system/reviewState eq null", ("eq", "reviewState", "", None)),
        ("__system/submitterId eq '7'", ("eq", "submitterId", "", 7)),
        (
            "not (__system/reviewState eq 'rejected') and day(__system/submissionDate) ge 3",
            ("and", ("not", ("eq", "reviewState", "", "rejected")), ("ge", "submissionDate", "day", 3)),
        ),
    ],
    ids=["day", "zone", "unescaped-plus", "year", "turned-about", "date", "now", "null", "sender", "joined"],
)
def test_a_filter_compares_what_is_told_of_submissions(text: str, expected: tuple[Any, ...]) -> None:
    assert read_condition(text, NOW) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("head eq 'x'", NotSupported),
        ("contains(__system/reviewState,'a')", NotSupported),
        ("round(__system/submitterId) eq 2", NotSupported),
        ("year(__system/submitterId) eq 2", NotSupported),
        ("__system/submitterName eq 'Lan'", NotSupported),
        ("__system/reviewState gt 'approved'", InvalidInput),
        ("__system/reviewState eq 'nice'", InvalidInput),
        ("__system/submissionDate ge 'x'", InvalidInput),
        ("__system/submissionDate ge 2022-02-30", InvalidInput),
        ("__system/submissionDate gt null", InvalidInput),
        ("year(__system/submissionDate) eq null", InvalidInput),
        ("__system/submissionDate", InvalidInput),
        ("__system/submissionDate eq __system/updatedAt", InvalidInput),
        ("1 eq 1", InvalidInput),
        ("(((", InvalidInput),
        ("(" * 60 + "1 eq 1", InvalidInput),
        ("' or 1=1 --", InvalidInput),
        ("__system/submitterId eq 1 " + "or __system/submitterId eq 1 " * 100, InvalidInput),
    ],
    ids=[
        *(
            "question",
            "function",
            "number-function",
            "year-of-number",
            "name",
            "order-of-states",
            "no-state",
            "no-date",
        ),
        *("no-day", "before-null", "year-null", "alone", "two-fields", "two-values", "open", "deep", "quote", "long"),
    ],
)
def test_a_filter_that_is_not_understood_is_refused_with_what_can_be_asked(text: str, kind: type[MapperError]) -> None:
    with pytest.raises(kind, match="Compare __system/submissionDate"):
        read_condition(text, NOW)


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (lambda: read_order("head desc"), NotSupported),
        (lambda: read_order("__system/updatedAt sideways"), InvalidInput),
    ],
    ids=["question", "direction"],
)
def test_an_order_that_is_not_understood_is_refused(read: Callable[[], object], kind: type[MapperError]) -> None:
    with pytest.raises(kind, match="Order by __system/submissionDate"):
        read()
