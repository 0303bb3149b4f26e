"""Nothing that a user sends, or a disk does, takes the product down: on real processes, for every variant."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests
from PIL import Image

from bench.stacks.running import Place, RunningStack
from bench.stacks.stack import find
from tests.e2e.slow_clients import COUNT, KINDS, slow_clients
from tests.processes import wait_for
from tests.unit.imaging import bombs

VARIANTS = [stack.name for stack in find([])]
PATIENCE_S = 5  # for a bystander; who is starved waits for ever
JPEG = {"Content-Type": "image/jpeg"}
MB = 1_000_000


@contextmanager
def running(variant: str, folder: Path, catalogue: Path, **environment: str) -> Iterator[RunningStack]:
    [stack] = find([variant])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with RunningStack(stack, Place(folder / "data", folder / "logs", catalogue)) as up:
            yield up


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def stack(variant: str, catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running(variant, tmp_path_factory.mktemp(variant), catalogue) as up:
        yield up
        up.check()


def family(stack: RunningStack, name: str | None = None) -> list[psutil.Process]:
    """All processes of the stack, or of one of its commands."""
    roots = [psutil.Process(pid) for each, pid in stack.pids.items() if name in {None, each}]
    return [each for root in roots for each in (root, *root.children(recursive=True))]


def memory(stack: RunningStack) -> int:
    """Bytes of all processes together, what they share counted once."""
    total = 0
    for process in family(stack):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total


def workers(stack: RunningStack) -> set[int]:
    """Whatever answers somebody; the batch job may be started again at any time."""
    return {process.pid for name in stack.pids if name != "refresh" for process in family(stack, name)}


def ask_as_a_bystander(stack: RunningStack) -> None:
    for path in ("/livez", "/", "/api/photos/1", "/api/photos/1/image", "/photos/1"):
        assert requests.get(stack.base_url + path, timeout=PATIENCE_S).status_code == 200, path


@pytest.mark.parametrize("kind", KINDS)
def test_bystanders_do_not_notice_slow_clients(stack: RunningStack, large_photo: int, kind: str) -> None:
    with slow_clients(stack.ports["web"], kind, large_photo) as clients:
        assert len(clients) == COUNT
        for _ in range(10):
            ask_as_a_bystander(stack)


@pytest.fixture(scope="module")
def large_photo(stack: RunningStack) -> int:
    """The id of a photo of several megabytes: more than the kernel takes from a server at once."""
    noise = bombs.encoded(Image.effect_noise((3000, 2000), 100), "JPEG", quality=95)
    answer = requests.post(f"{stack.base_url}/api/photos", noise, headers=JPEG, timeout=30)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def send(stack: RunningStack, photo: bytes, kind: str) -> list[requests.Response]:
    """Upload a photo, and have it predicted as it is."""
    headers = {"Content-Type": f"image/{kind}"}
    paths = ("/api/photos", "/api/predictions")
    return [requests.post(stack.base_url + path, photo, headers=headers, timeout=30) for path in paths]


@pytest.mark.parametrize(
    ("bomb", "kind"),
    [
        (bombs.jpeg_of_scans(7000, 7000, 3000), "jpeg"),
        (bombs.jpeg_of_scans(7000, 7000, 500, disguise=bombs.segment(0xFE, b"\xff\xd9")), "jpeg"),
        (bombs.webp(7000, 7100), "webp"),
        (bombs.png(7000, 7000, colours=6), "png"),
        (bombs.png(1, 35_700_000, colours=0), "png"),
        (bombs.webp_of_codes(720), "webp"),
    ],
    ids=["scans", "scans behind a comment", "webp", "png", "rows", "codes"],
)
def test_a_bomb_is_refused_at_once_and_nobody_notices(
    stack: RunningStack, variant: str, bomb: bytes, kind: str
) -> None:
    before = workers(stack)
    with ThreadPoolExecutor(8) as pool:
        answers = [each for both in pool.map(lambda _: send(stack, bomb, kind), range(8)) for each in both]

    for answer in answers:
        if variant == "model_in_db" and answer.request.path_url == "/api/predictions":
            assert answer.status_code == 501
        else:
            assert answer.status_code == 422, answer.text
            assert "takes too" in answer.json()["detail"]
    ask_as_a_bystander(stack)
    assert workers(stack) == before


def test_eight_memory_bombs_at_once(stack: RunningStack) -> None:
    ask_as_a_bystander(stack)
    before, most, leave = memory(stack), [0], threading.Event()

    def watch() -> None:
        while not leave.wait(0.02):
            most[0] = max(most[0], memory(stack))

    watching = threading.Thread(target=watch)
    watching.start()
    # The largest of each kind that are taken at all, and one that is not.
    photos = [
        (bombs.png(6000, 4000), "png"),
        (bombs.webp(4000, 3000), "webp"),
        (bombs.webp_of_codes(512), "webp"),
        (bombs.encoded(Image.new("RGB", (6000, 6000)), "JPEG", progressive=True, subsampling=0), "jpeg"),
        (bombs.webp(7000, 7100), "webp"),
    ]
    photos = (photos * 2)[:8]
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = [each for both in pool.map(lambda photo: send(stack, *photo), photos) for each in both]
    finally:
        leave.set()
        watching.join()

    assert {answer.status_code for answer in answers} <= {200, 201, 422, 501, 503}
    assert any(answer.status_code == 201 for answer in answers)
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
    assert most[0] < 1000 * MB
    ask_as_a_bystander(stack)

    def back() -> None:
        assert memory(stack) < 1.2 * before

    wait_for(back, seconds=60)


def test_a_large_png_is_answered(stack: RunningStack, variant: str) -> None:
    # 1.1 MB that take longer to decode than an ordinary prediction may.
    uploaded, predicted = send(stack, bombs.png(6000, 4000), "png")

    assert uploaded.status_code == 201, uploaded.text
    if variant != "model_in_db":
        assert predicted.status_code == 200, predicted.text
        url = f"{stack.base_url}/api/photos/{uploaded.json()['id']}/prediction"
        assert requests.get(url, timeout=30).status_code == 200


def test_killed_workers_lose_nothing_that_was_acknowledged(
    variant: str, catalogue: Path, tmp_path: Path, jpeg: bytes, other_jpeg: bytes
) -> None:
    with running(variant, tmp_path, catalogue) as stack:
        acknowledged: dict[int, bytes] = {}
        leave = threading.Event()

        def upload(photo: bytes) -> None:
            while not leave.is_set():
                with suppress(requests.RequestException):
                    answer = requests.post(f"{stack.base_url}/api/photos", photo, headers=JPEG, timeout=30)
                    if answer.status_code == 201:
                        acknowledged[answer.json()["id"]] = photo

        with ThreadPoolExecutor(4) as pool:
            uploading = [pool.submit(upload, photo) for photo in (jpeg, other_jpeg) * 2]
            for _ in range(6):
                goal = len(acknowledged) + 10
                wait_for(lambda goal=goal: more_than(acknowledged, goal))
                for worker in psutil.Process(stack.pids["web"]).children():
                    worker.kill()
            leave.set()
            [each.result() for each in uploading]

        wait_for(lambda: ask_as_a_bystander(stack), (AssertionError, requests.RequestException))
        for photo_id, photo in acknowledged.items():
            assert requests.get(f"{stack.base_url}/api/photos/{photo_id}/image", timeout=30).content == photo
        os.kill(stack.pids["web"], signal.SIGHUP)  # new workers sweep
        wait_for(lambda: no_stray_files(tmp_path / "data" / "photos", stack))


def more_than(found: dict[int, bytes], goal: int) -> None:
    assert len(found) > goal


def no_stray_files(folder: Path, stack: RunningStack) -> None:
    listed, after = set(), 0
    while after is not None:
        page = requests.get(f"{stack.base_url}/api/photos?after={after}&limit=200", timeout=30).json()
        listed |= {photo["id"] for photo in page["photos"]}
        after = page["next"]
    files = sorted(path.name for path in folder.glob("*/*"))
    assert {int(name.split("-")[0]) for name in files} == listed
    assert len(files) == 2 * len(listed), [name for name in files if not name.endswith((".jpeg", ".thumbnail"))]


@contextmanager
def full_disk(stack: RunningStack, data: Path, how: str) -> Iterator[None]:
    """Leave no room for anything: on a small disk that is filled up, or by a limit for each file."""
    if how == "tmpfs":
        filler = data / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        try:
            yield
        finally:
            filler.unlink()
        return
    processes = family(stack)
    for process in processes:
        process.rlimit(psutil.RLIMIT_FSIZE, (1024, -1))
    try:
        yield
    finally:
        for process in processes:
            process.rlimit(psutil.RLIMIT_FSIZE, (-1, -1))


@pytest.fixture(params=["tmpfs", "limit"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    if request.param == "limit":
        if not hasattr(psutil.Process, "rlimit"):
            pytest.skip("limits of other processes can be set on Linux only")
        yield "limit", tmp_path
        return
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    yield "tmpfs", folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_stops_uploads_and_nothing_else(
    variant: str, catalogue: Path, small_disk: tuple[str, Path], jpeg: bytes
) -> None:
    how, folder = small_disk
    with running(variant, folder, catalogue) as stack:
        upload: Callable[[], requests.Response] = lambda: requests.post(  # noqa: E731
            f"{stack.base_url}/api/photos", jpeg, headers=JPEG, timeout=30
        )
        assert upload().status_code == 201
        files, before = sorted((folder / "data" / "photos").iterdir()), workers(stack)
        with full_disk(stack, folder / "data", how):
            for _ in range(10):
                refused = upload()
                assert refused.status_code in {503, 507}, refused.text
                assert "traceback" not in refused.text.lower()
                assert refused.json()["detail"]
                ask_as_a_bystander(stack)
                for path in ("/metrics", "/nothing", "/api/photos?limit=0", "/api/photos/1/thumbnail"):
                    assert requests.get(stack.base_url + path, timeout=30).status_code < 500
            assert (
                sorted(path for path in (folder / "data" / "photos").iterdir() if path.suffix != ".unfinished") == files
            )
        assert upload().status_code == 201
        assert workers(stack) == before
        up = requests.get(f"{stack.base_url}/metrics", timeout=30).text
        assert 'route="/api/photos"' in up
