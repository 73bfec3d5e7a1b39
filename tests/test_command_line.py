"""The command line as an operator's scripts use it: its names, its help, its answers, and errors in one line."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click
import pytest
import requests
from click.testing import CliRunner, Result

from mapper.settings import Settings
from server import command_line, main
from tests.client.collect import Collect, message_of
from tests.client.site import House, fill_database, squares, write_house_check, write_plain

ROOT = Path(__file__).resolve().parents[1]
VIETNAMESE = re.compile("[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.IGNORECASE)
COMMANDS = (
    *("serve", "sample", "boundaries import", "boundaries find", "forms publish", "submissions import", "rebuild"),
    "users add",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the squares and the small forms."""
    folder = tmp_path_factory.mktemp("filled")
    fill_database(f"sqlite:///{folder / 'tungnha.sqlite3'}", folder)
    return folder


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    (tmp_path / "data").mkdir()
    shutil.copy(filled / "tungnha.sqlite3", tmp_path / "data")
    return tmp_path / "data"


def run(data: Path, *arguments: str, typed: str = "", **settings: object) -> Result:
    """One command, in this process, as ``main`` runs it."""
    given = Settings(data_dir=data, **settings)  # type: ignore[arg-type]
    return CliRunner().invoke(command_line(given), list(arguments), input=typed)


