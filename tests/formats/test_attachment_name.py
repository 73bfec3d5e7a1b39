"""File names of phones, made fit for a folder on anybody's computer."""

from __future__ import annotations

from unicodedata import is_normalized, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.formats.attachment_name import MOST_BYTES, alike, fit_name, unlike


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("photo.jpg", "photo.jpg"),
        (normalize("NFD", "Ảnh nhà ông Đức.jpg"), "Ảnh nhà ông Đức.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\ảnh\\1.jpg", "1.jpg"),
        ("..", "file"),
        ("media/..", "file"),
        ("", "file"),
        (".jpg", ".jpg"),
        ("a:b?.jpg", "a_b_.jpg"),
        ("a\nb\u202e.jpg", "a_b_.jpg"),
        ("ends. . ", "ends"),
        ("CON.jpg", "_CON.jpg"),
        ("console.jpg", "console.jpg"),
        ("Đ" * 300 + ".jpg", "Đ" * 98 + ".jpg"),
        ("x." + "y" * 300, "." + "y" * 199),
    ],
    ids=[
        *("plain", "accents", "upwards", "windows-folder", "dots", "dots-in-folder", "nothing", "ending-alone"),
        *("signs", "control", "end", "device", "no-device", "long", "long-ending"),
    ],
)
def test_a_name_fits_every_folder(name: str, expected: str) -> None:
    assert fit_name(name) == expected


@given(st.text(max_size=300))
def test_whatever_a_phone_calls_a_file_it_stays_in_its_folder(name: str) -> None:
    fit = fit_name(name)
    assert fit not in ("", ".", "..") and not set(fit) & set('/\\<>:"|?*\0')
    assert is_normalized("NFC", fit) and len(fit.encode()) <= MOST_BYTES + 1


def test_names_that_some_systems_take_for_one_are_numbered() -> None:
    taken: set[str] = set()
    names = []
    for name in ("photo.jpg", "Photo.JPG", "photo.jpg", "photo~2.jpg", normalize("NFD", "Ảnh"), "ảnh"):
        names.append(unlike(fit_name(name), taken))
        taken.add(alike(names[-1]))
    assert names == ["photo.jpg", "Photo~2.JPG", "photo~3.jpg", "photo~2~2.jpg", "Ảnh", "ảnh~2"]
