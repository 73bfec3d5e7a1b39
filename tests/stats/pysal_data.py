"""Sudden infant deaths in the counties of North Carolina, as PySAL's own package ships them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray


def column(name: str) -> NDArray[np.float64]:
    """A column of the hundred counties."""
    import libpysal

    with closing(libpysal.io.open(libpysal.examples.load_example("sids2").get_path("sids2.dbf"))) as table:
        return np.array(table.by_col[name], np.float64)


def neighbours() -> Any:
    """PySAL's weights of the counties."""
    import libpysal

    with closing(libpysal.io.open(libpysal.examples.load_example("sids2").get_path("sids2.gal"))) as file:
        return file.read()
