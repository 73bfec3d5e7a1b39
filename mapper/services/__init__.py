"""One module a use case; each opens and closes its own transactions, and introduces the rooms below to each other."""
