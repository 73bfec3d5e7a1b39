"""Flask lives here and in ``server.py``: what phones, people and programs ask over HTTP."""
