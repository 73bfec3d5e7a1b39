"""What a set-up installs is pinned, and nothing says from where: that is the machine's own business."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
LOCKS = (*REQUIREMENTS, "package.json", "package-lock.json", ".npmrc")
PINNED = re.compile(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.+!-]*)")


def addresses(text: str) -> list[str]:
    """Whatever in a lock file would tell a client where to download from."""
    pattern = r"https?://\S+|git\+\S+|file:\S+|--(?:extra-)?index-url\S*|--find-links\S*|\"resolved\"|^\s*registry\s*="
    return re.findall(pattern, text, re.MULTILINE)


BACKPORT = re.compile(r'(backports\.[^;]+); python_version < "3\.\d+"')
"""What newer Pythons bring themselves, and could not install, is pinned for the older ones alone."""

NO_WHEEL = re.compile(r'(pyvrp[^;]+); sys_platform != "darwin" or platform_machine != "x86_64"')
"""What a Mac with an Intel processor could only build is left out there; who plans routes on it is told."""


def unpinned(text: str) -> list[str]:
    """Lines of a requirements file that leave a version open."""
    lines = [NO_WHEEL.sub(r"\1", BACKPORT.sub(r"\1", line.strip())) for line in text.splitlines()]
    return [line for line in lines if line and line[0] != "#" and line[:3] != "-r " and not PINNED.fullmatch(line)]


def names(file: str) -> set[str]:
    """Package names of a requirements file, as pip compares them."""
    return {plain(name) for name, _version in PINNED.findall((CHECKOUT / file).read_text("utf-8"))}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


@pytest.mark.parametrize("file", LOCKS)
def test_lock_files_name_no_download_address(file: str) -> None:
    assert addresses((CHECKOUT / file).read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "flask @ https://packages.example/flask.whl",
        "--index-url=https://packages.example/simple",
        "--find-links=wheels",
        "flask @ git+ssh://git.example/flask",
        "flask @ file:///home/someone/flask",
        '  "resolved": "leaflet-1.9.4.tgz",',
        "registry=//packages.example",
    ],
)
def test_a_download_address_is_found(line: str) -> None:
    assert addresses(f"click==8.0\n{line}\n")


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_requirements_pin_every_version(file: str) -> None:
    assert unpinned((CHECKOUT / file).read_text("utf-8")) == []


@pytest.mark.parametrize("line", ["flask", "flask>=3", "flask==3.*", "flask==3.1 ; python_version < '3.12'"])
def test_an_open_version_is_found(line: str) -> None:
    assert unpinned(f"# comment\n-r requirements.txt\n\nclick==8.5.1\n{line}") == [line]


def test_what_the_product_imports_is_pinned() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    assert {plain(name) for name in project["project"]["dependencies"]} <= names("requirements.txt")
    assert {plain(name) for name in project["dependency-groups"]["dev"]} <= names("requirements-dev.txt") | names(
        "requirements.txt"
    )


def test_no_package_is_pinned_twice() -> None:
    assert names("requirements.txt") & names("requirements-dev.txt") == set()


def test_front_end_packages_are_pinned_with_their_checksums() -> None:
    wanted = json.loads((CHECKOUT / "package.json").read_text("utf-8"))["dependencies"]
    locked = json.loads((CHECKOUT / "package-lock.json").read_text("utf-8"))["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(entry["integrity"].startswith("sha512-") for place, entry in locked.items() if place)
