"""The worker on real gunicorn, with one process of two threads: whoever holds a thread would be noticed at once."""

import http.client
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from tests.conftest import ROOT
from tests.processes import free_port, wait_for
from webapp.front.worker import BufferingWorker
from webapp.limits import MAX_BODY

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    with started(tmp_path_factory.mktemp("gunicorn")) as process:
        yield process


@contextmanager
def started(folder: Path, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    port = free_port()
    command = ["-m", "gunicorn", "--config", "python:tests.unit.webapp.front.echo", "--bind", f"127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log:
        argv = [sys.executable, *command, "tests.unit.webapp.front.echo:create()"]
        process = subprocess.Popen(argv, cwd=ROOT, stderr=log, env=os.environ | (environment or {}))
    process.port, process.log = port, folder / "log"
    try:
        wait_for(lambda: ask(port, GET), (ConnectionError,), process)
        yield process
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def port(gunicorn: subprocess.Popen[bytes]) -> Iterator[int]:
    yield gunicorn.port
    assert ask(gunicorn.port, GET).endswith(b"GET / 0")
    assert b"Traceback" not in gunicorn.log.read_bytes()


def connect(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def ask(port: int, request: bytes) -> bytes:
    """Send, say that nothing more comes, and read to the end."""
    with closing(connect(port)) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return to_the_end(client)


def to_the_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(1 << 20), b""))


def until(client: socket.socket, end: bytes) -> bytes:
    read = b""
    while not read.endswith(end):
        piece = client.recv(1 << 16)
        assert piece, read
        read += piece
    return read


def post(length: int, body: bytes, path: bytes = b"/", extra: bytes = b"") -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s" % (path, length, extra, body)


def test_who_closes_his_side_gets_the_answer(port):
    assert ask(port, post(5, b"hello")).endswith(b"POST / 5")


def test_a_byte_at_a_time(port):
    with closing(connect(port)) as client:
        for byte in post(5, b"hello"):
            client.sendall(bytes([byte]))
        until(client, b"POST / 5")
        client.sendall(GET)
        until(client, b"GET / 0")


def test_many_requests_at_once_are_answered_in_order(port):
    requests = b"".join(post(number % 7, b"x" * (number % 7), b"/%d" % number) for number in range(5000))
    with closing(connect(port)) as client:
        client.settimeout(60)
        client.sendall(requests[:1000])
        client.sendall(requests[1000:200_000])
        client.sendall(requests[200_000:])
        answers = until(client, b"POST /4999 %d" % (4999 % 7))
    assert [int(line.split(b"/")[1].split()[0]) for line in answers.split(b"\r\n") if line.startswith(b"POST")] == list(
        range(5000)
    )


def test_chunks(port):
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert ask(port, head + b"3\r\nabc\r\n2;a=b\r\nde\r\n0\r\nA: b\r\n\r\n").endswith(b"PUT / 5")


def test_leave_to_send_is_given_once(port):
    with closing(connect(port)) as client:
        client.sendall(post(5, b"", extra=b"Expect: 100-continue\r\n"))
        assert until(client, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert until(client, b"POST / 5").count(b"HTTP/1.1") == 1


def test_leave_is_not_given_to_what_is_too_large(port):
    with closing(connect(port)) as client:
        client.sendall(post(10**9, b"", b"/unread", b"Expect: 100-continue\r\n"))
        assert to_the_end(client).startswith(b"HTTP/1.1 200")


def test_a_body_that_ends_early_is_the_applications_to_judge(port):
    assert ask(port, post(500, b"hello")).endswith(b"POST / 5")


def test_nonsense_is_a_bad_request(port):
    assert ask(port, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert ask(port, b"G" * 100_000).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("request_", [b"GET / HT", post(500, b"hello"), b"X" * 5000])
def test_who_does_not_go_on_is_told_that_it_is_too_late(port, request_):
    with closing(connect(port)) as client:
        client.sendall(request_)
        assert to_the_end(client).startswith(b"HTTP/1.1 408")


def test_who_never_says_anything_is_told_nothing(port):
    with closing(connect(port)) as client:
        assert to_the_end(client) == b""


def test_an_idle_connection_is_closed(port):
    with closing(connect(port)) as client:
        client.sendall(GET)
        assert to_the_end(client).endswith(b"GET / 0")


def test_who_does_not_go_on_makes_room_for_others(port):
    with closing(connect(port)) as one:
        one.sendall(post(5_000_000, b"x" * 900_000))
        wait_for(lambda: room_for(port, 900_000))
        assert to_the_end(one).startswith((b"HTTP/1.1 408", b"HTTP/1.1 503"))


def no_room_for(port: int, size: int) -> None:
    with closing(connect(port)) as client:
        client.sendall(post(5_000_000, b"x" * size))
        refused = to_the_end(client)
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"Retry-After" in refused


def room_for(port: int, size: int) -> None:
    assert ask(port, post(size, b"x" * size)).endswith(b"POST / %d" % size)


def test_what_a_thread_works_on_counts(tmp_path):
    with started(tmp_path) as process, closing(connect(process.port)) as one:
        one.sendall(post(900_000, b"x" * 900_000, b"/hold"))
        wait_for(lambda: no_room_for(process.port, 400_000))
        ask(process.port, GET.replace(b"/ ", b"/release ", 1))
        until(one, b"POST /hold 900000")


def test_who_does_not_read_holds_no_thread_and_is_given_up(port, gunicorn):
    with ExitStack() as open_ones:
        clients = [open_ones.enter_context(closing(connect(port))) for _ in range(5)]
        for client in clients:
            client.sendall(GET.replace(b"/ ", b"/large ", 1))
        for _ in range(5):
            assert ask(port, GET).endswith(b"GET / 0")
        wait_for(lambda: given_up(gunicorn.pid, clients))


def given_up(master: int, clients: list[socket.socket]) -> None:
    [worker] = psutil.Process(master).children()
    served = {each.raddr.port for each in worker.net_connections() if each.raddr}
    assert not served & {client.getsockname()[1] for client in clients}


def test_who_reads_gets_all_of_a_large_answer(port):
    assert len(ask(port, GET.replace(b"/ ", b"/large ", 1))) > 20_000_000


def test_a_graceful_end_answers_what_has_begun(tmp_path):
    with started(tmp_path) as process:
        with closing(connect(process.port)) as client, closing(connect(process.port)) as idle:
            idle.sendall(GET)
            until(idle, b"GET / 0")
            client.sendall(post(0, b"", b"/hold"))
            ask(process.port, GET)  # answered after it, so that one has reached its thread
            process.send_signal(signal.SIGTERM)
            idle.sendall(GET.replace(b"/ ", b"/release ", 1))
            until(idle, b"GET /release 0")
            until(client, b"POST /hold 0")
        assert process.wait(20) == 0


def test_a_graceful_restart_fails_no_request(tmp_path):
    with started(tmp_path) as process:
        leave, answered, failed = threading.Event(), [0] * 4, []

        def ask_on(number):
            client = http.client.HTTPConnection("127.0.0.1", process.port, timeout=20)
            while not leave.is_set():
                try:
                    client.request("POST", "/", b"hello")
                    assert client.getresponse().read() == b"POST / 5"
                    answered[number] += 1
                except Exception as error:  # noqa: BLE001 - any of them is a failed request
                    failed.append(error)
            client.close()

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask_on, number) for number in range(4)]
            for _ in range(3):
                workers = psutil.Process(process.pid).children()
                goal = [each + 100 for each in answered]
                wait_for(lambda goal=goal: all_beyond(answered, goal))
                process.send_signal(signal.SIGHUP)
                wait_for(lambda workers=workers: all_replaced(process.pid, workers))
            leave.set()
            [each.result() for each in asking]
        assert not failed


def all_beyond(answered: list[int], goal: list[int]) -> None:
    assert all(each >= least for each, least in zip(answered, goal, strict=True))


def all_replaced(master: int, workers: list[psutil.Process]) -> None:
    now = psutil.Process(master).children()
    assert now
    assert not set(now) & set(workers)


def test_a_worker_that_cannot_start_ends_no_other(tmp_path):
    broken = tmp_path / "broken"
    with started(tmp_path, {"ECHO_BROKEN": str(broken)}) as process:
        broken.touch()
        [worker] = psutil.Process(process.pid).children()
        worker.kill()
        wait_for(lambda: said(process.log, b"a worker cannot start, and is tried again: broken"))
        assert process.poll() is None
        broken.unlink()
        wait_for(lambda: answered(process.port))


def said(log: Path, words: bytes) -> None:
    assert words in log.read_bytes()


def answered(port: int) -> None:
    try:
        assert ask(port, GET).endswith(b"GET / 0")
    except ConnectionError as error:
        raise AssertionError from error


def test_the_oldest_idle_connections_make_room_for_new_ones(tmp_path):
    with started(tmp_path, {"ECHO_CONNECTIONS": "20"}) as process, ExitStack() as open_ones:
        for _ in range(50):
            client = open_ones.enter_context(closing(connect(process.port)))
            client.sendall(GET)
            until(client, b"GET / 0")
        for _ in range(50):
            open_ones.enter_context(closing(connect(process.port)))
        assert ask(process.port, GET).endswith(b"GET / 0")


def test_clients_that_stop_in_the_middle_keep_nobody_out(tmp_path):
    with started(tmp_path, {"ECHO_CONNECTIONS": "20"}) as process, ExitStack() as open_ones:
        for begun in (post(500, b"h"), GET.replace(b"/ ", b"/large ", 1)):
            for _ in range(40):
                open_ones.enter_context(closing(connect(process.port))).sendall(begun)
            assert ask(process.port, GET).endswith(b"GET / 0")


def test_an_answer_that_breaks_off_ends_its_connection_and_no_worker(tmp_path):
    with started(tmp_path) as process:
        before = psutil.Process(process.pid).children()
        for _ in range(3):
            broken = ask(process.port, GET.replace(b"/ ", b"/breaks ", 1))
            assert broken.startswith(b"HTTP/1.1 200")
            assert broken.endswith(b"GET /b")
        assert ask(process.port, GET).endswith(b"GET / 0")
        assert psutil.Process(process.pid).children() == before


def test_a_body_that_nobody_wants_is_read_until_the_refusal_has_been(port):
    """As from a phone: it takes longer than LINGER_S, and only then does it look at the answer."""
    size, pieces, pace = MAX_BODY + 1, 40, threading.Event()
    with closing(connect(port)) as client:
        client.sendall(post(size + pieces * 100_000, b"x" * size, b"/unread"))
        for _ in range(pieces):
            pace.wait(0.1)
            client.sendall(b"x" * 100_000)
        assert to_the_end(client).startswith(b"HTTP/1.1 200")


def test_a_body_that_goes_on_is_waited_for(port):
    """It takes longer than BODY_S in all, and less for each 16 KB."""
    pieces, pace = 24, threading.Event()
    with closing(connect(port)) as client:
        client.sendall(post(pieces * 20_000, b""))
        for _ in range(pieces):
            pace.wait(0.2)
            client.sendall(b"x" * 20_000)
        until(client, b"POST / %d" % (pieces * 20_000))


def test_a_master_that_cannot_start_a_worker_tries_again(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    with started(tmp_path, {"ECHO_TMP": str(folder)}) as process:
        folder.rmdir()
        [worker] = psutil.Process(process.pid).children()
        worker.kill()
        wait_for(lambda: said(process.log, b"no worker can be started, and it is tried again"))
        assert process.poll() is None
        folder.mkdir()
        wait_for(lambda: answered(process.port))


def test_all_threads_are_there_before_they_are_needed(tmp_path):
    with started(tmp_path) as process:  # and has answered one request, which one thread can do
        [worker] = psutil.Process(process.pid).children()
        assert worker.num_threads() == 1 + 2


def test_whatever_fails_for_one_connection_ends_no_other(monkeypatch: pytest.MonkeyPatch):
    worker = BufferingWorker(1, 1, [], None, 1.0, Config(), Logger(Config()))
    worker.poller = selectors.DefaultSelector()
    worker.set_accept_enabled = lambda _: None
    listener = socket.create_server(("127.0.0.1", 0))
    with closing(listener), worker.poller, ExitStack() as clients:
        for _ in range(2):
            clients.enter_context(closing(connect(listener.getsockname()[1])))
            worker.accept(listener)
        one, other = worker._head.visitors
        monkeypatch.setattr(one.arrival, "feed", lambda _: 1 / 0)
        worker._do(lambda visitor: worker._take(visitor, b"GET"), one)
        assert (one.gone, other.gone, worker.nr_conns, list(worker._head.visitors)) == (True, False, 1, [other])
        worker.finish_request(one, Future())
        assert worker.nr_conns == 1
        other.sock.real.close()  # what no poller can give up any more
        worker.murder_keepalived(force=True)
        assert worker.nr_conns == 0
    worker.tmp.close()
