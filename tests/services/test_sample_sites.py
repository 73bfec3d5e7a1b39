"""The sample's invented sites: a health station a commune, marked as what they are, and entered once."""

from __future__ import annotations

from mapper.domain.sites import SiteKind
from mapper.services import sample_sites
from mapper.store.reference import Hamlet

HAMLETS = [
    Hamlet("A1", "Thôn Một", "A", 40),
    Hamlet("A2", "Thôn Hai", "A", 90),
    Hamlet("A3", "Thôn Ba", "A", 10),
    Hamlet("A4", "Thôn Bốn", "A", 10),
    Hamlet("B1", "Thôn Năm", "B", None),
]
CENTRES = {"A1": (105.80, 22.0), "A2": (105.81, 22.0), "A3": (105.90, 22.0), "A4": (105.70, 22.0), "B1": (106.0, 22.5)}


def test_the_largest_hamlet_has_the_station_and_those_farthest_from_it_a_house() -> None:
    found = sample_sites.invented(HAMLETS, {"A": "Xã Vi Hương", "B": "Thị trấn Phủ Thông", "C": "Xã Trống"}, CENTRES)
    assert [(one.code, one.name, one.kind) for one in found] == [
        ("MAU-TYT-A", "Trạm y tế Vi Hương (mẫu)", SiteKind.FIXED),
        ("MAU-NVH-A4", "Nhà văn hóa Thôn Bốn (mẫu)", SiteKind.MOBILE),
        ("MAU-NVH-A3", "Nhà văn hóa Thôn Ba (mẫu)", SiteKind.MOBILE),
        ("MAU-TYT-B", "Trạm y tế Thị trấn Phủ Thông (mẫu)", SiteKind.FIXED),
    ]
    assert all(
        one.cold_chain and one.capacity == sample_sites.PEOPLE_A_DAY for one in found if one.kind is SiteKind.FIXED
    )
    assert abs(found[0].lat - 22.0) < 0.01 and abs(found[0].lon - 105.81) < 0.01
