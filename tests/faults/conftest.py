"""The process that servers of these tests are forked from: its imports take longer than most of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.ground import Nursery, nursery


@pytest.fixture(scope="session")
def started() -> Iterator[Nursery]:
    """Where servers come from."""
    with nursery() as made:
        yield made
