"""`locust -f bench/locustfile.py` as people who know Locust use it: headless, web page, several processes."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.load.generator import Load
from bench.stacks import stack
from bench.stacks.running import RunningStack
from tests.e2e.locusts import ask, ended, locust, network, processes
from tests.processes import free_port, wait_for
from tests.unit.bench.toys import TOY, place

SHORT = ("--rate", "30,60", "--seconds", "1", "--warmup", "0.5")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The toy variant, running."""
    with RunningStack(stack.load(TOY), place(tmp_path_factory.mktemp("toy"))) as running:
        yield running.base_url


def is_whole(samples: Path, count: int = 90) -> Load:
    """Every request of the steps is there once, in order, answered; return what was recorded."""
    load = Load.read(samples)
    steps = np.array(load.table["step"].to_pylist())
    assert (steps >= 0).sum() == count
    assert set(load.outcome) == {"ok"}
    assert (np.diff(load.times("intended_ns")) >= 0).all()
    assert (load.times("intended_ns") <= load.times("sent_ns")).all()
    assert load.requests_sent == len(steps)
    return load


def test_headless_it_asks_the_host_for_photos_sends_steps_and_writes_samples(host: str, tmp_path: Path):
    samples = tmp_path / "samples.parquet"
    with locust("--headless", "--host", host, "--samples", str(samples), *SHORT) as process:
        code, out = ended(process)
    assert code == 0, out
    is_whole(samples)
    assert "warm-up: prediction" in out
    photos = pq.read_table(samples)["photo_id"].to_pylist()
    assert set(photos) == {f"photo-{number}" for number in range(7)}


def test_several_processes_lose_nothing(host: str, tmp_path: Path):
    samples = tmp_path / "samples.parquet"
    argv = ("--headless", "--host", host, "--samples", str(samples), *processes())
    with locust(*argv, *SHORT) as process:
        code, out = ended(process)
    assert code == 0, out
    assert is_whole(samples).processes == 2


def workers(port: str, count: int) -> ExitStack:
    """Start so many workers, as on other machines."""
    with ExitStack() as started:
        for _ in range(count):
            started.enter_context(locust("--worker", "--master-host", "127.0.0.1", "--master-port", port))
        return started.pop_all()


def test_a_master_and_its_workers_merge_their_samples(host: str, tmp_path: Path):
    samples, port = tmp_path / "samples.parquet", network()
    argv = ("--master", "--headless", "--expect-workers", "2", "--host", host, "--samples", str(samples), *port)
    with locust(*argv, *SHORT) as master, workers(port[-1], 2):
        code, out = ended(master)
    assert code == 0, out
    assert is_whole(samples).processes == 2


def test_a_worker_that_dies_takes_its_samples_along_and_that_is_said(host: str, tmp_path: Path):
    samples, port = tmp_path / "samples.parquet", network()
    argv = ("--master", "--headless", "--expect-workers", "2", "--host", host, "--samples", str(samples), *port)
    with ExitStack() as running:
        master = running.enter_context(locust(*argv, "--rate", "24", "--seconds", "2", "--warmup", "0"))
        running.enter_context(workers(port[-1], 1))
        victim = running.enter_context(locust("--worker", "--master-host", "127.0.0.1", "--master-port", port[-1]))
        assert master.stdout is not None
        wait_for(lambda: next(line for line in master.stdout if "All users spawned" in line), process=master)
        victim.kill()
        code, out = ended(master)
    assert code == 1
    assert "1 of 2 processes ended without handing in their samples" in out
    outcomes = Load.read(samples).outcome.tolist()
    assert (outcomes.count("lost"), outcomes.count("ok")) == (24, 24)


def test_the_web_page_starts_a_test_with_changed_options_and_counts_from_the_intended_time(host: str, tmp_path: Path):
    samples, page = tmp_path / "samples.parquet", f"http://127.0.0.1:{(port := free_port())}"
    argv = ("--host", host, "--web-host", "127.0.0.1", "--web-port", str(port), "--samples", str(samples))
    with locust(*argv, "--rate", "5") as process:
        wait_for(lambda: ask(f"{page}/stats/requests"), (OSError,), process=process)
        ask(f"{page}/swarm", user_count="1", spawn_rate="1", host=host, rate="30,60", seconds="1", warmup="0.5")

        def over() -> dict:
            stats = ask(f"{page}/stats/requests")
            assert stats["state"] == "stopped"
            return stats

        stats = wait_for(over, (AssertionError,), process=process, seconds=30)
    load = is_whole(samples)
    total = next(row for row in stats["stats"] if row["name"] == "Aggregated")
    took_ms = (load.times("done_ns") - load.times("intended_ns")) / 1e6
    assert total["num_requests"] == len(took_ms)
    assert total["max_response_time"] == pytest.approx(took_ms.max(), abs=0.6)  # its page shows whole ms
