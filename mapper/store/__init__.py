"""Where SQL lives: tables, raw submissions, the register, tallies, accounts. Nowhere else."""
