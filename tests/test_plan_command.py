"""Sites are imported and plans made, looked at, repeated and stopped at the command line, as scripts do it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import server
from mapper.domain.plan import PlanQuestion
from mapper.errors import Conflict, InvalidQuestion, NotFound
from mapper.services import plan_again, plan_work, plans
from mapper.services.accounts import OPERATOR
from mapper.services.plans import PlanState
from mapper.settings import Settings
from mapper.web.installation import Installation
from server import command_line, open_reference
from tests.client.site import House, fill_database
from tests.conftest import CHECKOUT
from tests.services.kept_plans import wait_for

Run = Callable[..., Result]
DAYS = ("--campaign", "mini", "--first", "2022-08-20", "--last", "2022-08-24")
TEAM = ("--team", "Đội 1,22.05,105.05,200")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three houses with somebody due, and two sites."""
    folder = tmp_path_factory.mktemp("plans")
    fill_database(f"sqlite:///{folder / 'tungnha.sqlite3'}", folder)
    (folder / "phone").mkdir()
    for number in range(3):
        house = House(
            f"uuid:{number}", location=f"22.05{number} 105.05 300 6.5", people=(("Nông Thị Lan", "1980-05-04", ""),)
        )
        (folder / "phone" / f"{number}.xml").write_bytes(house.xml)
    (folder / "sites.csv").write_text("code,name,kind,lat,lon\nTYT,Trạm y tế,fixed,22.05,105.05\nXA,Xa,,21.0,105.0\n")
    run = running(folder)
    assert run("submissions", "import", str(folder / "phone")).exit_code == 0
    assert "2 sites are new, 0 changed, 0 as before." in run("sites", "import", str(folder / "sites.csv")).stdout
    return folder


