"""Từng Nhà: a door-to-door census that becomes coverage, maps and a plan."""

__version__ = "0.1.0"
