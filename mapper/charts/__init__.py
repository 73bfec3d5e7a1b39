"""Prepared figures in, pictures out. Matplotlib lives here only."""
