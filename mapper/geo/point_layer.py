"""Points with their facts as a GeoPackage, from Arrow batches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_geopackage(path: Path, layer: str, batches: object, about: Mapping[str, str]) -> None:
    """One layer on WGS 84. batches: a stream of Arrow with a column ``geometry`` of WKB; about: what the file says."""
    import pyogrio

    pyogrio.write_arrow(  # type: ignore[no-untyped-call]
        batches,
        str(path),
        layer=layer,
        driver="GPKG",
        geometry_name="geometry",
        geometry_type="Point",
        crs="EPSG:4326",
        dataset_metadata=dict(about),
        layer_options={"DESCRIPTION": "; ".join(f"{what}: {value}" for what, value in about.items())},
    )
