"""Folium lives here only: a prepared view in, HTML out."""
