"""Spoiled files and uploads are refused with a sentence, and never by a fault."""

from __future__ import annotations

import pytest

from mapper.errors import InvalidInput
from tests.attacks import Target, attack, targets

NAMES = (
    *("multipart", "instance", "boundaries", "sites", "epidemic levels", "stock", "crosswalk", "register", "hamlets"),
    *("survey", "responsible", "campaign", "folder", "form"),
)
FEWER = {"form": 4, "boundaries": 15}
"""Inputs of readers that take long."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    """Every reader with its files."""
    return targets(tmp_path_factory.mktemp("spoiled"))


def test_every_reader_is_attacked_and_understands_what_is_whole(found: dict[str, Target]) -> None:
    assert set(found) == set(NAMES)
    for name, target in found.items():
        for file, content in target.files.items():
            assert target.read(file, content) is not None, name


@pytest.mark.parametrize("name", NAMES)
def test_spoiled_input_is_refused_and_never_a_fault(found: dict[str, Target], name: str) -> None:
    attack(found[name], FEWER.get(name, 40), 1)


def test_a_reader_that_fails_otherwise_is_found() -> None:
    def careless(_name: str, data: bytes) -> object:
        if b"x" not in data:
            raise InvalidInput("No x.")
        return data.decode("ascii")

    with pytest.raises(UnicodeDecodeError):
        attack(Target(careless, {"a": b"xxxxxxxx"}), 200, 1)
