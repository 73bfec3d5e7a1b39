"""LibreOffice without a window, for the tests that hand it files.

``python -m tests.office`` prints the program that the tests would use, or ends with status 1.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("soffice", "libreoffice")
AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,1"
"""The first sheet as UTF-8, cells as they are shown."""
FROM_CSV = "CSV:44,34,76,1"


def find() -> str | None:
    """The program on the PATH."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


def convert(office: str, files: list[Path], kind: str, folder: Path, read_as: str = "") -> None:
    """Open files and save them in a folder as another kind. Raises CalledProcessError."""
    profile = f"-env:UserInstallation={(folder.parent / 'office-profile').as_uri()}"
    reading = [f"--infilter={read_as}"] if read_as else []
    command = [office, profile, "--headless", "--norestore", *reading, "--convert-to", kind, "--outdir", str(folder)]
    subprocess.run([*command, *map(str, files)], check=True, capture_output=True, timeout=300)


if __name__ == "__main__":
    office = find()
    print(office or "no LibreOffice found")
    sys.exit(office is None)
