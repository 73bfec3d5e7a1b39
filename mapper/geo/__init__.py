"""Shapely, pyogrio and pyproj live here only: boundary files, point to unit, hamlet areas, shapes for maps."""
