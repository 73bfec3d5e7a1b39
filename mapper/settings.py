"""Settings from the environment, ``MAPPER_*``; each stands in the README, and a test sees to that.

Read once, by ``server.py``; every other room is handed what it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHORTEST_KEY = 32
SHORTEST_TOKEN = 16


class Settings(BaseSettings):
    """What an operator may change. Environment variables are the upper-case names behind ``MAPPER_``."""

    model_config = SettingsConfigDict(env_prefix="MAPPER_", frozen=True, extra="ignore")

    data_dir: Path = Field(Path("var"), description="Folder of the embedded database and of caches.")
    database_url: str = Field(
        "", description="SQLAlchemy address of a PostgreSQL database; empty means SQLite in the data folder."
    )
    reading_url: str = Field(
        "", description="Address of a streaming replica of the same PostgreSQL, which pages and maps are read from."
    )
    public_url: str = Field(
        "", description="Address under which phones and browsers reach the server, e.g. https://tiem.example.vn."
    )
    behind_proxy: bool = Field(False, description="Trust X-Forwarded-* headers of one reverse proxy in front.")
    language: Literal["vi", "en"] = Field("vi", description="Language where the reader has chosen none: vi or en.")
    project_name: str = Field("Từng Nhà", description="Name shown on pages and on the phones.")
    max_submission_mb: int = Field(20, ge=1, description="Largest single POST of a submission, in megabytes.")
    max_upload_mb: int = Field(200, ge=1, description="Largest file an administrator may upload, in megabytes.")
    chunk_mb: int = Field(2, ge=1, description="Length that phones are told to send in one POST, in megabytes.")
    tile_url: str = Field("", description="Optional base map, {z}/{x}/{y} address; empty draws none.")
    tile_attribution: str = Field("", description="Credit line that the base map's owner asks for.")
    basemap: str = Field(
        "", description="Base map of the server's own, an .mbtiles or .pmtiles file; comes before the address."
    )
    roads: str = Field(
        "", description="File of the road map that `roads import` makes; empty: roads.npz in the data folder."
    )
    routing_kind: Literal["osrm", "valhalla"] = Field("osrm", description="Kind of the routing server.")
    routing_url: str = Field("", description="Address of a routing server of your own; houses' positions go to it.")
    routing_walking_url: str = Field(
        "", description="Address of the same for ways on foot, where it is another one, as with OSRM."
    )
    dhis2_url: str = Field("", description="Address of the DHIS2 server that figures are sent to, without /api.")
    dhis2_token: str = Field("", repr=False, description="Personal access token of a DHIS2 user who may enter them.")
    dask: str = Field(
        "",
        description="Address of a Dask scheduler whose workers read along in a rebuild and place a large register in "
        "an added boundary set; personal data go to it.",
    )
    dask_wait_s: int = Field(
        300, ge=10, le=86_400, description="Seconds without an answer of any Dask worker after which a rebuild ends."
    )
    new_password: str = Field("", description="Password that `users add` gives, so that a script need not type it.")
    idle_minutes: int = Field(
        30, ge=5, le=720, description="Minutes without use after which a browser has to sign in again."
    )
    boundary_set: str = Field("", description="Boundary set shown first; empty: the one in force on the day shown.")
    log: Literal["text", "json"] = Field("text", description="How the log is written: text, or json, an object a line.")
    metrics_token: str = Field(
        "", repr=False, description="Token that Prometheus shows at /metrics, 16 characters or more; empty: no metrics."
    )
    disk_floor_mb: int = Field(
        500, ge=0, description="Below so much free on the data folder's disk the server is not ready, in megabytes."
    )
    secret_key: str = Field(
        "",
        description="Key that sessions are signed and phones' tokens made with; empty means one kept in the database.",
    )

    field_key: str = Field(
        "", description="File of the keys that names and phones are sealed with in the database; empty seals nothing."
    )
    memory_dir: Path = Field(
        Path("/dev/shm"),  # noqa: S108 - what is made in it is made for this program alone
        description="Folder in memory for copies with names, where there is a field key: nothing of it reaches a disk.",
    )

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, key: str) -> str:
        if key and len(key) < SHORTEST_KEY:
            raise ValueError(f"a key has at least {SHORTEST_KEY} characters; make one with: openssl rand -hex 32")
        return key

    @field_validator("metrics_token")
    @classmethod
    def _hard_to_guess(cls, token: str) -> str:
        if token and len(token) < SHORTEST_TOKEN:
            raise ValueError(f"a token has at least {SHORTEST_TOKEN} characters; make one with: openssl rand -hex 16")
        return token

    @property
    def road_map(self) -> Path:
        """The file of the road map, which need not be there."""
        return Path(self.roads).expanduser() if self.roads else self.data_dir / "roads.npz"

    @property
    def database(self) -> str:
        """The SQLAlchemy address in force."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'tungnha.sqlite3'}"
