"""Files of installed packages, and files written so that a reader never meets a half of one."""

import secrets
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from vision.errors import ModelError


def installed_file(package: str, path: str) -> Path:
    """Return where a package put that file, importing nothing; raise `ModelError` where it is not installed."""
    try:
        return Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError as error:
        raise ModelError(f"{package} is not installed: pip install {package}") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write aside and rename: whoever opens `path` gets the whole old content or the whole new one."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