def running(folder: Path) -> Run:
    """Runs commands on the database of a folder."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(command_line(Settings(data_dir=folder, language="en")), list(arguments))

    return run


@pytest.fixture
def run(filled: Path) -> Run:
    """Runs commands there."""
    return running(filled)


def made(run: Run, *arguments: str) -> dict[str, object]:
    """A plan that is made, as JSON."""
    done = run("plan", "make", *DAYS, *arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_server_makes_plans_that_were_left_waiting(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=filled, language="en")
    here = Installation(settings, server.open_reference(settings))
    question = PlanQuestion("mini", date(2022, 8, 20), date(2022, 8, 24), sites=1, seconds=1.0)
    number = plans.ask(here.reference, OPERATOR, question)
    server._take_up(here)
    assert plans.line(here.reference, OPERATOR, number).state is PlanState.WAITING
    monkeypatch.setattr(plans, "LEFT_S", -1)
    server._take_up(here)
    wait_for(lambda: plans.line(here.reference, OPERATOR, number).state is PlanState.DONE)
    here.reference.database.close()


def test_a_plan_is_made_kept_and_told_in_words(run: Run) -> None:
    told = run("plan", "make", *DAYS, "--sites", "1", "--name", "Tuần một")
    assert told.exit_code == 0, told.output
    number = re.search(r"Plan (\d+): ready", told.stdout)
    assert number, told.stdout
    assert "Trạm y tế (TYT): 3 people, 3 houses, farthest" in told.stdout
    assert "3 people due: 3 at 1 sites. Gap 0.00 %" in told.stdout
    assert run("plan", "show", number[1]).stdout == told.stdout
    listed = run("plan", "list", "--campaign", "mini").stdout
    assert f"{number[1]}  mini  2022-08-20 – 2022-08-24  Tuần một  ready" in listed
    assert run("plan", "list", "--campaign", "none").stdout == ""
    lines = json.loads(run("plan", "list", "--json").stdout)
    (line,) = [one for one in lines if one["number"] == int(number[1])]
    assert [line[name] for name in ("name", "state", "asked_by")] == ["Tuần một", "done", None]


def test_teams_are_told_with_their_days_and_nobody_is_named(run: Run) -> None:
    told = run("plan", "make", *DAYS, "--sites", "3", *TEAM, "--seconds", "2")
    assert told.exit_code == 0, told.output
    found = made(run, "--aim", "fewest_sites", "--entered")
    plan = found["made"]
    assert isinstance(plan, dict)
    assert [(one["site"]["code"], len(one["houses"])) for one in plan["sites"]] == [("TYT", 3)]
    assert "Nông" not in json.dumps(found, ensure_ascii=False)
    assert run("plan", "make", *DAYS, "--sites", "1", "--team", "Đội 1").exit_code != 0


def test_a_question_stands_in_a_file_and_options_come_before_it(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "question.json"
    file.write_text(
        json.dumps({"campaign_id": "mini", "first": "2022-08-20", "last": "2022-08-22", "sites": 1, "proposed": False})
    )
    done = run("plan", "make", "--question", str(file), "--last", "2022-08-23", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["first"], found["last"], found["summary"]["served"]) == ("2022-08-20", "2022-08-23", 3)
    for wrong, says in (
        ('{"campaign_id": "mini"', "no JSON: line 1"),
        ("[]", "JSON object"),
        ('{"wheels": 4}', "knows no field wheels"),
        ('{"campaign_id": "mini", "first": "soon", "last": "2022-08-22"}', "field first"),
        ('{"campaign_id": "mini", "first": "2022-08-20"}', "field last"),
        ('{"campaign_id": "mini", "first": "2022-08-20", "last": "2022-08-22", "teams": [{"name": "A"}]}', "teams.0"),
    ):
        file.write_text(wrong)
        problem = run("plan", "make", "--question", str(file)).exception
        assert isinstance(problem, InvalidQuestion) and says in str(problem)


def test_what_if_is_listed_and_made_by_its_code(run: Run) -> None:
    number = str(made(run, "--sites", "1")["number"])
    told = run("plan", "what-if", number)
    assert told.exit_code == 0 and "site_more  one site more" in told.stdout and "site_less" not in told.stdout
    other = run("plan", "what-if", number, "site_more", "--json")
    assert other.exit_code == 0 and str(json.loads(other.stdout)["variant_of"]) == number
    assert isinstance(run("plan", "what-if", number, "storm").exception, InvalidQuestion)


def test_a_scenario_that_planning_toml_lacks_is_refused_with_those_it_has(run: Run) -> None:
    problem = run("plan", "make", *DAYS, "--sites", "1", "--scenario", "flood").exception
    assert isinstance(problem, InvalidQuestion) and "flood" in str(problem)


def test_a_plan_is_repeated_and_the_exit_code_says_whether_it_is_the_same(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = str(made(run, "--sites", "1")["number"])
    same = run("plan", "repeat", number)
    assert same.exit_code == 0, same.output
    assert "3 people due in 3 houses" in same.stdout and "The same plan came out: " in same.stdout
    monkeypatch.setattr(plan_again, "made_digest", lambda plan: "0" * 64)
    monkeypatch.setattr(plan_again, "versions", lambda: plan_work.versions() | {"highspy": "99"})
    other = run("plan", "repeat", number)
    assert other.exit_code == 1
    assert "Another plan came out: 000000000000" in other.stdout and "- highspy was" in other.stdout


def test_another_question_is_put_to_the_census_of_a_plan(run: Run) -> None:
    first = made(run, "--sites", "1")
    done = run("plan", "make", "--like", str(first["number"]), "--sites", "2", "--json")
    assert done.exit_code == 0, done.output
    other = json.loads(done.stdout)
    assert (other["variant_of"], other["first"]) == (first["number"], "2022-08-20")


def test_progress_is_told_in_words_and_as_json(run: Run) -> None:
    number = str(made(run, "--sites", "1")["number"])
    told = run("plan", "progress", number)
    assert told.exit_code == 0, told.output
    assert "3 people are asked to come: 0 are vaccinated, 3 still due." in told.stdout
    assert "20 Aug 2022: " in told.stdout
    found = json.loads(run("plan", "progress", number, "--json").stdout)
    assert found["total"]["asked"] == 3 and sum(one["asked"] for one in found["sites"]) == 3


def test_what_cannot_be_is_said_and_changes_nothing(run: Run) -> None:
    before = run("plan", "list").stdout
    assert isinstance(run("plan", "show", "999").exception, NotFound)
    assert isinstance(run("plan", "make", "--campaign", "mini", "--first", "2022-08-20").exception, InvalidQuestion)
    assert isinstance(run("plan", "make", *DAYS, "--like", "999").exception, NotFound)
    assert run("plan", "list").stdout == before


def test_a_plan_in_use_gives_way_to_another_and_one_that_is_over_has_no_tomorrow(run: Run) -> None:
    one, two = (str(made(run, "--sites", "1")["number"]) for _ in range(2))
    for number in (one, two):
        assert run("plan", "use", number).exit_code == 0
    used = [line.split()[0] for line in run("plan", "list").stdout.splitlines() if line.endswith("[in use]")]
    assert used == [two]
    assert isinstance(run("plan", "tomorrow", two).exception, InvalidQuestion)


def test_a_plan_that_fails_is_told_with_exit_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Conflict("Nothing {what}.", what="fits")

    monkeypatch.setattr(plan_work, "make", refuse)
    failed = run("plan", "make", *DAYS, "--sites", "1")
    assert failed.exit_code == 1
    assert "could not be made" in failed.stdout and "Nothing fits." in failed.stderr


HELD = """
import signal, sys, time
# Whoever runs the tests in the background of a script lets them, and all that they start, be deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
from mapper.services import plan_work
make = plan_work.make
def hold(given, rules, watched, *more):
    made = make(given, rules)
    print('held', flush=True)
    while not watched.unwanted():
        time.sleep(0.05)
    return made
