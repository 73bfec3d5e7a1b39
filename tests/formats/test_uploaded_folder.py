"""A zip or files through a browser: names and contents are taken of them, and no path, size or promise is believed."""

from __future__ import annotations

import io
import zipfile

import pytest

from mapper.errors import InvalidInput, MapperError, TooLarge
from mapper.formats import uploaded_folder
from mapper.formats.uploaded_folder import read_uploaded


def packed(*entries: tuple[str, bytes]) -> bytes:
    """A zip with these entries."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def test_a_zip_s_files_are_known_by_their_names_alone() -> None:
    content = packed(("covid19/census.xlsx", b"1"), ("covid19/lists/thôn.csv", b"2"), ("covid19/", b""))
    assert read_uploaded([("c.zip", content), ("more.csv", b"3")]) == {
        "census.xlsx": b"1",
        "thôn.csv": b"2",
        "more.csv": b"3",
    }


def test_names_are_composed_whatever_the_system_made_of_them() -> None:
    assert list(read_uploaded([("tho\u0302n.csv", b"")])) == ["thôn.csv"]


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "C:\\Windows\\passwd", "a/../../passwd"])
def test_no_path_leads_out_of_the_folder(path: str) -> None:
    assert read_uploaded([("c.zip", packed((path, b"x")))]) == {"passwd": b"x"}


@pytest.mark.parametrize("name", ["a/..", "a/.", "b/c:d", "a\x01b", "x" * 201, "ô" * 101, "a/ "])
def test_a_name_that_no_file_may_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        read_uploaded([("c.zip", packed((name, b"x")))])
    assert read_uploaded([("c.zip", packed(("ô" * 100, b"x")))]) == {"ô" * 100: b"x"}


@pytest.mark.parametrize("hidden", ["__MACOSX/._census.xlsx", ".DS_Store", "a/~$census.xlsx"])
def test_what_systems_hide_is_passed_over(hidden: str) -> None:
    assert read_uploaded([("c.zip", packed((hidden, b"x"), ("a.csv", b"y")))]) == {"a.csv": b"y"}


def test_one_name_in_two_folders_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"a\.csv is there twice"):
        read_uploaded([("c.zip", packed(("covid19/a.csv", b"1"), ("measles/a.csv", b"2")))])


def test_a_zip_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded_folder, "MAX_BYTES", 1000)
    assert read_uploaded([("c.zip", packed(("a", bytes(500)), ("b", bytes(500))))])
    for bad in (packed(("a", bytes(501)), ("b", bytes(500))), packed(("a", bytes(50_000_000)))):
        with pytest.raises(TooLarge, match="more than 200 files"):
            read_uploaded([("c.zip", bad)])
    with pytest.raises(TooLarge):
        read_uploaded([("a", bytes(600)), ("b", bytes(401))])


def test_a_zip_that_lies_about_its_sizes_is_damaged() -> None:
    whole = packed(("a.csv", bytes(100_000)))
    lying = whole.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != whole
    with pytest.raises(InvalidInput, match="damaged"):
        read_uploaded([("c.zip", lying)])


def test_too_many_files_are_refused() -> None:
    assert len(read_uploaded([("c.zip", packed(*((f"{n}.csv", b"") for n in range(200))))])) == 200
    for number in (201, 401):
        with pytest.raises(TooLarge):
            read_uploaded([("c.zip", packed(*((f"{n}.csv", b"") for n in range(number))))])


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 no zip", packed(("a", b"x" * 1000))[:-40]], ids=["empty", "no zip", "cut off"]
)
def test_a_damaged_zip_is_refused(content: bytes) -> None:
    with pytest.raises(MapperError, match="damaged or locked"):
        read_uploaded([("c.zip", content)])


def test_a_zip_inside_a_zip_stays_closed() -> None:
    inner = packed(("b.csv", b"x"))
    assert read_uploaded([("c.zip", packed(("inner.zip", inner)))]) == {"inner.zip": inner}
