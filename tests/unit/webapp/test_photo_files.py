"""The files of the store: what is left of replaced photos, failed writes and killed ones is nothing."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from tests.processes import wait_for
from webapp.images import check_image
from webapp.photos import PhotoRecord, PhotoStore
from webapp.predictor import UnknownPhoto, UnreadablePhoto
from webapp.settings import Settings

# A writer of one photo that dies where it is told to: at a method of PhotoFiles, before it does anything.
KILLED = """
import os, signal, sys
from pathlib import Path
from webapp.images import check_image
from webapp.photo_files import PhotoFiles
from webapp.photos import PhotoStore
from webapp.settings import Settings

data, url, where, photo_id, image = sys.argv[1:]
store = PhotoStore.open(Settings(Path(data), url))
setattr(PhotoFiles, where, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
checked = check_image(Path(image).read_bytes())
store.add(checked, "killed") if photo_id == "0" else store.replace(int(photo_id), checked)
"""


def files(store: PhotoStore) -> set[str]:
    return {str(path.relative_to(store._files._folder)) for path in store._files._folder.glob("*/*")}


def of(*records: PhotoRecord) -> set[str]:
    return {f"{record.file}{suffix}" for record in records for suffix in (".jpeg", ".thumbnail")}


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the kernel refuse to write beyond so many bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The settings of `store`."""
    return Settings(tmp_path, database_url)


@pytest.fixture
def reopened(store: PhotoStore, settings: Settings) -> Iterator[Callable[[], PhotoStore]]:
    """Opens the store once more, as each worker does when it starts."""
    opened: list[PhotoStore] = []

    def reopen() -> PhotoStore:
        opened.append(PhotoStore.open(settings))
        return opened[-1]

    yield reopen
    for one in opened:
        one.close()


def test_a_replacement_leaves_no_older_file(store: PhotoStore, photo_id: int, jpeg: bytes) -> None:
    for _ in range(5):
        record = store.replace(photo_id, check_image(jpeg))
    assert files(store) == of(record)


def test_replacements_at_once_leave_only_the_last(store: PhotoStore, photo_id: int, jpeg: bytes) -> None:
    image = check_image(jpeg)
    with ThreadPool(4) as threads:
        versions = threads.map(lambda _: store.replace(photo_id, image).version, range(12))
    assert sorted(versions) == list(range(2, 14))
    assert files(store) == of(store.get(photo_id))


def test_whoever_reads_while_photos_are_replaced_gets_an_answer(
    store: PhotoStore, photo_id: int, jpeg: bytes, other_jpeg: bytes
) -> None:
    images = [check_image(other_jpeg), check_image(jpeg)]
    with ThreadPool(1) as thread:
        writing = thread.map_async(lambda turn: store.replace(photo_id, images[turn % 2]), range(30))
        while not writing.ready():
            record, content = store.load(photo_id)
            assert len(content) == record.bytes
            assert store.load_thumbnail(photo_id)[1].startswith(b"\xff\xd8")
        writing.get()


@pytest.mark.parametrize("room", [0, 20_000])
def test_a_disk_without_room_takes_nothing_and_all_heals(
    store: PhotoStore, photo_id: int, jpeg: bytes, other_jpeg: bytes, room: int
) -> None:
    image, before = check_image(other_jpeg), store.get(photo_id)
    with files_of_at_most(room):
        for write in (lambda: store.add(image, "new"), lambda: store.replace(photo_id, image)):
            with pytest.raises(Exception, match=r"File too large|disk I/O error"):
                write()
            assert store.load(photo_id) == (before, jpeg)
            assert store.newest(None, 2) == [before]
    store.sweep()  # while SQLite has no room it may be unable to say what is in it
    assert files(store) == of(before)
    assert store.replace(photo_id, image).version == 2
    assert files(store) == of(store.get(photo_id))


def test_a_full_database_takes_nothing_and_heals(store: PhotoStore, jpeg: bytes) -> None:
    if store.database.writer.dialect.name != "sqlite":
        return  # a server's disk is the server's
    first = store.add(check_image(jpeg), "first")
    with store.database.writer.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    image = check_image(jpeg)
    with pytest.raises(Exception, match="full"):
        [store.add(image, "x" * 200) for _ in range(100)]
    assert files(store) == of(*store.after(0, 200))
    last = store.after(0, 200)[-1]
    with store.database.writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert store.add(check_image(jpeg), "after").id == last.id + 1
    assert store.get(first.id) == first


@pytest.mark.parametrize("where", ["write", "thumbnail", "settle"])
@pytest.mark.parametrize("what", ["new", "replaced"])
def test_what_a_killed_writer_leaves_is_swept_at_the_next_start(
    reopened: Callable[[], PhotoStore], settings: Settings, photo_id: int, catalogue: Path, where: str, what: str
) -> None:
    target = photo_id if what == "replaced" else 0
    arguments = [settings.data, settings.database_url, where, target, catalogue / "moon-1.jpg"]
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False)
    assert done.returncode == -signal.SIGKILL
    # A database server notices that a client is gone a moment after it is.
    wait_for(lambda: check_files(reopened()))
    stored = [(photo.version, photo.title) for photo in reopened().after(0, 10)]
    committed = [(1, "Coffee"), (1, "killed")] if what == "new" else [(2, "Coffee")]
    assert stored == (committed if where == "settle" else [(1, "Coffee")])