plan_work.make = hold
sys.argv = ['server.py', *sys.argv[1:]]
from server import main
main()
"""
"""A command line whose plans are made, and not done until somebody stops them."""


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that makes a plan, and holds it."""
    work = subprocess.Popen(
        [sys.executable, "-c", HELD, "plan", "make", *DAYS, "--sites", "1"],
        cwd=CHECKOUT,
        env={**os.environ, "MAPPER_DATA_DIR": str(folder), "MAPPER_LANGUAGE": "en"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert work.stdout is not None and work.stdout.readline() == "held\n"
        yield work
    finally:
        work.kill()
        work.communicate()


def test_ctrl_c_takes_the_best_plan_so_far(filled: Path) -> None:
    with held(filled) as work:
        work.send_signal(signal.SIGINT)
        said, wrong = work.communicate(timeout=60)
    assert work.returncode == 0, wrong
    assert "stopped, with the best found" in said and "Stopping" in wrong
    assert "3 people due: 3 at 1 sites" in said


def test_a_stop_asked_in_one_process_is_heard_in_the_other(run: Run, filled: Path) -> None:
    with held(filled) as work:
        number = str(json.loads(run("plan", "list", "--json").stdout)[0]["number"])
        assert json.loads(run("plan", "show", number, "--json").stdout)["state"] == "running"
        assert run("plan", "stop", number).exit_code == 0
        said, wrong = work.communicate(timeout=60)
    assert work.returncode == 0, wrong
    assert f"Plan {number}: stopped, with the best found" in said and "3 people due: 3 at 1 sites" in said


def test_a_stop_at_the_command_line_ends_a_plan_that_waits(run: Run, filled: Path) -> None:
    from mapper.services import plans
    from mapper.services.accounts import OPERATOR

    reference = open_reference(Settings(data_dir=filled))
    question = plans.lines(reference, OPERATOR)[0].question
    number = plans.ask(reference, OPERATOR, question)
    reference.database.close()
    assert run("plan", "stop", str(number)).exit_code == 0
    assert json.loads(run("plan", "show", str(number), "--json").stdout)["state"] == "stopped"
