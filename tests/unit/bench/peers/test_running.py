"""A toy peer and FastAPI's, as real processes."""

import http.client
import json
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from bench.exits import StackFailed
from bench.peers.asking import first_label, request_for
from bench.peers.peer import HERE, load
from bench.peers.running import RunningPeer, up
from tests.processes import wait_for
from tests.unit.bench.peers.peers import TOML, toy


def ask(url: str, method: str = "GET", path: str = "/", body: bytes = b"", headers: dict[str, str] | None = None):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_inside_it_answers_and_afterwards_nothing_of_it_is_left(tmp_path: Path):
    with up(toy(tmp_path / "toy"), model="no-op", logs=tmp_path / "logs", models=tmp_path) as peer:
        peer.process.must_run()
        _, body = ask(peer.base_url)
        (model, scratch, version), seen, temporary = json.loads(body)
        assert (model, version, seen, temporary) == ("no-op", "1", str(tmp_path), scratch)
        assert (Path(scratch) / "left").exists()
        pid = peer.process.pid
    assert not Path(scratch).exists()
    assert not psutil.pid_exists(pid)
    assert (tmp_path / "logs" / "toy-no-op.log").read_text().startswith("the toy starts")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot pin a process to cores")
def test_it_runs_on_the_cores_that_it_is_given(tmp_path: Path):
    core = min(os.sched_getaffinity(0))
    with up(toy(tmp_path / "toy"), model="no-op", logs=tmp_path, cores=(core,)) as peer:
        assert os.sched_getaffinity(peer.process.pid) == {core}


def test_one_that_ends_at_the_start_is_told_with_its_last_words(tmp_path: Path):
    broken = toy(tmp_path / "toy", TOML.replace('"{port}"', '"no port"'))
    with (
        pytest.raises(StackFailed, match=r"(?s)Toy ended by itself \(exit code 1\).*ValueError"),
        up(broken, model="no-op", logs=tmp_path),
    ):
        pass


def test_one_that_never_gets_ready_is_told_with_what_it_answered_and_is_ended(tmp_path: Path):
    slow, before = toy(tmp_path / "toy", answer=503), psutil.Process().children(recursive=True)
    with (
        pytest.raises(StackFailed, match=r"(?s)Toy was not ready after 2 s \(GET /ready/no-op: \w+\).*the toy starts"),
        up(slow, model="no-op", logs=tmp_path, ready_s=2.0),
    ):
        pass
    assert psutil.Process().children(recursive=True) == before


def test_one_that_dies_meanwhile_is_noticed(tmp_path: Path):
    with up(toy(tmp_path / "toy"), model="no-op", logs=tmp_path) as peer:
        os.kill(peer.process.pid, signal.SIGKILL)
        with pytest.raises(StackFailed, match="Toy ended by itself"):
            wait_for(lambda: not_anymore(peer))


def not_anymore(peer: RunningPeer) -> None:
    peer.process.must_run()
    raise AssertionError("it still runs")


@pytest.mark.parametrize("model", ["no-op", "efficientnet-lite"])
def test_fastapi_answers_for_both_models(tmp_path: Path, models: Path, jpeg: bytes, model: str):
    fastapi = load(HERE / "fastapi")
    with up(fastapi, model=model, logs=tmp_path, models=models) as peer:
        good = request_for(fastapi, jpeg, model=model)
        bad = request_for(fastapi, b"no photo", model=model)
        status, body = ask(peer.base_url, "POST", good.path, good.body, good.headers)
        assert (status, len(json.loads(body)["labels"])) == (200, 5)
        assert model == "no-op" or first_label(fastapi, body) == "espresso"
        assert ask(peer.base_url, "POST", bad.path, bad.body, bad.headers)[0] == 422
    assert "locust" not in sys.modules
