"""Two web machines and one PostgreSQL; one machine is cut off in the middle of a burst, and comes back.

python bench/two_machines.py [--clients 200] [--each 20] [--cut-after 6] [--back-after 45]       (Linux, as root)

Each machine is a network namespace with an address and a cable of its own; PostgreSQL and the phones are outside, on a
bridge between them. Phones begin at either machine, at random. The cable of the first is pulled: nothing is refused,
nothing answers any more, transactions that it had begun stay open at the database until that notices. Phones that hear
nothing for a while begin anew at the other machine. Ends with an error where a submission is lost, is there twice or
waits, where figures are not those of the answers, or where the machine that came back takes nothing any more.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.burst import Habits, come, held, report
from bench.households import Inventor, sample_hamlets
from bench.intake import census_form, check
from bench.phones import Target
from bench.service import CHECKOUT, Installation, import_sample_outlines, installation
from mapper.formats.campaign import read_campaign
from tests import postgres

BRIDGE, NETWORK, PREFIX = "tungnha0", "10.214.77.0/24", "10.214.77"
HERE = f"{PREFIX}.1"
PORT = 8000
ANSWER_S = 8.0
"""A phone that hears nothing for so long begins anew."""


def ip(*words: str) -> None:
    """Run ``ip``. Ends the program where it may not."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"ip {' '.join(words)}: {done.stderr.strip()}. Run as root on Linux with the iproute2 package.")


@contextmanager
def bridge() -> Iterator[None]:
    """What the cables of all machines end at."""
    ip("link", "add", BRIDGE, "type", "bridge")
    try:
        ip("addr", "add", f"{HERE}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        yield
    finally:
        ip("link", "del", BRIDGE)


@contextmanager
def machine(number: int) -> Iterator[str]:
    """A namespace with a cable to the bridge; its name, which is that of the cable's end outside too."""
    name = f"tungnha{number}"
    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", name, "master", BRIDGE, "up")
        ip("-n", name, "addr", "add", f"{PREFIX}.{number}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "del", name)


@contextmanager
def serving(here: Installation, name: str, number: int) -> Iterator[str]:
    """The product on a machine; its address."""
    url = f"http://{PREFIX}.{number}:{PORT}"
    folder = here.data_dir / name
    folder.mkdir()
    words = [sys.executable, "server.py", "serve", "--host", f"{PREFIX}.{number}", "--port", str(PORT)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            ["ip", "netns", "exec", name, *words],
            cwd=CHECKOUT,
            env=here.environment | {"MAPPER_DATA_DIR": str(folder)},
            stdout=log,
            stderr=log,
        )
    try:
        give_up = time.monotonic() + 60
        while not answers(url):
            if process.poll() is not None or time.monotonic() > give_up:
                sys.exit(f"{name} did not start:\n{(folder / 'server.log').read_text()}")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=90)


def answers(url: str) -> bool:
    """Whether a machine answers."""
    try:
        with urllib.request.urlopen(f"{url}/sign-in", timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False


def main() -> None:
    """Build it, let phones come, pull the cable, hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--each", type=int, default=20, help="submissions of each phone")
    parser.add_argument("--cut-after", type=float, default=6.0, help="seconds after the burst has begun")
    parser.add_argument("--back-after", type=float, default=45.0, help="seconds after it was cut off")
    options = parser.parse_args()
    if os.name != "posix" or os.geteuid() != 0:
        sys.exit("Network namespaces are made by root alone. Run it as root on Linux.")
    run = f"{time.time()}"
    with ExitStack() as stack:
        stack.enter_context(bridge())
        database = postgres.start(HERE, NETWORK)
        stack.callback(database.stop)
        address = stack.enter_context(database.database()).replace("127.0.0.1", HERE)
        here = stack.enter_context(installation(address))
        import_sample_outlines(here)
        here.command("forms", "publish", "forms/covid19")
        token, phone = here.token("reader", "administrator"), here.token("phone", "canvasser", "063")
        names = [stack.enter_context(machine(number)) for number in (2, 3)]
        urls = [stack.enter_context(serving(here, name, number)) for number, name in enumerate(names, 2)]
        targets = tuple(Target(f"{url}/key/{phone}") for url in urls)

        def pull() -> None:
            time.sleep(options.cut_after + 2 + options.clients * options.each / 3000)
            ip("link", "set", names[0], "down")
            print(f"{names[0]} is cut off", flush=True)
            time.sleep(options.back_after)
            ip("link", "set", names[0], "up")
            print(f"{names[0]} is back", flush=True)

        pulling = threading.Thread(target=pull)
        pulling.start()
        habits = Habits(targets, 0.1, 0.05, options.each, answer_s=ANSWER_S)
        seen = come(habits, options.clients, census_form(targets[0]), run)
        report(seen)
        pulling.join()
        if not seen.troubles:
            sys.exit("nothing was cut off while phones sent: raise --each, or lower --cut-after")
        held(address, sorted(seen.taken), run, 0.1)
        campaign = read_campaign((CHECKOUT / "forms" / "covid19" / "campaign.toml").read_text("utf-8"))
        # Both tell the same figures, and the one that was cut off takes submissions again.
        for url in urls:
            check(url, token, Inventor(campaign, sample_hamlets(CHECKOUT)), len(seen.taken))
        again = come(Habits(targets[:1], 0.0, 0.0, 2), 10, census_form(targets[0]), f"{run} again")
        report(again)


if __name__ == "__main__":
    main()
