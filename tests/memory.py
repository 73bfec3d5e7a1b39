"""Files of tests lie in memory where there is much of it: a database that keeps what it answered waits for the disk.

Nothing else is other than on a disk; a database is told to sync, and does. TMPDIR names another place.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

FOLDER = Path("/dev/shm")
WANTED_BYTES = 8_000_000_000
"""A run of all tests leaves up to half of it."""


def is_enough() -> bool:
    """Whether there is such a folder, with room, programs may be run there, and the machine has memory for it."""
    try:
        told = Path("/proc/meminfo").read_text("ascii")
        free = shutil.disk_usage(FOLDER).free
        may_run = not os.statvfs(FOLDER).f_flag & os.ST_NOEXEC
    except OSError:
        return False
    available = re.search(r"MemAvailable: +(\d+) kB", told)
    memory = int(available[1]) * 1024 if available else 0
    return may_run and os.access(FOLDER, os.W_OK) and min(free, memory) >= WANTED_BYTES
