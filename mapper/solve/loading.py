"""What solves, loaded before anybody asks: it takes a good part of a second."""

from __future__ import annotations

from importlib import import_module

LIBRARIES = ("highspy", "pyvrp", "scipy.sparse.csgraph", "scipy.spatial")
"""Imported only where they are needed."""


def load() -> None:
    """Import them."""
    for name in LIBRARIES:
        import_module(name)
