"""An operator finds every setting in the README, and nothing there that is no setting."""

from __future__ import annotations

import re
from pathlib import Path

from mapper.settings import Settings

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")


def undocumented(readme: str) -> set[str]:
    """Settings that have no row of their own in a table of the text."""
    return {f"MAPPER_{name.upper()}" for name in Settings.model_fields} - rows(readme)


def rows(readme: str) -> set[str]:
    return set(re.findall(r"^\| `(MAPPER_[A-Z0-9_]+)` \|", readme, re.MULTILINE))


def test_every_setting_has_its_row_in_the_readme() -> None:
    assert undocumented(README) == set()


def test_a_setting_without_a_row_is_found() -> None:
    without = "\n".join(line for line in README.splitlines() if not line.startswith("| `MAPPER_TILE_URL`"))
    assert undocumented(without) == {"MAPPER_TILE_URL"}


def test_every_row_of_the_readme_is_a_setting() -> None:
    assert {name.removeprefix("MAPPER_").lower() for name in rows(README)} <= set(Settings.model_fields)


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")] == []
