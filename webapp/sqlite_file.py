"""The file of a SQLite database, which may be away for a moment, or be replaced by another one.

SQLite makes a file that is absent, and goes on with one that was removed or moved. Both lose what was acknowledged: it
is gone once the file at the path is another one, and its ids are given a second time.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DisconnectionError

Identity = tuple[int, int]  # device and inode

# Asking the disk costs a tenth of a short query. So readers do not ask each time: for so long they may read what is
# there no more, which harms nobody. Writers ask each time, and once more before they commit.
FRESH_S = 0.05


@dataclass(slots=True)
class SqliteFile:
    """The file, and a URL that opens it where it exists and makes none."""

    path: Path
    url: URL
    _there: Identity | None = None
    _looked: float = 0.0  # monotonic

    @classmethod
    def of(cls, url: URL) -> "SqliteFile | None":
        """Return the file of a URL; None where it names no file, or SQLite's own URI, whose writer chose the mode."""
        if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"} or "uri" in url.query:
            return None
        path = Path(str(url.database)).absolute()
        named = url.set(database=f"file://{quote(os.fsencode(path))}")  # a path is no URL: `?` and `%` are quoted
        return cls(path, named.update_query_dict({"uri": "true", "mode": "rw"}))

    def watch(self, engine: Engine, *, writes: bool) -> None:
        """Let an engine use no connection whose file is not the one at the path any more; it opens another one.

        Where it writes, it commits to no such file either, and raises DisconnectionError.
        """
        age = 0.0 if writes else FRESH_S

        @event.listens_for(engine, "do_connect")
        def note(_dialect: object, record: Any, _args: object, _options: object) -> None:  # noqa: ANN401
            # Before it is opened: if the file is replaced in between, the connection is opened once more for nothing.
            record.info["file"] = self._identity()

        @event.listens_for(engine, "checkout")
        def look(_connection: object, record: Any, _proxy: object) -> None:  # noqa: ANN401  (the pool's own)
            self._compare(record.info["file"], age)

        if writes:

            @event.listens_for(engine, "commit")
            def look_again(connection: Connection) -> None:
                self._compare(connection.connection.info["file"], age)

    def _compare(self, opened: Identity | None, age: float) -> None:
        there, now = self._there, monotonic()
        if opened != there or now - self._looked >= age:
            self._there = there = self._identity()
            self._looked = now
        if opened != there:
            raise DisconnectionError("the database's file is away, or another one than was opened")

    def _identity(self) -> Identity | None:
        try:
            there = self.path.stat()
        except OSError:
            return None
        return there.st_dev, there.st_ino
