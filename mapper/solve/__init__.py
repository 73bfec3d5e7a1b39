"""Where sites stand and which way teams go: numbers in, plans with their bounds out. HiGHS and PyVRP live here only."""
