"""What is taken away from under the running product, as when a disk is not mounted, is there again a moment later."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from bench.stacks.running import Place, RunningStack
from bench.stacks.stack import find
from tests.processes import wait_for

VARIANTS = [stack.name for stack in find([])]
NOT_YET = (AssertionError, requests.RequestException)
JPEG = {"Content-Type": "image/jpeg"}
READS = ("/api/photos/1", "/api/photos/1/image", "/photos/1/thumbnail", "/")


@pytest.fixture(scope="module", params=VARIANTS)
def stack(
    request: pytest.FixtureRequest, catalogue: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStack]:
    folder = tmp_path_factory.mktemp(request.param)
    [found] = find([request.param])
    with RunningStack(found, Place(folder / "data", folder / "logs", catalogue)) as up:
        yield up
        up.check()


def database(stack: RunningStack) -> list[Path]:
    return [path for path in stack.place.data.glob("sweetspot.db*") if not path.name.endswith(".away")]


def photos(stack: RunningStack) -> list[Path]:
    return [stack.place.data / "photos"]


def data(stack: RunningStack) -> list[Path]:
    return [stack.place.data]


@contextmanager
def away(paths: list[Path]) -> Iterator[None]:
    """Move some paths aside and back again; nothing may be in their place meanwhile."""
    for path in paths:
        path.rename(f"{path}.away")
    try:
        yield
        assert not [path for path in paths if path.exists()]
    finally:
        for path in paths:
            Path(f"{path}.away").rename(path)


def replace_workers(stack: RunningStack) -> None:
    """Kill all web workers, and wait until as many others answer."""
    old = psutil.Process(stack.pids["web"]).children()
    for worker in old:
        worker.kill()

    def replaced() -> None:
        new = psutil.Process(stack.pids["web"]).children()
        assert len(new) == len(old)
        assert not {each.pid for each in new} & {each.pid for each in old}
        assert requests.get(f"{stack.base_url}/livez", timeout=5).status_code == 200

    wait_for(replaced, NOT_YET)


def upload(stack: RunningStack, photo: bytes) -> requests.Response:
    return requests.post(f"{stack.base_url}/api/photos", photo, headers=JPEG, timeout=30)


def unavailable(answer: requests.Response) -> None:
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1"), answer.text
    assert "disk or network refuses" in answer.text or "The database does not answer" in answer.text


@pytest.mark.parametrize("taken", [database, photos, data])
@pytest.mark.parametrize("workers", ["old", "new"])
def test_what_is_away_takes_nothing_and_is_the_same_when_it_is_back(
    stack: RunningStack, taken: Callable[[RunningStack], list[Path]], workers: str, jpeg: bytes, other_jpeg: bytes
) -> None:
    theirs = upload(stack, jpeg).json()["id"]
    before = requests.get(f"{stack.base_url}/api/photos/1/image", timeout=5).content
    reads = READS if taken is not photos else READS[1:3]
    if taken is data and workers == "new" and stack.stack.name == "embedded":
        taken = database  # what says which model is live lies in that folder, too: no worker can start without it
    with away(taken(stack)):
        if workers == "new":
            replace_workers(stack)
        wait_for(lambda: [unavailable(requests.get(stack.base_url + path, timeout=5)) for path in reads])
        unavailable(upload(stack, other_jpeg))

    wait_for(lambda: well(stack), NOT_YET)
    assert requests.get(f"{stack.base_url}/api/photos/1/image", timeout=5).content == before
    new = [upload(stack, other_jpeg) for _ in range(4)]
    assert [answer.status_code for answer in new] == [201] * 4
    assert [answer.json()["id"] for answer in new] == [theirs + 1, theirs + 2, theirs + 3, theirs + 4]
    for photo_id, photo in ((theirs, jpeg), (theirs + 4, other_jpeg)):
        assert requests.get(f"{stack.base_url}/api/photos/{photo_id}/image", timeout=5).content == photo


def well(stack: RunningStack) -> None:
    for path in (*READS * 4, "/readyz"):
        assert requests.get(stack.base_url + path, timeout=5).status_code == 200, path
