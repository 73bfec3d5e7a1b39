"""Plain Python, standard library only: people, campaigns, the ledger, coverage.

Takes dates as arguments and never asks what day it is; knows neither SQL nor XML nor Flask.
"""
