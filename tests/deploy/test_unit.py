"""The systemd unit: what systemd itself says of it. It is not started here: that wants a machine run by systemd."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.ground import CHECKOUT

UNIT = CHECKOUT / "deploy" / "tungnha.service"
MOST_EXPOSED = 2.0
"""Of 10, as systemd counts; an ordinary service without any hardening has 9.6."""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    # The checkout is expected in /opt; any program stands for its interpreter here.
    text = UNIT.read_text("utf-8").replace("/opt/tungnha/.venv/bin/python", "/bin/true")
    (tmp_path / "tungnha.service").write_text(text, "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "tungnha.service"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "bus" in done.stderr and "tungnha" not in done.stderr:
        pytest.skip(done.stderr.strip()[:200])
    assert done.returncode == 0, done.stderr
    assert "tungnha.service" not in done.stderr, done.stderr


def test_the_unit_leaves_little_open_and_one_without_its_hardening_much(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8")
    bare = re.sub(
        r"(?m)^(Protect|Restrict|Private|Lock|NoNew|Capability|SystemCall|Keyring|Remove|UMask).*\n", "", text
    )
    assert exposure(tmp_path, text) <= MOST_EXPOSED < exposure(tmp_path, bare)


def exposure(folder: Path, text: str) -> float:
    """How exposed systemd calls a service of this unit, from 0 to 10."""
    (folder / "tungnha.service").write_text(text, "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", folder / "tungnha.service"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = re.search(r"exposure level for tungnha.service: ([\d.]+)", done.stdout)
    if told is None:
        pytest.skip(f"this systemd looks at no unit offline: {done.stderr.strip()[:200]}")
    return float(told[1])
