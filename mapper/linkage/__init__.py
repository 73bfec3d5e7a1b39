"""Whether two entries of people tell of one person: words and numbers in, weights and links out; no database."""
