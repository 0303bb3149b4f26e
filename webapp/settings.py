"""Settings from the environment, read once by a composition root (`*/app.py`) or a command, never deeper."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import URL

MOST_WORKERS, MOST_THREADS = 256, 1024  # more only cost memory
SHOWN = 50  # characters of a value that is refused


class SettingsError(Exception):
    """A setting is missing or cannot be used; the message says which and what to do."""


def required(name: str) -> str:
    """Return an environment variable, or raise SettingsError naming it."""
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set; `sweetspot up VARIANT` sets it, by hand: export {name}=...")
    return value


def whole_number(name: str, usual: int, most: int) -> int:
    """Return an environment variable from 1 to `most`, or what is usual where it is not set. Raises SettingsError."""
    text = os.environ.get(name) or str(usual)
    if not re.fullmatch("[1-9][0-9]{0,3}", text) or int(text) > most:
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        raise SettingsError(f"{name} must be a whole number from 1 to {most}, like {usual}, not {shown!r}")
    return int(text)


def web_workers() -> int:
    """Return how many processes answer users. Raises SettingsError."""
    return whole_number("SWEETSPOT_WEB_WORKERS", 2, MOST_WORKERS)


def web_threads() -> int:
    """Return how many requests each of them answers at once. Raises SettingsError."""
    return whole_number("SWEETSPOT_WEB_THREADS", 4, MOST_THREADS)


def writers() -> int:
    """Return how many of a web worker's threads may write at once: all but two, which are left for readers."""
    return max(1, web_threads() - 2)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the product keeps its photos (a folder) and their metadata (a SQLAlchemy database URL).

    `writers` is how many threads of a process may write at once.
    """

    data: Path
    database_url: "str | URL"
    writers: int = 2

    @classmethod
    def from_env(cls) -> "Settings":
        """Read SWEETSPOT_DATA and, if set, SWEETSPOT_DATABASE_URL (default: SQLite inside the data folder)."""
        from sqlalchemy import URL  # late: gunicorn's master reads settings too, and needs no database

        data = Path(required("SWEETSPOT_DATA")).absolute()
        # A path is no URL: in the text of one, a `?` in it would begin the query, and the database lie elsewhere.
        url = os.environ.get("SWEETSPOT_DATABASE_URL") or URL.create("sqlite", database=str(data / "sweetspot.db"))
        return cls(data, url, writers())

    def make_folder(self) -> None:
        """Make the data folder; only for a new store: one that is away, as before its disk is mounted, stays away."""
        try:
            self.data.mkdir(exist_ok=True)  # not its parents: who outlives the harness makes no removed folder again
        except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
            words = f"{str(self.data)!r} cannot be a folder ({error.strerror}); name one in a folder that exists"
            raise SettingsError(f"SWEETSPOT_DATA: {words}") from error
