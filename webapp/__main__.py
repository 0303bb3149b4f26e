"""`python -m webapp`: make the catalogue, and seed a store with photos."""

import os
import random
import sys
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from webapp.catalogue import make_catalogue
from webapp.console import forget_unsaid, open_streams, say
from webapp.database import told
from webapp.images import MAX_BYTES, ImageTooLarge, UndecodableImage, check_image
from webapp.photos import PhotoStore
from webapp.settings import Settings, SettingsError
from webapp.uploads import check_size, title_of


@click.group(help="The product's own commands.")
def commands() -> None:
    """Hold the commands together."""


@commands.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("data/catalogue"), show_default=True)
def catalogue(out: Path) -> None:
    """Make the catalogue: crops and scales of scikit-image's photographs."""
    if out.exists():
        raise SettingsError(f"{out} exists; remove it first")
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    count = make_catalogue(aside)
    aside.rename(out)
    say(f"{count} photos in {out}")


@commands.command()
@click.option("--photos", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
def seed(photos: Path) -> None:
    """Make the tables of the store in $SWEETSPOT_DATA and add every image of a folder; a filled store is left alone."""
    settings = Settings.from_env()
    settings.make_folder()
    store = PhotoStore.open(settings)
    store.make()
    if store.newest(None, 1):
        say("the store has photos already; nothing added")
        return
    added = sum(_add(store, path) for path in _mixed(photos))
    store.close()
    if not added:
        raise SettingsError(f"{photos} holds no JPEG, PNG or WebP image that can be read")
    say(f"{added} photos added")


def _mixed(folder: Path) -> list[Path]:
    """Return the folder's files in an order that is always the same, but not by motif: a gallery to look at."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    random.Random(0).shuffle(files)  # noqa: S311
    return files


def _add(store: PhotoStore, path: Path) -> bool:
    """Add a file. One that cannot be a photo is told on stderr; the harness passes lines with `left out:` on."""
    try:
        image = check_image(check_size(_bytes(path)))
    except (UndecodableImage, ImageTooLarge, UnreadableFile) as error:
        say(f"left out: {path.name!r}: {error}", err=True)
        return False
    store.add(image, title_of(path.stem.rsplit("-", 1)[0].replace("-", " ").capitalize()))
    return True


class UnreadableFile(Exception):  # noqa: N818  (the name is the state of the file, as with photos)
    """A file cannot be read at all; unlike an error while the store writes, that is about this photo only."""


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # enough to know that it is too large
    except OSError as error:
        raise UnreadableFile(f"The file cannot be read ({error.strerror}).") from error


def main() -> None:
    """Run a command; an error is one line, not a traceback."""
    open_streams()
    try:
        commands(prog_name="python -m webapp")
    except (SettingsError, SQLAlchemyError, OSError, MemoryError) as error:
        sys.exit(f"webapp: {told(error)}")
    finally:
        forget_unsaid()


if __name__ == "__main__":
    main()
