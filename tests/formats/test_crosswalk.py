"""Crosswalks as offices write them: columns by what they mean, and each faulty row told with its number."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter

from mapper.errors import InvalidInput, TooLarge
from mapper.formats.crosswalk import CrosswalkRow, read_crosswalk, with_zeros


def read(*lines: str) -> tuple[list[CrosswalkRow], list[tuple[int, str]]]:
    """The rows of a CSV, and the numbers of its faulty rows with what is wrong."""
    found = read_crosswalk("crosswalk.csv", "\n".join(lines).encode())
    return list(found.rows), [(fault.row, fault.message.format(**fault.facts)) for fault in found.faults]


@pytest.mark.parametrize(
    "header",
    [
        "old_code,old_name,new_code,new_name,relation,share,decree",
        "Mã xã cũ,Tên xã cũ,Mã xã mới,Tên xã mới,Quan hệ,Tỷ lệ,Nghị quyết",
        "Mã ĐVHC trước sắp xếp,Tên ĐVHC trước sắp xếp,Mã ĐVHC sau sắp xếp,Tên ĐVHC sau,Mức độ,Tỉ lệ (%),Căn cứ",
        "legacy_code,legacy_name,new_code,new_name,relation,share_of_legacy,source",
    ],
)
def test_columns_are_known_by_what_they_mean(header: str) -> None:
    rows, faults = read(header, "01936,Xã Quân Hà,01957,Xã Bạch Thông,full,,NQ 1683", "01942,A,01957,B,một phần,0.25,")
    assert faults == []
    assert rows == [
        CrosswalkRow(2, "01936", "01957", "Xã Quân Hà", "Xã Bạch Thông", True, None, "NQ 1683"),
        CrosswalkRow(3, "01942", "01957", "A", "B", False, 0.25, ""),
    ]


def test_columns_of_other_meanings_are_passed_over() -> None:
    rows, _ = read(
        "old_district_code,old_province_code,second_source,share_of_new,old_code,new_province_code,new_code",
        "058,06,agrees,0.5,01834,19,01840",
    )
    assert rows == [CrosswalkRow(2, "01834", "01840", "", "", True, None, "")]


def test_without_a_word_a_unit_is_whole_where_it_has_one_row() -> None:
    rows, _ = read("old_code,new_code", "A,X", "B,X", "B,Y")
    assert [row.whole for row in rows] == [True, False, False]


@pytest.mark.parametrize(
    ("shares", "expected"),
    [(("25 %", "75 %"), (0.25, 0.75)), (("25", "75"), (0.25, 0.75)), (("0,25", "0,75"), (0.25, 0.75))],
)
def test_shares_as_they_are_written(shares: tuple[str, str], expected: tuple[float, float]) -> None:
    rows, _ = read("old_code;new_code;share", f"A;X;{shares[0]}", f"A;Y;{shares[1]}")
    assert tuple(row.share for row in rows) == expected
    assert [row.whole for row in rows] == [False, False]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (",X,full,", "The code of the old unit is missing."),
        ("C,,full,", "The code of the new unit is missing. Leave the row out where nobody took the unit over."),
        ("A,X,part,0.5", "A → X is told in row 2 already. Keep one of the two rows."),
        ("C,X,reused,", "reused is no relation."),
        ("C,X,full,0.4", "The whole unit is told, and yet a share of 40 %. Correct one of the two."),
        ("C,X,part,half", "half is no share. Write it as 25 % or 0.25."),
        ("C,X,part,1.2", "1.2 is no share."),
    ],
)
def test_a_faulty_row_is_told_with_its_number(line: str, words: str) -> None:
    rows, faults = read("old_code,new_code,relation,share", "A,X,full,", line)
    assert len(rows) == 1
    assert [number for number, _ in faults] == [3]
    assert faults[0][1].startswith(words)


def test_what_is_no_crosswalk_is_refused_with_the_columns_it_lacks() -> None:
    with pytest.raises(InvalidInput) as refused:
        read("code,name", "A,B")
    assert refused.value.facts["columns"] == "old_code, new_code"
    with pytest.raises(InvalidInput):
        read("old_code,new_code")


def test_a_crosswalk_may_be_longer_than_other_tables() -> None:
    rows, faults = read("old_code,new_code", *(f"{number},{number}" for number in range(20_001)))
    assert (len(rows), faults) == (20_001, [])
    with pytest.raises(TooLarge):
        read("old_code,new_code", *(f"{number},{number}" for number in range(100_000)))


def test_a_unit_without_heir_in_our_own_file_is_no_fault() -> None:
    rows, faults = read("old_code,new_code,relation", "A,X,full", "B,,gone")
    assert ([row.old for row in rows], faults) == (["A"], [])


def test_codes_that_a_workbook_keeps_as_numbers_get_their_zeros_back() -> None:
    content = BytesIO()
    book = xlsxwriter.Workbook(content)
    page = book.add_worksheet()
    page.write_row(0, 0, ["Mã cũ", "Mã mới"])
    page.write_row(1, 0, [1834, 1840])
    page.write_row(2, 0, [99, 1840])
    book.close()
    rows = read_crosswalk("crosswalk.xlsx", content.getvalue()).rows
    found, mended = with_zeros(rows, ["01834"], ["01840"])
    assert [(row.old, row.new) for row in found] == [("01834", "01840"), ("99", "01840")]
    assert mended == 3


def test_the_shared_crosswalks_are_read_whole(shared: Path) -> None:
    for name, pairs, parts in (
        ("crosswalk_2022_to_2025_4prov.csv", 538, 29),
        ("crosswalk_202503_to_202507_national.csv", 10_598, 1_010),
    ):
        found = read_crosswalk(name, (shared / "geodata" / name).read_bytes())
        assert (len(found.rows), len(found.faults)) == (pairs, 0)
        assert sum(not row.whole for row in found.rows) == parts
