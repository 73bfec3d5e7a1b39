"""The forms of this repository as a phone has them: converted, with small media of two communes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyxform.xls2xform import convert

from tests.engine.javarosa import Form, JavaRosa
from tests.engine.lists import EMPTY

FORMS = Path(__file__).resolve().parents[2] / "forms"

COMMUNES = "name,label,district\n01969,Xã Lục Bình,Bạch Thông\n01972,Xã Tân Tú,Bạch Thông\n"
HAMLETS = (
    "name,label,commune,households\n"
    "0196901,Thôn Nà Nghịu,01969,41\n"
    "0196902,Bản Mún,01969,\n"
    "0197201,Thôn Khuổi Đẳng,01972,58\n"
)
MEDIA = {"communes.csv": COMMUNES.encode(), "hamlets.csv": HAMLETS.encode(), **EMPTY}


def xform_of(workbook: Path) -> bytes:
    """The XForm that pyxform makes of a workbook, its warnings ignored."""
    return str(convert(xlsform=workbook.read_bytes(), file_type=".xlsx", validate=False).xform).encode()


@pytest.fixture(scope="session")
def engine() -> JavaRosa:
    """The one engine of this test process."""
    return JavaRosa()


@pytest.fixture(scope="session")
def census_xform() -> bytes:
    """forms/covid19/census.xlsx, converted."""
    return xform_of(FORMS / "covid19/census.xlsx")


@pytest.fixture(scope="session")
def census(engine: JavaRosa, census_xform: bytes) -> Form:
    """The COVID-19 census, loaded."""
    return engine.load(census_xform, MEDIA)


@pytest.fixture(scope="session")
def revisit_xform() -> bytes:
    """forms/covid19/revisit.xlsx, converted."""
    return xform_of(FORMS / "covid19/revisit.xlsx")


@pytest.fixture(scope="session")
def measles(engine: JavaRosa) -> Form:
    """The measles form, loaded."""
    return engine.load(xform_of(FORMS / "measles/measles.xlsx"), MEDIA)


@pytest.fixture(scope="session")
def water(engine: JavaRosa) -> Form:
    """The form without roles, loaded."""
    return engine.load(xform_of(FORMS / "village_water/water_points.xlsx"))


@pytest.fixture(scope="session")
def load_table(engine: JavaRosa) -> Callable[[str], Form]:
    """Load a form written as a Markdown table of its sheets, as pyxform reads them."""

    def load(table: str) -> Form:
        return engine.load(str(convert(xlsform=table, file_type=".md", validate=False).xform).encode(), MEDIA)

    return load