def check_files(store: PhotoStore) -> None:
    assert files(store) == of(*store.after(0, 10))


def test_a_start_harms_no_upload_that_goes_on(
    store: PhotoStore, reopened: Callable[[], PhotoStore], photo_id: int, jpeg: bytes
) -> None:
    image = check_image(jpeg)
    with ThreadPool(1) as thread:
        writing = thread.map_async(lambda _: [store.replace(photo_id, image), store.add(image, "new")], range(25))
        while not writing.ready():
            reopened().close()
        assert len(writing.get()) == 25
    for record in store.after(0, 100):
        assert store.load(record.id)[1] == jpeg
    reopened()
    assert files(store) == of(*store.after(0, 100))


def test_a_start_on_another_database_removes_no_photo(
    store: PhotoStore, photo_id: int, jpeg: bytes, tmp_path: Path
) -> None:
    before = files(store)
    PhotoStore.open(Settings(tmp_path, f"sqlite:///{tmp_path / 'empty.db'}")).close()
    assert files(store) == before


def test_a_write_that_finds_no_photo_leaves_nothing(store: PhotoStore, photo_id: int, jpeg: bytes) -> None:
    before = files(store)
    with pytest.raises(UnknownPhoto):
        store.replace(photo_id + 1, check_image(jpeg))
    assert files(store) == before


def test_old_files_that_cannot_be_removed_do_not_fail_the_replacement(
    store: PhotoStore, photo_id: int, jpeg: bytes, other_jpeg: bytes
) -> None:
    old = store.thumbnail(store.get(photo_id))
    old.unlink()
    old.mkdir()  # what no unlink can remove, whoever asks
    assert store.replace(photo_id, check_image(other_jpeg)).version == 2
    assert store.load(photo_id)[1] == other_jpeg
    old.rmdir()
    store.sweep()
    assert files(store) == of(store.get(photo_id))


def pipe(path: Path) -> None:
    os.mkfifo(path)


def plug(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end, inside(path.parent):
        end.bind(path.name)


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # the path of a socket must be short
        yield


@pytest.mark.parametrize(
    "put",
    [
        pipe,
        plug,
        Path.mkdir,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path),
        lambda path: path.symlink_to("/nowhere"),
    ],
    ids=["pipe", "socket", "folder", "device", "loop", "nowhere"],
)
def test_what_is_no_regular_file_is_a_photo_that_cannot_be_read(
    store: PhotoStore, photo_id: int, put: Callable[[Path], None]
) -> None:
    record = store.get(photo_id)
    for path, ask in ((store.path(record), store.load), (store.thumbnail(record), store.load_thumbnail)):
        path.unlink()
        put(path)
        with ThreadPool(1) as thread, pytest.raises(UnreadablePhoto, match="cannot be read"):
            thread.apply_async(ask, (photo_id,)).get(timeout=10)
