"""The files of the copy as columns: what is being written, or read, is never swept away."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mapper.store.column_conditions import TABLES, Condition
from mapper.store.columns import KEPT_S, Columns, Fresh, Rows

EVERYBODY = Condition("true", ())
NO_ROWS: Rows = dict.fromkeys(TABLES, ())


def aged(folder: Path) -> None:
    """Make everything below a folder look as if it had been written long ago."""
    for each in folder.rglob("*"):
        os.utime(each, (each.stat().st_mtime - 2 * KEPT_S,) * 2)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Columns]:
    """Writes a copy."""
    columns = Columns(tmp_path)
    yield columns
    columns.close()


def test_a_long_unfinished_copy_stands_while_another_process_ends_its_own(writer: Columns, tmp_path: Path) -> None:
    other = Columns(tmp_path)

    def files() -> Iterator[tuple[int, Mapping[int, int], Rows]]:
        yield 0, {1: 1}, NO_ROWS
        aged(tmp_path)
        other.write("c", "era", [(1, {17: 1}, NO_ROWS)])
        yield 2, {33: 1}, NO_ROWS

    writer.write("c", "era", files())
    manifest = writer.manifest("c")
    assert set(manifest.files) == {0, 2}
    with writer.asked("c", manifest, Fresh()) as asking:
        assert asking.count(EVERYBODY) == (0, 0)


def test_files_replaced_stay_for_their_readers_a_while_and_then_go(writer: Columns, tmp_path: Path) -> None:
    writer.write("c", "era", [(0, {1: 1}, NO_ROWS)])
    before = writer.manifest("c")
    aged(tmp_path)
    writer.write("c", "era", [(0, {1: 2}, NO_ROWS)])
    with writer.asked("c", before, Fresh()) as asking:
        assert asking.count(EVERYBODY) == (0, 0)
    aged(tmp_path)
    writer.write("c", "era", [(5, {81: 1}, NO_ROWS)])
    held = {each.name for each in (tmp_path / "of-c").iterdir() if each.is_dir()}
    assert held == set(writer.manifest("c").files.values())
    assert set(before.files.values()).isdisjoint(held)
