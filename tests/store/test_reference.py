"""What seldom changes: campaigns and their numbers, form versions, media, hamlets, boundary sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from mapper.store import outlines, reference, submissions
from mapper.store.database import Database
from mapper.store.reference import BoundarySet, FormVersion, Hamlet, Media, UnitRow

AT = "2022-08-15T00:00:00+00:00"
FORM = FormVersion("census", "1", "Điều tra", "0" * 32, "{}", None, AT, True)
SET = BoundarySet(
    "old", "Cũ", date(2020, 1, 1), date(2025, 6, 30), False, "", ("province", "commune"), "[]", "2022-08-15"
)


def test_the_number_of_a_series_lasts_whatever_becomes_of_its_campaign(database: Database) -> None:
    with database.write() as connection:
        reference.save_campaign(database, connection, "c", "first", [("g", "1"), ("g", "2")], AT)
        before = reference.series_ids(connection, "c")
        reference.save_campaign(database, connection, "d", "other", [("g", "1")], "2022-08-16")
        reference.save_campaign(database, connection, "c", "second", [("h", "1"), ("g", "2")], "2022-08-17")
        after = reference.series_ids(connection, "c")
        assert {key: after[key] for key in before} == before
        assert set(after) == {("g", "1"), ("g", "2"), ("h", "1")}
        assert len({*after.values(), *reference.series_ids(connection, "d").values()}) == 4
        assert dict(reference.campaigns(connection)) == {"c": "second", "d": "other"}
        assert reference.series_ids(connection, "none") == {}


def current(connection: Connection) -> dict[str, str]:
    """The version of each form that phones are offered."""
    return {form.form_id: form.version for form in reference.current_forms(connection)}


def test_one_version_of_a_form_is_current_and_all_are_kept(database: Database) -> None:
    with database.write() as connection:
        for version, other in (("1", "census"), ("2", "census"), ("1", "water")):
            reference.save_form(connection, replace(FORM, form_id=other, version=version), f"<{version}/>".encode())
        assert [(f.form_id, f.version) for f in reference.current_forms(connection)] == [
            ("census", "2"),
            ("water", "1"),
        ]
        reference.make_current(connection, "census", "1")
        assert [(f.form_id, f.version) for f in reference.current_forms(connection)] == [
            ("census", "1"),
            ("water", "1"),
        ]
        assert reference.xform(connection, "census", "2") == b"<2/>"
        assert reference.xform(connection, "census", "3") is None
        assert reference.form(connection, "census", "2") == replace(FORM, version="2", current=False)
        assert reference.form(connection, "census", "3") is None
        assert (reference.has_form(connection, "census"), reference.has_form(connection, "none")) == (True, False)


def test_the_media_of_a_version_are_set_anew_and_others_stay(database: Database) -> None:
    with database.write() as connection:
        for version in ("1", "2"):
            reference.save_form(connection, replace(FORM, version=version), b"")
        first, second = (
            Media(name, submissions.save_blob(database, connection, name.encode()), "0" * 32)
            for name in ("a.csv", "thôn.csv")
        )
        reference.save_media(connection, "census", "1", [second, first])
        reference.save_media(connection, "census", "2", [first])
        assert reference.media(connection, "census", "1") == [first, second]
        reference.save_media(connection, "census", "1", [])
        assert reference.media(connection, "census", "1") == []
        assert reference.media(connection, "census", "2") == [first]


def test_hamlets_are_added_and_corrected_and_none_is_removed(database: Database) -> None:
    one, two = Hamlet("01", "Thôn 1", "C", 10), Hamlet("02", "Thôn 2", "C", None)
    with database.write() as connection:
        reference.save_hamlets(database, connection, [two, one])
        assert reference.hamlets(connection) == [one, two]
        mended = Hamlet("02", "Bản 2", "D", 7)
        reference.save_hamlets(database, connection, [mended])
        assert reference.hamlets(connection) == [one, mended]


def test_boundary_sets_stand_newest_period_first_with_units_and_outlines(database: Database) -> None:
    bounds = (105.0, 22.0, 105.5, 22.25)
    province = UnitRow("province", "06", "Tỉnh Bắc Kạn", None, 12.5, bounds)
    communes = [UnitRow("commune", code, f"Xã {code}", "06", 6.25, bounds) for code in ("00002", "00001")]
    with database.write() as connection:
        wkbs = {"00001": b"one", "00002": b"two", "06": b"all"}
        units = [(unit, wkbs[unit.code]) for unit in (province, *communes)]
        reference.save_boundary_set(connection, SET, b"index", units)
        for other in (
            replace(SET, id="new", valid_from=date(2025, 7, 1), valid_to=None),
            replace(SET, id="undated", valid_from=None, valid_to=None),
            replace(SET, id="again", imported_at="2022-08-16"),
        ):
            reference.save_boundary_set(connection, other, b"", units)
        assert [found.id for found in reference.boundary_sets(connection)] == ["new", "again", "old", "undated"]
        assert reference.boundary_sets(connection)[2] == SET
        assert reference.placer(connection, "old") == b"index"
        assert reference.placer(connection, "none") is None
        assert reference.units(connection, "old") == [communes[1], communes[0], province]
        assert outlines.outlines(connection, "old", "commune") == [("00001", b"one"), ("00002", b"two")]
        assert outlines.outlines(connection, "old", "district") == []
        assert outlines.outline(connection, "old", "commune", "00002") == b"two"
        assert outlines.outline(connection, "old", "commune", "00003") is None


def test_simplified_outlines_come_back_by_level_and_band_whatever_stands_in_a_code(database: Database) -> None:
    odd = [('a\t"b\nc', '{"type":"Point"}'), ("đ", "{}")]
    with database.write() as connection:
        reference.save_boundary_set(connection, SET, b"", [(UnitRow("commune", "1", "", None, 1, (0, 0, 1, 1)), b"")])
        outlines.save_shapes(connection, "old", {("commune", 5): odd, ("commune", 7): [], ("province", 5): odd[:1]})
        assert outlines.shapes(connection, "old", "commune", 5) == odd
        assert outlines.shapes(connection, "old", "province", 5) == odd[:1]
        assert outlines.shapes(connection, "old", "commune", 7) == []
        assert outlines.shapes(connection, "old", "commune", 9) == []
