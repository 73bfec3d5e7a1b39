"""What levels of boundary sets are called: the usual ones by words that are translated, any other by the data's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mapper.errors import mark


class LevelWords(Mapping[str, str]):
    """Words of levels; it has one for every level, since a set may have levels that nobody thought of."""

    def __init__(self, usual: Mapping[str, str]) -> None:
        self._usual = dict(usual)

    def __getitem__(self, level: str) -> str:
        return self._usual.get(level) or level[:1].upper() + level[1:]

    def __contains__(self, level: object) -> bool:
        return isinstance(level, str)

    def __iter__(self) -> Iterator[str]:
        return iter(self._usual)

    def __len__(self) -> int:
        return len(self._usual)


ONE = LevelWords(
    {
        "region": mark("Region"),
        "province": mark("Province"),
        "district": mark("District"),
        "commune": mark("Commune"),
        "hamlet": mark("Hamlet"),
    }
)
"""A unit of a level."""

MANY = LevelWords(
    {
        "region": mark("Regions"),
        "province": mark("Provinces"),
        "district": mark("Districts"),
        "commune": mark("Communes"),
        "hamlet": mark("Hamlets"),
    }
)
"""All units of a level."""