def outside(data: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """One command as an operator runs it."""
    return subprocess.run(
        [sys.executable, "server.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "MAPPER_DATA_DIR": str(data), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


# Names and help


def test_names_that_operators_script_against_stay() -> None:
    def names(group: click.Group, above: str = "") -> Iterator[str]:
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from names(command, f"{above}{name} ")
            else:
                yield above + name

    assert set(COMMANDS) <= set(names(command_line(Settings())))


@pytest.mark.parametrize("command", ["", "boundaries", "forms", "submissions", "users", *COMMANDS])
def test_every_command_has_help_in_the_operators_language(tmp_path: Path, command: str) -> None:
    for language, expected in (("vi", True), ("en", False)):
        for flag in ("--help", "-h"):
            shown = run(tmp_path, *command.split(), flag, language=language)
            assert shown.exit_code == 0
            assert shown.output.startswith("Usage: ")
            said = "".join(line for line in shown.output.splitlines()[2:] if "mặc định" not in line)
            assert bool(VIETNAMESE.search(said.replace("Từng Nhà", ""))) is expected, said
    assert not list(tmp_path.iterdir()), "asking for help opens no database"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_does(command: str) -> None:
    found: click.Command = command_line(Settings(language="en"))
    for name in command.split():
        assert isinstance(found, click.Group)
        found = found.commands[name]
    assert found.help
    for parameter in found.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize(
    "arguments",
    [["nothing"], ["users"], ["users", "add"], ["users", "add", "a"], ["users", "add", "a", "--role", "king"]],
)
def test_wrong_use_is_told_with_status_2(tmp_path: Path, arguments: list[str]) -> None:
    shown = run(tmp_path, *arguments)
    assert shown.exit_code == 2
    assert "Usage: server.py" in shown.output or "Usage: " in shown.output


# Errors in one line


def one_line(data: Path, capsys: pytest.CaptureFixture[str], *arguments: str, **variables: str) -> str:
    """What ``main`` says of a mistake: one line on the error stream, status 1, no traceback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["server.py", *arguments])
        patch.setenv("MAPPER_DATA_DIR", str(data))
        for name, value in variables.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    said = capsys.readouterr()
    assert ended.value.code == 1, said
    lines = said.err.strip().splitlines()
    assert len(lines) == 1, said
    assert "Traceback" not in said.out
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["boundaries", "import", "nowhere.geojson"], "nowhere.geojson"),
        (["boundaries", "import", "README.md"], ""),
        (["forms", "publish", "nowhere"], "nowhere"),
        (["forms", "publish", "mapper"], "mapper"),
        (["submissions", "import", "nowhere"], "nowhere"),
        (["submissions", "import", "README.md"], "README.md"),
        (["users", "add", "a", "--role", "canvasser"], "canvasser"),
        (["users", "add", "a", "--role", "canvasser", "--area", "999"], "999"),
        (["users", "add", "", "--role", "planner"], ""),
        (["users", "add", "a:b", "--role", "planner"], ""),
        (["users", "add", "x" * 81, "--role", "planner"], "80"),
        (["sample"], "MAPPER_DATA_DIR"),
    ],
)
def test_mistake_is_told_in_one_line_with_status_1(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    before = sqlite3.connect(data / "tungnha.sqlite3")
    rows = list(before.iterdump())
    said = one_line(data, capsys, *arguments)
    assert says in said
    assert VIETNAMESE.search(said), said
    assert list(before.iterdump()) == rows, "a mistake changes nothing"
    before.close()


def test_mistake_is_told_in_english_where_the_operator_says_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = one_line(data, capsys, "forms", "publish", "nowhere", MAPPER_LANGUAGE="en")
    assert said == "There is no folder nowhere."


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://nobody:secret@127.0.0.1:1/none",
        "postgresql+psycopg://nobody:secret@127.0.0.1:1/none",
        "not an address",
        "mysql://a:secret@127.0.0.1/b",
        "oracle+nothing://a:secret@127.0.0.1/b",
    ],
)
def test_database_that_cannot_be_reached_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    said = one_line(tmp_path, capsys, "rebuild", MAPPER_DATABASE_URL=address)
    assert "secret" not in said


def test_file_that_is_no_database_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tungnha.sqlite3").write_bytes(b"this is no database at all, but it is long enough" * 20)
    one_line(tmp_path, capsys, "rebuild")
    assert (tmp_path / "tungnha.sqlite3").read_bytes().startswith(b"this is no database")


def test_data_folder_that_is_a_file_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").write_text("a file")
    one_line(tmp_path / "data", capsys, "rebuild")


@pytest.mark.parametrize(
    ("name", "value"), [("MAPPER_MAX_UPLOAD_MB", "many"), ("MAPPER_CHUNK_MB", "0"), ("MAPPER_BEHIND_PROXY", "perhaps")]
)
def test_wrong_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    done = outside(tmp_path, "rebuild", **{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"{name}: ")
    assert len(done.stderr.splitlines()) == 1


# Users


def test_new_user_as_json_signs_a_phone_and_a_program_in(data: Path) -> None:
    made = run(
        data,
        *["users", "add", "Nông Thị Mỷ", "--role", "canvasser", "--area", "00001", "--json"],
        public_url="https://tiem.example.vn/",
    )
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert set(told) == {"name", "token", "server_url"}
    assert told["name"] == "Nông Thị Mỷ"
    assert re.fullmatch(r"[\w-]{40,}", told["token"])
    assert told["server_url"] == f"https://tiem.example.vn/key/{told['token']}"
    assert made.stdout.count("\n") == 1
    again = json.loads(run(data, "users", "add", "Nông Thị Mỷ", "--role", "planner", "--json").stdout)
    assert again["token"] != told["token"]


def test_qr_code_that_no_phone_could_follow_is_told(data: Path, tmp_path: Path) -> None:
    words = ["users", "add", "may-01", "--role", "planner", "--qr", str(tmp_path / "may-01.svg")]
    assert "MAPPER_PUBLIC_URL" in run(data, *words, language="en").stderr
    assert run(data, *words, language="en", public_url="https://tiem.example.vn").stderr == ""
    assert (tmp_path / "may-01.svg").stat().st_size > 500


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--port", "99999", ["serve"]), ("--port", "-1", ["serve"]), ("--households", "0", ["sample"])],
)
def test_number_that_cannot_be_is_refused_by_name(data: Path, option: str, value: str, words: list[str]) -> None:
    refused = run(data, *words, option, value)
    assert refused.exit_code == 2
    assert f"'{option}'" in refused.stderr


def test_new_user_is_told_in_words(data: Path) -> None:
    made = run(data, "users", "add", "may-01", "--role", "canvasser", "--area", "0000101", language="en")
    assert made.exit_code == 0
    assert "User may-01 is ready." in made.output
    token = re.search(r"/key/([\w-]+)", made.output)
    assert token and f"Token for programs: {token[1]}" in made.output


@pytest.mark.parametrize("typed", ["mật khẩu đủ dài\n" * 2, "hai lần khác\nmột lần\nmật khẩu đủ dài\n" * 2])
def test_password_is_asked_for_and_never_shown(data: Path, typed: str) -> None:
    made = run(data, "users", "add", "s", "--role", "supervisor", "--area", "001", "--password", typed=typed)
    assert "mật khẩu đủ dài" not in made.output and "hai lần khác" not in made.output


def test_password_of_a_script_comes_from_the_environment(data: Path) -> None:
    arguments = ["users", "add", "s", "--role", "supervisor", "--area", "001", "--json"]
    assert run(data, *arguments, new_password="mật khẩu đủ dài").exit_code == 0
    with sqlite3.connect(data / "tungnha.sqlite3") as connection:
        (kept,) = connection.execute("SELECT password_hash FROM users WHERE name = 's'").fetchone()
    connection.close()
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


# Forms, boundaries, submissions


def test_forms_are_published_once_and_told_one_a_line(tmp_path: Path) -> None:
    folder = write_house_check(tmp_path / "campaign")
    for expected in ("published", "already published"):
        made = run(tmp_path / "data", "forms", "publish", str(folder), language="en")
        assert made.exit_code == 0, made.output
        assert f"house_check 2026112101: {expected}\n" in made.stdout


def test_waiting_submissions_are_told_when_their_version_is_published(data: Path, tmp_path: Path) -> None:
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "a.xml").write_bytes(House("uuid:a", version="2026112102").xml)
    taken = run(data, "submissions", "import", str(tmp_path / "phone"), language="en")
    assert taken.exit_code == 0
    assert "a.xml: taken - Form house_check has no version 2026112102 here." in taken.stdout
    made = run(data, "forms", "publish", str(write_house_check(tmp_path / "next", "2026112102")), language="en")
    assert "1 submissions that had waited for these forms count now." in made.stdout


def test_form_with_a_mistake_publishes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_house_check(tmp_path / "campaign")
    (folder / "hamlets.csv").unlink()
    assert "hamlets.csv" in one_line(tmp_path / "data", capsys, "forms", "publish", str(folder))
    with sqlite3.connect(tmp_path / "data" / "tungnha.sqlite3") as connection:
        assert connection.execute("SELECT count(*) FROM forms").fetchone() == (0,)
    connection.close()


def test_boundaries_are_imported_with_what_was_told_of_them(tmp_path: Path) -> None:
    (tmp_path / "squares.geojson").write_bytes(squares())
    facts = "--id two --label Hai_ô --valid-from 2020-01-01 --valid-to 2025-06-30 --approximate".split()
    made = run(tmp_path, "boundaries", "import", str(tmp_path / "squares.geojson"), *facts, language="en")
    assert made.exit_code == 0, made.output
    assert "Boundary set two imported. province: 1, district: 1, commune: 2" in made.stdout
    with sqlite3.connect(tmp_path / "tungnha.sqlite3") as connection:
        kept = connection.execute("SELECT label, valid_from, valid_to, approximate FROM boundary_sets").fetchall()
    connection.close()
    assert kept == [("Hai_ô", "2020-01-01", "2025-06-30", 1)]


def test_an_import_that_is_cut_off_is_gone_on_with(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "again.geojson").write_bytes(squares())
    importing = ("boundaries", "import", str(tmp_path / "again.geojson"), "--id", "again", "--beside")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mapper.services.set_placing.find", interrupted)
        made = run(data, *importing, language="en")
    assert made.exit_code == 130
    assert "Cut off. " in made.stderr
    assert "python server.py boundaries place SET" in made.stderr
    second = run(data, *importing, language="en")
    assert "Go on with it: python server.py boundaries place again" in str(second.exception)
    placed = run(data, "boundaries", "place", "again", language="en")
    assert (placed.exit_code, placed.stdout) == (0, "Boundary set again is shown, with 0 households placed in it.\n")


def test_a_set_is_withdrawn_after_a_word_on_who_uses_it(data: Path, tmp_path: Path) -> None:
    (tmp_path / "again.geojson").write_bytes(squares())
    facts = ("--id", "again", "--valid-from", "2025-07-01", "--beside")
    run(data, "boundaries", "import", str(tmp_path / "again.geojson"), *facts)
    refused = run(data, "boundaries", "withdraw", "again", language="en", boundary_set="again")
    assert refused.stdout == "- MAPPER_BOUNDARY_SET names it as the set shown first.\n"
    assert "Boundary set again is still used." in str(refused.exception)
    done = run(data, "boundaries", "withdraw", "again", "--anyway", language="en", boundary_set="again")
    assert done.exit_code == 0
    assert done.stdout.endswith("Boundary set again is withdrawn.\n")


def test_places_are_found_by_code_and_by_name_in_any_spelling(data: Path) -> None:
    for written in ("xa mot", "X. Một", "00001"):
        found = run(data, "boundaries", "find", written, "--most", "1", language="en")
        assert (found.exit_code, found.stdout) == (0, "squares  commune:00001  Xã Một, Huyện A, Tỉnh B\n"), written
    near = run(data, "boundaries", "find", "Xã Mộtt", language="en")
    assert near.stdout.startswith("No place of this name. Is one of these meant?\nsquares  commune:00001")
    assert run(data, "boundaries", "find", "xyzzy", language="en").stdout == "No place of this name.\n"
    assert run(data, "boundaries", "find", "a", "--set", "nowhere").exit_code == 1


def test_every_file_of_an_import_is_told_and_a_refusal_ends_with_status_1(data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "phone.zip", "w") as archive:
        archive.writestr("1/a.xml", House("uuid:a", photo="nhà.jpg").xml)
        archive.writestr("1/nhà.jpg", b"JPEG")
        archive.writestr("2/b.xml", b"<broken")
    first = run(data, "submissions", "import", str(tmp_path / "phone.zip"), language="en")
    assert first.exit_code == 1
    assert first.stdout.splitlines() == [
        "1/a.xml: taken",
        "1/nhà.jpg: taken",
        first.stdout.splitlines()[2],
        "taken: 2, already had: 0, refused: 1",
    ]
    assert first.stdout.splitlines()[2].startswith("2/b.xml: refused - Not well-formed XML, line 1")
    again = run(data, "submissions", "import", str(tmp_path / "phone.zip"))
    assert re.findall(r"\d+", again.stdout.splitlines()[-1]) == ["0", "2", "1"]


def test_import_without_a_refusal_ends_well(data: Path, tmp_path: Path) -> None:
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "a.xml").write_bytes(House("uuid:a").xml)
    assert run(data, "submissions", "import", str(tmp_path / "phone")).exit_code == 0


def test_rebuild_says_how_many(data: Path, tmp_path: Path) -> None:
    (tmp_path / "phone").mkdir()
    for number in range(3):
        (tmp_path / "phone" / f"{number}.xml").write_bytes(House(f"uuid:{number}").xml)
    run(data, "submissions", "import", str(tmp_path / "phone"))
    made = run(data, "rebuild", language="en")
    assert made.exit_code == 0
    assert "Register and tallies made anew from 3 submissions." in made.stdout


# Serving


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """``serve`` as a process; ``said`` grows as it speaks."""

    def __init__(self, data: Path, port: int, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "server.py", "serve", "--port", str(port), *options],
            cwd=ROOT,
            env={**os.environ, "MAPPER_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        self.rest = threading.Thread(target=self._listen)
        self.rest.start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.said += line

    def end(self, number: int) -> int:
        """Send a signal and wait; the exit status."""
        self.process.send_signal(number)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            subprocess.run(["pkill", "-KILL", "-P", str(self.process.pid)], check=False)
            self.process.kill()
            raise
        self.rest.join()
        assert self.process.stdout
        self.process.stdout.close()
        return status


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_names_its_address_serves_and_ends_when_told(
    data: Path, free_port: int, workers: str, number: int
) -> None:
    made = json.loads(run(data, "users", "add", "may", "--role", "canvasser", "--area", "001", "--json").stdout)
    served = Served(data, free_port, "--workers", workers)
    try:
        assert f"http://127.0.0.1:{free_port}" in served.said
        with Collect(f"http://127.0.0.1:{free_port}/key/{made['token']}") as phone:
            assert phone.match_exactly() == ({"house_check", "plain"}, set())
            for one in range(10):
                assert phone.send(House(f"uuid:{one}").form()).statuses == (201,)
    finally:
        status = served.end(number)
    assert status == 0, served.said
    assert "Traceback" not in served.said
    assert made["token"] not in served.said and "uuid:" not in served.said
    with sqlite3.connect(data / "tungnha.sqlite3") as connection:
        assert connection.execute("SELECT count(*) FROM submissions WHERE state = 'processed'").fetchone() == (10,)
    connection.close()


def send_head(port: int, head: str, body: bytes = b"") -> tuple[int, str, bytes]:
    """Send the head of a request and at most the beginning of its body; the status, type and body of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(head.replace("\n", "\r\n").encode() + b"Host: a\r\n\r\n" + body)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        return answer.status, answer.headers["Content-Type"], answer.read()


def test_a_body_longer_than_the_server_reads_is_refused_in_the_words_of_whoever_sent_it(
    data: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = json.loads(run(data, "users", "add", "may", "--role", "canvasser", "--area", "001", "--json").stdout)
    for name in ("MAPPER_MAX_UPLOAD_MB", "MAPPER_MAX_SUBMISSION_MB"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("MAPPER_LANGUAGE", "en")
    long = "Content-Length: 100000000\nContent-Type: multipart/form-data; boundary=b\n"
    chunked = "Transfer-Encoding: chunked\nContent-Type: multipart/form-data; boundary=b\n"
    chunks = b"%x\r\n%b\r\n" % (2_000_001, b"x" * 2_000_001)
    served = Served(data, free_port)
    try:
        for path in (f"/key/{made['token']}/submission", f"/key/{made['token']}/submission?deviceID=a"):
            for how, body in ((long, b""), (chunked, chunks)):
                status, kind, answer = send_head(free_port, f"POST {path} HTTP/1.1\n{how}", body)
                assert (status, kind) == (413, "text/xml; charset=utf-8")
                assert "over the 1 MB that one upload may have" in message_of(answer)
        status, kind, answer = send_head(free_port, f"POST /key/wrong/submission HTTP/1.1\n{long}")
        assert (status, kind) == (403, "text/xml; charset=utf-8")
        status, kind, answer = send_head(free_port, f"POST /api/coverage HTTP/1.1\n{long}")
        assert (status, kind, json.loads(answer)["error"]["status"]) == (405, "application/json", 405)
        form = long.replace("multipart/form-data; boundary=b", "application/x-www-form-urlencoded")
        status, kind, answer = send_head(free_port, f"POST /sign-in HTTP/1.1\n{form}")
        assert (status, kind) == (413, "text/html; charset=utf-8")
        assert b"larger than the server accepts" in answer
        # what is no HTTP at all is still waitress's own to refuse, and the server goes on
        assert send_head(free_port, "POST /submission HTTP/1.1\nContent-Length: many\n")[0] == 400
        assert requests.get(f"http://127.0.0.1:{free_port}/sign-in", timeout=60).status_code == 200
    finally:
        status = served.end(signal.SIGTERM)
    assert status == 0
    assert "Traceback" not in served.said


def test_worker_that_dies_is_replaced(data: Path, free_port: int) -> None:
    served = Served(data, free_port, "--workers", "2")
    try:
        for _ in range(4):
            assert requests.get(f"http://127.0.0.1:{free_port}/sign-in", timeout=60).status_code == 200
        children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
        if not children.exists():
            pytest.skip("this system does not tell a process's children")
        before = children.read_text().split()
        assert len(before) == 2
        os.kill(int(before[0]), signal.SIGKILL)
        for _ in range(20):
            assert requests.get(f"http://127.0.0.1:{free_port}/sign-in", timeout=60).status_code == 200
        for _ in range(60_000):
            now = children.read_text().split()
            if len(now) == 2 and before[0] not in now:
                break
            threading.Event().wait(0.001)
        assert len(now) == 2 and before[0] not in now and before[1] in now
    finally:
        assert served.end(signal.SIGTERM) == 0


def test_more_phones_than_select_knows_files_are_served(data: Path, free_port: int) -> None:
    """A province's phones keep their connections alive; number 1024 and beyond are answered too."""
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1500:
        pytest.skip("this machine opens too few files at once to try")
    served = Served(data, free_port)
    with ExitStack() as lines:
        lines.callback(served.end, signal.SIGTERM)
        for _ in range(1100):
            lines.enter_context(socket.create_connection(("127.0.0.1", free_port), timeout=60))
        assert requests.get(f"http://127.0.0.1:{free_port}/sign-in", timeout=60).status_code == 200


def test_a_base_map_that_cannot_be_read_stops_the_server_before_it_starts_with_one_line(
    data: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "nen.mbtiles"
    broken.write_bytes(b"no database at all" * 100)
    done = outside(data, "serve", "--port", "0", MAPPER_BASEMAP=str(broken))
    (line,) = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 1
    assert line.startswith(f"{broken} không phải là tệp MBTiles")
    assert line.endswith("Hãy chép lại tệp lên máy chủ, hoặc để trống MAPPER_BASEMAP.")


def test_port_that_is_taken_is_told_in_one_line(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = outside(data, "serve", "--port", str(port), MAPPER_LANGUAGE="en")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in done.stderr and "--port" in done.stderr


def test_kill_while_phones_send_loses_nothing_that_was_confirmed(data: Path, free_port: int) -> None:
    """The process dies in the middle (kill -9); what a phone was told is kept, and all counts after the restart."""
    made = json.loads(run(data, "users", "add", "may", "--role", "canvasser", "--area", "001", "--json").stdout)
    url = f"http://127.0.0.1:{free_port}/key/{made['token']}"
    served = Served(data, free_port)
    confirmed: list[str] = []
    halfway = threading.Event()

    def send(team: int) -> None:
        with Collect(url) as phone:
            for number in range(200):
                house = House(f"uuid:{team}-{number}")
                try:
                    phone.send(house.form({"a.jpg": b"JPEG" * 100}))
                except (requests.RequestException, OSError):
                    return
                confirmed.append(house.instance_id)
                if len(confirmed) > 60:
                    halfway.set()

    threads = [threading.Thread(target=send, args=(team,)) for team in range(3)]
    for thread in threads:
        thread.start()
    assert halfway.wait(60)
    assert served.end(signal.SIGKILL) == -signal.SIGKILL
    for thread in threads:
        thread.join()
    assert 60 < len(confirmed) < 600

    again = Served(data, free_port)
    try:
        with Collect(url) as phone:
            assert len(phone.form_list()) == 2
    finally:
        assert again.end(signal.SIGTERM) == 0
    with sqlite3.connect(data / "tungnha.sqlite3") as connection:
        kept = dict(connection.execute("SELECT instance_id, state FROM submissions"))
        files = dict(connection.execute("SELECT instance_id, name FROM attachments"))
        households = connection.execute("SELECT count(*) FROM households").fetchone()[0]
        visited = connection.execute("SELECT sum(visited) FROM house_tallies").fetchone()[0]
    connection.close()
    assert set(confirmed) <= set(kept) == set(files)
    assert set(kept.values()) == {"processed"}
    assert households == visited == len(kept)


# The sample


def test_small_sample_can_be_built_and_signed_in_to(tmp_path: Path) -> None:
    made = run(tmp_path, "sample", "--households", "12", language="en")
    assert made.exit_code == 0, made.output
    signed = re.search(r"Sign in as (\S+) with the password (\S+)", made.stdout)
    assert signed and len(signed[2]) >= 10
    again = run(tmp_path, "sample", "--households", "12", language="en")
    assert again.exit_code == 0
    assert signed[2] not in again.stdout, "every run gives a password of its own"
    with sqlite3.connect(tmp_path / "tungnha.sqlite3") as connection:
        states = dict(connection.execute("SELECT state, count(*) FROM submissions GROUP BY state"))
    connection.close()
    assert (states.pop("held"), states.pop("flagged")) == (1, 1), "one of each to look at"
    assert set(states) == {"processed"}


def test_plain_form_is_published_beside_the_sample_too(tmp_path: Path) -> None:
    made = run(tmp_path / "data", "forms", "publish", str(write_plain(tmp_path / "plain")), language="en")
    assert made.stdout == "plain 1: published\n"
