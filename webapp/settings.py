"""Settings from the environment, read once by a composition root (`*/app.py`) or a command, never deeper."""

import os
from dataclasses import dataclass
from pathlib import Path


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
    database_url: str

    @classmethod
    def from_env(cls) -> "Settings":
        """Read SWEETSPOT_DATA and, if set, SWEETSPOT_DATABASE_URL (default: SQLite inside the data folder)."""
        data = Path(required("SWEETSPOT_DATA")).absolute()
        data.mkdir(parents=True, exist_ok=True)
        url = os.environ.get("SWEETSPOT_DATABASE_URL") or f"sqlite:///{data / 'sweetspot.db'}"
        return cls(data, url)
