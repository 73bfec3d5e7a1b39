"""What the server writes down of those who ask."""

from __future__ import annotations

import logging

import pytest

from mapper.web.log_lines import NoKeysInLogs


@pytest.mark.parametrize(
    ("message", "facts", "written"),
    [
        (
            "Client disconnected while serving /key/c7HO14YDHQ2f_o-4/submission",
            (),
            "Client disconnected while serving (an address)",
        ),
        ("%s asked twice: %d", ("/key/c7HO14YDHQ2f_o-4/formList", 2), "(phone)/formList asked twice: 2"),
        ("Gone: %s", ("/test/c7HO14YDHQ2f_o-4/submission",), "Gone: (phone)/submission"),
        ("Exception while serving /people/Nông Thị Mỷ", (), "Exception while serving (an address)"),
        ("Serving at 50 %", (), "Serving at 50 %"),
    ],
)
def test_key_of_a_phone_is_not_logged(message: str, facts: tuple[object, ...], written: str) -> None:
    record = logging.LogRecord("waitress", logging.INFO, __file__, 1, message, facts, None)
    assert NoKeysInLogs().filter(record)
    assert record.getMessage() == written
