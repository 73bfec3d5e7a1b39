"""Numbers alone: samples, lots, small areas, clusters. SciPy and PySAL live here only."""
