"""What heavy libraries the start of the server loads: none that only some questions need."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import CHECKOUT

HEAVY = ("duckdb", "pyarrow", "geopandas", "pandas", "folium", "pyogrio", "matplotlib")
NEEDED_LATER = ("duckdb", "pyarrow", "geopandas", "pandas", "pyogrio", "matplotlib")


def told(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip().splitlines()[-1]


def test_the_help_of_the_command_line_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['server.py', '--help']\nfrom server import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert told(code) == "[]"


def test_the_application_starts_where_nothing_heavy_can_be_loaded() -> None:
    # Folium loads pandas and its Arrow where it finds them: what is asked is whether anything of ours needs them.
    code = (
        f"import sys\nsys.modules.update(dict.fromkeys({NEEDED_LATER}))\n"
        "import tempfile\nfrom pathlib import Path\nfrom mapper.settings import Settings\n"
        "from server import create_app\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    app = create_app(Settings(data_dir=Path(folder)))\n"
        "    print(app.test_client().get('/sign-in').status_code)"
    )
    assert told(code) == "200"
