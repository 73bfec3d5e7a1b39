"""What an operator types: one module a group of commands, which knows services and no pages.

Each module has ``commands(console) -> click.Group``; ``server.py`` lists them. What only some commands need is imported
by them when they run, so that help and small tasks need not wait for it.
"""
