"""The inference server under load while things happen to it: nothing is lost but what the event itself took away."""

import os
import resource
import shutil
import signal
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from pathlib import Path
from statistics import median
from time import monotonic

import psutil
import pytest
from PIL import Image

from model_as_service.server.costs import Costs
from model_as_service.server.repository import Version
from tests.crowd import Asked, Crowd, ask, at_rate
from tests.inference import Answer, Client, Server, photo, photos
from tests.processes import wait_for
from tests.unit.imaging.bombs import jpeg_of_scans
from tests.unit.model_as_service.server.served import Served
from vision.artifact import MANIFEST, MODEL, fingerprint
from vision.classifier import Classifier

PATIENT = ("--deadline-ms", 10_000)  # where the test is not about time
NO_OP = ("--model", "no-op")
BATCHES_OF_ONE = 'sweetspot_inference_batch_size_bucket{le="1.0"}'
# A first look on every run of the tests; SWEETSPOT_SOAK=500000 takes some minutes.
SOAK = int(os.environ.get("SWEETSPOT_SOAK", "3000"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Server]:
    """For tests that leave the server as they find it."""
    with Server(tmp_path_factory.mktemp("shared"), *PATIENT, "--queue", 128) as server:
        yield server


@pytest.fixture(scope="session")
def tiny(jpeg: bytes) -> bytes:
    """A photo that costs next to nothing to send and to decode."""
    buffer = BytesIO()
    Image.open(BytesIO(jpeg)).resize((48, 48)).save(buffer, "JPEG")
    return buffer.getvalue()


def gone(processes: Sequence[psutil.Process]) -> None:
    assert not [process for process in processes if process.is_running() and process.status() != "zombie"]


def bind(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        pass


def must_hold(condition: Callable[[], bool]) -> None:
    assert condition()


# --- deployments ---


def versions(asked: Sequence[Asked]) -> list[str]:
    return [one.outcome.version for one in asked if isinstance(one.outcome, Answer)]


def test_a_hot_swap_loses_no_request_and_never_goes_back(tmp_path: Path, jpeg: bytes) -> None:
    live = tmp_path / "live"
    live.write_text("1\n")
    with Server(tmp_path, "--live", live, *PATIENT) as server, Crowd(server.port, [photo(jpeg)], kept=3) as crowd:
        crowd.wait_for(20)
        live.write_text("2\n")
        server.keeper.send_signal(signal.SIGHUP)
        crowd.wait_for(20, lambda one: versions([one]) == ["2"])
    assert not crowd.failed
    for asked in crowd.asked:
        assert versions(asked) == sorted(versions(asked))
        assert {*versions(asked)} == {"1", "2"}


def test_a_broken_version_leaves_the_one_before_serving(tmp_path: Path, models: Path, jpeg: bytes) -> None:
    copy, live = tmp_path / "models", tmp_path / "live"
    shutil.copytree(models, copy)
    break_model(copy / "efficientnet-lite" / "2")
    live.write_text("1\n")
    refused = "the version before stays"
    with Server(tmp_path, "--models", copy, "--live", live, *PATIENT) as server:
        with Crowd(server.port, [photo(jpeg)], kept=2) as crowd:
            for number, content in enumerate(("2\n", "7\n", "../1\n", ""), 1):
                live.write_text(content)
                server.keeper.send_signal(signal.SIGHUP)
                wait_for(lambda: must_hold(lambda: server.said.count(refused) == number))  # noqa: B023
            crowd.wait_for(20)
        assert not crowd.failed
        assert {*versions(crowd.all)} == {"1"}


def test_a_process_that_is_replaced_while_the_live_version_is_broken_serves_the_one_before(
    tmp_path: Path, models: Path, jpeg: bytes
) -> None:
    copy, live = tmp_path / "models", tmp_path / "live"
    shutil.copytree(models, copy)
    break_model(copy / "efficientnet-lite" / "1")
    live.write_text("2\n")
    with Server(tmp_path, "--models", copy, "--live", live, *PATIENT) as server:
        for number, content in enumerate(("7\n", "\0", "1\n"), 1):
            old = server.serving
            live.write_text(content)
            old.kill() if number % 2 else server.keeper.send_signal(signal.SIGUSR2)
            wait_for(lambda: gone([old]))  # noqa: B023
            server.wait_until_ready()
            with closing(Client(server.port)) as client:
                assert client.ask(photo(jpeg)).version == "2"
            wait_for(lambda: must_hold(lambda: server.said.count("version 2 is served as before") >= number))  # noqa: B023


def break_model(folder: Path) -> None:
    """Damage the model so that its manifest does not show it: only running it does."""
    model = (folder / MODEL).read_bytes()
    broken = model[: len(model) // 2]
    (folder / MODEL).write_bytes(broken)
    manifest = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(manifest.replace(fingerprint(model), fingerprint(broken)))


def test_a_rolling_restart_loses_no_request(tmp_path: Path, jpeg: bytes) -> None:
    with Server(tmp_path, *NO_OP, *PATIENT) as server, Crowd(server.port, [photo(jpeg, "no-op")], fresh=2) as crowd:
        old = server.serving
        crowd.wait_for(100)
        server.keeper.send_signal(signal.SIGUSR2)
        wait_for(lambda: gone([old]))
        crowd.wait_for(100)
        assert server.serving.pid != old.pid
    assert not crowd.failed


def test_a_version_that_goes_live_during_a_rolling_restart_stays(tmp_path: Path, jpeg: bytes) -> None:
    live = tmp_path / "live"
    live.write_text("1\n")
    with Server(tmp_path, "--live", live, *PATIENT) as server, Crowd(server.port, [photo(jpeg)], kept=1) as crowd:
        old = server.serving
        server.keeper.send_signal(signal.SIGUSR2)
        successor = wait_for(lambda: next(process for process in server.family[1:] if process != old), (StopIteration,))
        # It reads the live file before the model's runtime.
        wait_for(lambda: must_hold(lambda: any("onnxruntime_pybind" in part.path for part in successor.memory_maps())))
        live.write_text("2\n")
        server.keeper.send_signal(signal.SIGHUP)
        wait_for(lambda: gone([old]))
        crowd.wait_for(20, lambda one: versions([one]) == ["2"])
    assert not crowd.failed


def test_sigterm_under_load_answers_all_that_was_sent(tmp_path: Path, jpeg: bytes) -> None:
    with Server(tmp_path, *NO_OP, *PATIENT, "--drain-grace", 1) as server:
        family = server.family
        with Crowd(server.port, [photo(jpeg, "no-op")], fresh=2) as crowd, closing(Client(server.port)) as balancer:
            crowd.wait_for(100)
            server.keeper.terminate()
            before = monotonic()
            wait_for(lambda: must_hold(lambda: readiness(balancer) == 503))
            assert monotonic() - before < 1
            crowd.wait_for(20)  # whoever has not noticed yet
            crowd.leave()  # as behind a balancer that has
        assert server.keeper.wait(10) == 0
        assert not crowd.failed
        gone(family)
        bind(server.port)


def readiness(client: Client) -> int:
    return client.ask(b"GET /v2/health/ready HTTP/1.1\r\nhost: test\r\n\r\n").status


def test_sigterm_answers_whoever_got_through_until_the_port_is_closed(tmp_path: Path, jpeg: bytes) -> None:
    with Server(tmp_path, *NO_OP, *PATIENT) as server, Crowd(server.port, [photo(jpeg, "no-op")], fresh=4) as crowd:
        crowd.wait_for(100)
        server.keeper.terminate()
        assert server.keeper.wait(10) == 0
    assert not [one for one in crowd.failed if not isinstance(one.outcome, ConnectionRefusedError)]


# --- accidents ---


def test_a_crash_costs_the_requests_in_flight_and_nothing_more(tmp_path: Path, jpeg: bytes) -> None:
    with Server(tmp_path, *NO_OP, *PATIENT) as server, Crowd(server.port, [photo(jpeg, "no-op")], fresh=2) as crowd:
        crowd.wait_for(50)
        old = server.serving
        old.kill()
        wait_for(lambda: gone([old]))
        crowd.wait_for(50)
    assert all(isinstance(one.outcome, OSError) for one in crowd.failed)
    for asked in crowd.asked:
        assert sum(one.status == 0 for one in asked) <= 1
        assert asked[-1].status == 200


def test_a_pause_of_seconds_is_forgotten(shared: Server, jpeg: bytes) -> None:
    """While the process stands still, requests wait, and those fail whose deadline passes.

    Just afterwards a few are refused: nobody knows how long the batch will take that stood still on the model.
    """
    request = photo(jpeg, deadline_ms=1000)
    with Crowd(shared.port, [request], kept=3) as crowd:
        crowd.wait_for(20)
        stopped = monotonic()
        shared.serving.suspend()
        wait_for(lambda: must_hold(lambda: monotonic() > stopped + 3))
        shared.serving.resume()
        resumed = monotonic()
        crowd.wait_for(20, lambda one: one.sent > resumed + 1)
    during = [one for one in crowd.all if one.sent < resumed and one.sent + one.seconds > stopped]
    assert len(during) <= 2 * len(crowd.asked)
    assert {one.status for one in crowd.all} <= {200, 503, 504}
    assert {one.status for one in crowd.all if one.sent > resumed + 1} == {200}


def test_an_end_does_not_wait_for_a_collector_that_says_nothing(tmp_path: Path, tiny: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        traces = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        with Server(tmp_path, *NO_OP, "--traces", traces) as server:
            with closing(Client(server.port)) as client:
                assert client.ask(photo(tiny, "no-op")).status == 200
            server.keeper.terminate()
            assert server.keeper.wait(6) == 0


def test_the_end_of_the_keeper_is_the_end_of_all(tmp_path: Path, tiny: bytes) -> None:
    with Server(tmp_path, *NO_OP) as server:
        family = server.family
        server.keeper.kill()
        wait_for(lambda: gone(family))
        bind(server.port)


def test_a_keeper_that_stood_still_before_its_end_is_noticed_too(tmp_path: Path) -> None:
    with Server(tmp_path, *NO_OP) as server:
        family = server.family
        family[0].suspend()
        stopped = monotonic()
        wait_for(lambda: must_hold(lambda: monotonic() > stopped + 1.5))  # what the child says meanwhile, nobody reads
        server.keeper.kill()
        wait_for(lambda: gone(family))


# --- bad neighbours ---


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size, with hardly any data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")


def test_poison_fails_alone(shared: Server, jpeg: bytes, other_jpeg: bytes) -> None:
    poison = [photo(image) for image in (b"not an image", jpeg[: len(jpeg) // 2], png(60_000, 60_000))]
    good = {photo(jpeg): "espresso", photo(other_jpeg): "Egyptian Mau"}
    mixed = [request for bad in poison for request in (*[*good] * 10, bad)]  # one in 21
    with Crowd(shared.port, mixed, kept=7) as crowd:
        crowd.wait_for(12, lambda one: one.request in poison)
    for one in crowd.all:
        assert isinstance(one.outcome, Answer)
        if one.request in poison:
            assert (one.status, bool(one.outcome.error)) == (422, True)
        else:
            assert (one.status, one.outcome.label) == (200, good[one.request])


@pytest.mark.parametrize("decoders", [0, 1])
def test_good_photos_that_share_their_batch_with_poison_get_their_answers(
    classifier: Classifier, jpeg: bytes, other_jpeg: bytes, decoders: int
) -> None:
    """One image in 21 is poison. The server is in this process, told that a batch of any size costs the same.

    As measured on a CPU, batches often do not pay, and none are made. Only one client sends poison, so there is never
    more than one at a time: where no batch of one ran from before it was sent until after its answer, it was with
    others, and these were good.
    """
    poison, good = photo(b"not an image"), {photo(jpeg): "espresso", photo(other_jpeg): "Egyptian Mau"}
    version = Version(classifier, Costs(dict.fromkeys(range(1, 9), 0.1)), load_s=0.0)
    poisoned: list[Asked] = []
    between: list[Asked] = []
    shared = 0
    with Served(version, decoders=decoders) as served, closing(Client(served.address[1])) as client:

        def ask_poison() -> bool:
            """Tell whether it surely shared a batch; perhaps it did otherwise, too."""
            before = batches_of_one(served)
            poisoned.append(ask(client, poison))
            return batches_of_one(served) == before

        assert not ask_poison(), "alone it is a batch of one"
        with Crowd(served.address[1], [*good], kept=6) as crowd:
            crowd.wait_for(12)
            for _ in range(12):
                shared += ask_poison()
                between += [ask(client, request) for request in good]
    print(f"{shared} of {len(poisoned)} poisons among {len(crowd.all + between)} good photos shared a batch")  # noqa: T201
    assert shared
    for one in poisoned:
        assert isinstance(one.outcome, Answer)
        assert (one.status, bool(one.outcome.error)) == (422, True)
    for one in crowd.all + between:
        assert isinstance(one.outcome, Answer)
        assert one.status == 200, one.outcome.error
        assert one.outcome.label == good[one.request]


def batches_of_one(served: Served) -> float:
    lines = served.client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(BATCHES_OF_ONE))


def test_clients_that_vanish_leave_nothing_behind(shared: Server, jpeg: bytes) -> None:
    request = photo(jpeg)
    stop = threading.Event()

    def vanish() -> None:
        while not stop.is_set():
            for part in (request, request[: len(request) // 2]):
                with closing(Client(shared.port)) as client:
                    client.send(part)
                stop.wait(0.05)

    vanishing = threading.Thread(target=vanish)
    vanishing.start()
    try:
        with Crowd(shared.port, [request]) as crowd:
            crowd.wait_for(150)
    finally:
        stop.set()
        vanishing.join()
    assert not crowd.failed
    wait_for(lambda: must_hold(lambda: shared.queue_depth == 0))
    assert b'reason="abandoned"' in shared.get("/metrics")


def test_people_come_before_batch_jobs(shared: Server, jpeg: bytes) -> None:
    with closing(Client(shared.port)) as job, closing(Client(shared.port)) as person:
        assert person.ask(photo(jpeg)).status == 200
        job.send(photos([jpeg] * 32, priority=2))
        wait_for(lambda: must_hold(lambda: shared.queue_depth > 0))
        answered: list[str] = []
        waiting = threading.Thread(target=lambda: answered.append(f"job {job.receive().status}"))
        waiting.start()
        answered.extend(f"person {person.ask(photo(jpeg)).status}" for _ in range(2))
        waiting.join()
    assert answered == ["person 200", "person 200", "job 200"]


# --- too much ---


@pytest.mark.parametrize("times", [2, 5])
def test_overload_is_refused_at_once_and_costs_little(shared: Server, jpeg: bytes, times: int) -> None:
    """The exact promise is measured by `sweetspot run peers`: here the same machine makes the load."""
    request = photo(jpeg, deadline_ms=200)
    before, seconds = closed_loop_per_s(shared, photo(jpeg)), 3.0
    asked = at_rate(shared.port, request, rate=times * before, seconds=seconds, clients=40)
    capacity = min(before, closed_loop_per_s(shared, photo(jpeg)))  # others may have taken the processor meanwhile
    good = [one for one in asked if one.status == 200 and one.seconds < 0.25]
    refused = [one for one in asked if one.status == 503]
    print(f"capacity {capacity:.0f}/s, goodput {len(good) / seconds / capacity:.2f}")  # noqa: T201  (for -s)
    assert {one.status for one in asked} <= {200, 503, 504}
    assert len(good) / seconds > 0.5 * capacity
    assert len(refused) > 0.25 * len(asked)
    assert all(isinstance(one.outcome, Answer) and one.outcome.headers["retry-after"].isdigit() for one in refused)
    assert median(one.seconds for one in refused) < 0.05
    late = sorted(one.seconds for one in asked if one.status != 503)
    assert late[int(0.95 * len(late))] < 0.3


def closed_loop_per_s(server: Server, request: bytes) -> float:
    started = monotonic()
    with Crowd(server.port, [request], kept=8) as crowd:
        crowd.wait_for(100)
    return sum(one.status == 200 for one in crowd.all) / (monotonic() - started)


MOST = 47_000_000  # bytes of a large body


def test_forty_large_bodies_at_once_do_not_take_all_memory(tmp_path: Path, tiny: bytes) -> None:
    large = photo(tiny + bytes(MOST - len(tiny)), "no-op")
    with Server(tmp_path, *NO_OP, *PATIENT) as server, ThreadPoolExecutor(40) as others:
        process, peak, at_rest = server.serving, 0, server.serving.memory_info().rss

        def upload() -> Answer:
            with closing(Client(server.port, seconds=60)) as client:
                return client.ask(large)

        uploads = [others.submit(upload) for _ in range(40)]
        with Crowd(server.port, [photo(tiny, "no-op")], fresh=2) as crowd:
            while not all(each.done() for each in uploads):
                peak = max(peak, process.memory_info().rss)
        answers = [each.result() for each in uploads]
        assert not crowd.failed, "small ones have their share"
    # 422: read, and no photo has so many bytes; 408: a slow machine.
    assert {422, 503} <= {answer.status for answer in answers} <= {408, 422, 503}
    assert {answer.headers["retry-after"] for answer in answers if answer.status == 503} == {"1"}
    print(f"{(peak - at_rest) >> 20} MiB more")  # noqa: T201
    assert peak - at_rest < 6 * MOST, "it was forty times that"


def test_a_large_photo_is_waited_for_by_nobody_else(shared: Server, jpeg: bytes) -> None:
    large = jpeg_of_scans(4000, 4000, 80)
    with Crowd(shared.port, [photo(jpeg)], kept=1) as crowd, closing(Client(shared.port)) as client:
        crowd.wait_for(3)
        sent = monotonic()
        assert client.ask(photo(large)).status == 200
        answered = monotonic()
    meanwhile = [one for one in crowd.all if one.sent > sent and one.sent + one.seconds < answered]
    print(f"{len(meanwhile)} in {answered - sent:.2f} s")  # noqa: T201
    assert not crowd.failed
    assert len(meanwhile) > 2


def test_a_photo_that_would_take_half_a_minute_is_refused_at_once(shared: Server) -> None:
    with closing(Client(shared.port)) as client:
        answer = client.ask(photo(jpeg_of_scans(7000, 7000, 3000)))
    assert (answer.status, "takes too long to decode" in answer.error) == (422, True)


# --- long ---


@pytest.mark.timeout(3600)
@pytest.mark.skipif(not hasattr(psutil, "RLIMIT_NOFILE"), reason="changes the limits of another process, as Linux can")
def test_without_descriptors_it_goes_on_as_soon_as_there_are_some(tmp_path: Path, tiny: bytes) -> None:
    with Server(tmp_path, *NO_OP, *PATIENT) as server:
        serving = server.serving
        assert serving.rlimit(psutil.RLIMIT_NOFILE) == (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2
        serving.rlimit(psutil.RLIMIT_NOFILE, (serving.num_fds() + 20,) * 2)
        connections = [socket.create_connection(("127.0.0.1", server.port), 20) for _ in range(60)]
        before, started = sum(serving.cpu_times()[:2]), monotonic()
        wait_for(lambda: must_hold(lambda: monotonic() > started + 1))
        assert sum(serving.cpu_times()[:2]) - before < 0.5, "it does not spin"
        for connection in connections:
            connection.close()
        server.wait_until_ready()
        with closing(Client(server.port)) as client:
            assert client.ask(photo(tiny, "no-op")).status == 200
        assert server.serving == serving
        server.keeper.terminate()
        assert server.keeper.wait(30) == 0


def test_memory_does_not_grow(tmp_path: Path, tiny: bytes) -> None:
    with Server(tmp_path, *NO_OP, *PATIENT) as server:
        request = photo(tiny, "no-op")
        soak(server, request, 2000)
        warm, started = server.serving.memory_info().rss, monotonic()
        soak(server, request, SOAK)
        after = server.serving.memory_info().rss
        print(f"{SOAK / (monotonic() - started):.0f} requests/s, {after / warm:.3f} of {warm >> 20} MiB")  # noqa: T201
        assert after < 1.05 * warm


def soak(server: Server, request: bytes, count: int) -> None:
    """Ask so often, with a few clients, and keep nothing of the answers."""

    def work() -> None:
        with closing(Client(server.port)) as client:
            statuses.update(ask(client, request).status for _ in range(count // 4))

    statuses: set[int] = set()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {200}
