"""Points of sites that cannot be read are refused with a sentence."""

from __future__ import annotations

import pytest

from mapper.errors import InvalidInput
from mapper.geo.site_layer import read_site_points

POINT = b'{"type":"Feature","properties":{"name":"%s"},"geometry":{"type":"Point","coordinates":[105.05,22.05]}}'


@pytest.mark.parametrize("spoiled", [b"\xba", b"\xed\xa0\x80", b"\xff\xfe"])
def test_text_that_is_no_utf_8_is_refused(spoiled: bytes) -> None:
    whole = b'{"type":"FeatureCollection","features":[' + POINT % b"A" + b"]}"
    assert read_site_points("a.geojson", whole)[0].fields["name"] == "A"
    with pytest.raises(InvalidInput, match="cannot be read as"):
        read_site_points("a.geojson", whole.replace(b"name", spoiled))
