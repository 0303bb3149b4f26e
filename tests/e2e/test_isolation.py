"""What is left of the product when its model is gone: the promise that each architecture makes in its README."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bench.stacks.running import Place, RunningStack
from bench.stacks.stack import find
from tests.processes import wait_for


@pytest.fixture
def stack(catalogue: Path, tmp_path: Path) -> Iterator[RunningStack]:
    [service] = find(["model_as_service"])
    with RunningStack(service, Place(data=tmp_path / "data", logs=tmp_path / "logs", photos=catalogue)) as running:
        yield running


def test_a_model_that_hangs_or_dies_costs_the_predictions_and_not_the_pages(stack: RunningStack) -> None:
    url, inference = stack.base_url, stack.pids["inference"]

    def predicted() -> None:
        assert requests.get(f"{url}/api/photos/1/prediction", timeout=10).status_code == 200

    def not_predicted_in_time() -> None:
        start = time.monotonic()
        answer = requests.get(f"{url}/api/photos/1/prediction", timeout=10)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert time.monotonic() - start < 2, "300 ms were promised; the rest is for a slow machine"
        assert requests.get(f"{url}/readyz", timeout=10).status_code == 503
        for path in ("/livez", "/", "/api/photos/1"):
            assert requests.get(url + path, timeout=10).status_code == 200
        page = requests.get(f"{url}/photos/1", timeout=10)
        assert page.status_code == 200
        assert "No prediction can be had right now" in page.text

    wait_for(predicted)
    os.killpg(inference, signal.SIGSTOP)  # the keeper and its child: one alone would be made good
    not_predicted_in_time()
    os.killpg(inference, signal.SIGCONT)
    wait_for(predicted)
    os.killpg(inference, signal.SIGKILL)
    wait_for(not_predicted_in_time)
