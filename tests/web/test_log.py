"""What the server writes down of those who ask."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
import requests

from mapper.services import intake
from mapper.web import log_lines
from mapper.web.log_lines import NoKeysInLogs
from tests.client.collect import FilledForm, NotAccepted
from tests.client.site import House, Site


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


SECRET = {
    "name": "Nông Thị Bí Mật",
    "born": "1980-05-04",
    "phone": "0912345678",
    "point": "22.0512345",
    "instance": "uuid:5ec2e7",
    "password": "mật khẩu rất dài",
    "campaign": "chiến dịch riêng",
    "code": "MA-RIENG-77",
}
"""What stands in what is asked and sent here, and may stand nowhere in the log."""


@contextmanager
def written(kind: str) -> Iterator[io.StringIO]:
    """The log as an operator has it, of everything that is asked meanwhile."""
    lines, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(log_lines.JsonLines() if kind == "json" else log_lines.TextLines())
    handler.addFilter(NoKeysInLogs())
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def ask_everything(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pages, programs, phones, with somebody's facts in every place where they can stand; the tokens that were used."""
    supervisor = site.user("supervisor", "001", name=SECRET["name"], password=SECRET["password"])
    phone = site.phone()
    key = phone.server_url.rpartition("/")[2]
    tokens = [supervisor.token, key]
    people = ((SECRET["name"], SECRET["born"], ""),)
    house = House(SECRET["instance"], head=SECRET["name"], location=f"{SECRET['point']} 105.05 300 6.5", people=people)
    phone.send(house.form())
    for sent in (house.but(head="Ai đó").form(), FilledForm("x.xml", f"<data>{SECRET['name']}".encode(), {})):
        with pytest.raises(NotAccepted):
            phone.send(sent)
    phone.send(house.but(instance_id="uuid:flagged", version=SECRET["code"]).form())
    site.get(f"/key/{SECRET['code']}/formList", deviceID=SECRET["phone"])
    with requests.Session() as browser:
        browser.post(f"{site.url}/sign-in", data={"name": SECRET["name"], "password": "falsch"}, timeout=30)
        browser.get(f"{site.url}/sign-in?next=/people/{SECRET['name']}", timeout=30)
    name, code = SECRET["name"], SECRET["code"]
    for path in (
        f"/submission/{SECRET['instance']}",
        f"/no/such/{name}/{SECRET['phone']}",
        f"/unit/squares/commune/{code}",
        f"/slips/check?s={code}",
        f"/lists?q={name}",
        f"/api/places?q={name}&near={SECRET['point']}",
        f"/api/people?name={name}&born={SECRET['born']}",
        f"/api/coverage?campaign={SECRET['campaign']}",
        f"/odata/{code}/People?$filter=phone eq '{SECRET['phone']}'",
        f"/map?place={name}\r\nINFO a line of one's own",
    ):
        site.get(path, supervisor.token)
    fault = ValueError(f"{name} {SECRET['phone']} cannot be read")
    with monkeypatch.context() as patch:

        def fails(*_others: object, **_named: object) -> None:
            raise fault

        patch.setattr(intake, "_keep_one", fails)
        with pytest.raises(NotAccepted):
            phone.send(house.but(instance_id="uuid:fault").form())
        patch.setattr("mapper.services.publish.offered_forms", fails)
        assert site.get(f"/key/{key}/formList").status_code == 500
    logging.getLogger("waitress").error("Exception while serving /people/%s", name, exc_info=fault)
    return tokens


@pytest.mark.parametrize("kind", ["json", "text"])
def test_nothing_that_somebody_asked_or_sent_is_logged(
    kind: str, sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with written(kind) as log:
        tokens = ask_everything(sqlite_site, monkeypatch)
    text = log.getvalue()
    lines = text.splitlines()
    for secret in [*SECRET.values(), *tokens, quote(SECRET["name"]), "one's own", "falsch", "house_check"]:
        assert secret not in text, secret
    # What an operator needs is there: who, what kind of address, what became of it; the fault with its place.
    assert len(lines) > 20
    assert "intake.py" in text
    assert "ValueError" in text
    if kind == "text":
        assert any("POST /key/<token>/submission 201 request_id=" in line and " user=" in line for line in lines)
        return
    told = [json.loads(line) for line in lines]
    (sent,) = [one for one in told if one.get("route") == "/key/<token>/submission" and one.get("status") == 201]
    assert sent["method"] == "POST"
    assert isinstance(sent["user"], int)
    assert sent["ms"] > 0
    assert len(sent["request_id"]) == 16
    assert {one["level"] for one in told if one.get("status") == 500} == {"error"}
    (asked,) = [one for one in told if one.get("route") == "/api/places"]
    assert isinstance(asked["user"], int)


def test_a_fault_that_nobody_caught_in_a_thread_is_told_without_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    levels = {name: logging.getLogger(name).level for name in ("alembic", "waitress.queue")}
    log_lines.set_up("json")

    def fails() -> None:
        raise KeyError(SECRET["name"])

    thread = threading.Thread(target=fails, name="uploads")
    thread.start()
    thread.join()
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    line = json.loads(capsys.readouterr().err)
    assert SECRET["name"] not in str(line)
    assert "KeyError" in line["message"]
    assert "uploads" in line["message"]
