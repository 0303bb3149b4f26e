"""Settings from the environment, read once by a composition root (`*/app.py`) or a command, never deeper."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import URL


class SettingsError(Exception):
    """A setting is missing or cannot be used; the message says which and what to do."""


def required(name: str) -> str:
    """Return an environment variable, or raise SettingsError naming it."""
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set; `sweetspot up VARIANT` sets it, by hand: export {name}=...")
    return value


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the product keeps its photos (a folder) and their metadata (a SQLAlchemy database URL)."""

    data: Path
    database_url: "str | URL"

    @classmethod
    def from_env(cls) -> "Settings":
        """Read SWEETSPOT_DATA and, if set, SWEETSPOT_DATABASE_URL (default: SQLite inside the data folder)."""
        from sqlalchemy import URL  # late: gunicorn's master reads settings too, and needs no database

        data = Path(required("SWEETSPOT_DATA")).absolute()
        data.mkdir(parents=True, exist_ok=True)
        # A path is no URL: in the text of one, a `?` in it would begin the query, and the database lie elsewhere.
        url = os.environ.get("SWEETSPOT_DATABASE_URL") or URL.create("sqlite", database=str(data / "sweetspot.db"))
        return cls(data, url)
