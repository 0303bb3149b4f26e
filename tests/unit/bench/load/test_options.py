import json
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from bench.exits import UsageProblem
from bench.load import options
from bench.load.plan import Plan, Turn
from bench.load.schedule import Phase, draw

HOST = "http://127.0.0.1:8000"
WRONG_RATES = ("fast", "", "0", "-1", "5,", "5,0", "inf", "nan")
WRONG_MIXES = ("", "page", "pages=1", "page=much")
WRONG_SHARES = ("page=0", "page=-1,image=1", "page=inf", "page=nan", "page=1e308,image=1e308", "page=1,image=1e-320")
REPEATED = ("page=1,page=2", "page=1,image=1, page =1")
SCHEDULE = draw(Phase(0.0, {}), [Phase(1.0, {"page": 4.0})], 2, seed=(1,))
PLAN = Plan([HOST], SCHEDULE, [{"id": "7", "path": "7"}] * 2, 1.0)


def given(*argv: str) -> Namespace:
    parser = ArgumentParser()
    options.add_options(parser)
    parser.add_argument("--headless", action="store_true")  # Locust's
    return parser.parse_args(argv)


@contextmanager
def product(*photos: str) -> Iterator[str]:
    """A product whose catalogue holds these photos; yields its URL."""

    class Catalogue(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"photos": [{"id": photo} for photo in photos], "next": None}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Catalogue) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


@pytest.fixture(scope="module")
def three_photos() -> Iterator[str]:
    """A product with three photos, one of which has an id that must be quoted."""
    with product("a b", "2", "3") as url:
        yield url


def test_options_stand_for_a_staircase_with_a_warm_up(three_photos: str):
    plan = options.plan_of(given("--rate", "6,12", "--seconds", "10", "--warmup", "2", "--deadline", "3"), three_photos)
    steps, counts = np.unique(plan.schedule.step, return_counts=True)
    assert dict(zip(steps.tolist(), counts.tolist(), strict=True)) == {-1: 12, 0: 60, 1: 120}
    shares = {case: int((plan.schedule.case == index).sum()) / 192 for index, case in enumerate(plan.schedule.cases)}
    assert shares == pytest.approx({"prediction": 1 / 3, "metadata": 1 / 3, "page": 1 / 6, "image": 1 / 6})
    assert plan.targets[0] == {"id": "a b", "path": "a%20b"}  # no labels: any will do
    assert (list(plan.hosts), plan.deadline_s, plan.turn(0)) == ([three_photos], 3.0, Turn())
    assert set(plan.schedule.photo.tolist()) == {0, 1, 2}


def test_the_seed_and_the_arrivals_are_heard(three_photos: str):
    mores = ((), (), ("--seed", "2"), ("--arrivals", "constant"))
    plans = [options.plan_of(given(*more), three_photos) for more in mores]
    first, again, other, constant = (plan.schedule.offset_ns.tolist() for plan in plans)
    assert first == again
    assert len({tuple(first), tuple(other), tuple(constant)}) == 3


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        *[(("--rate", rate), "must be numbers above 0") for rate in WRONG_RATES],
        *[(("--mix", mix), "must look like prediction=2") for mix in WRONG_MIXES],
        *[(("--mix", mix), "every share must be from 0.000001 to 1000000") for mix in WRONG_SHARES],
        *[(("--mix", mix), "names a route twice; give each its share once") for mix in REPEATED],
        (("--seconds", "0"), "--seconds and --deadline must be more than 0"),
        (("--deadline", "0"), "--seconds and --deadline must be more than 0"),
        (("--warmup=-1",), "--warmup and --seed 0 or more"),
        (("--seed=-1",), "--warmup and --seed 0 or more"),
        *[((f"--{name}", "inf"), "can be 1000000 at most") for name in ("seconds", "warmup", "deadline")],
        *[((f"--{name}", "nan"), "must be more than 0") for name in ("seconds", "warmup", "deadline")],
        *[
            ((f"--{name}", "soon"), f"--{name} takes a number, not 'soon'")
            for name in ("seconds", "warmup", "deadline")
        ],
        *[(("--seed", seed), "--seed takes a whole number, not") for seed in ("soon", "1.5", "9" * 5_000)],
        (("--seconds", "9" * 5_000), f"--seconds takes a number, not '{'9' * 37}...'"),
        (("--seed", "1" + "0" * 90), "--seed can be 1000000000000000000 at most"),
        (("--rate", "1e12"), "a plan holds 10000000 at most"),
        (("--rate", "1e-9", "--seconds", "1"), "nothing to send"),
    ],
)
def test_a_mistake_is_named(three_photos: str, argv: tuple[str, ...], message: str):
    with pytest.raises(UsageProblem) as problem:
        options.plan_of(given(*argv), three_photos)
    assert message in str(problem.value)


@pytest.mark.parametrize("host", ["https://127.0.0.1:8000", "http://127.0.0.1", "127.0.0.1:8000", "None"])
def test_a_host_that_is_no_http_address_with_a_port_is_named(host: str):
    with pytest.raises(UsageProblem, match="must look like http"):
        options.plan_of(given(), host)


def test_arrivals_that_the_web_page_sent_are_looked_at(three_photos: str):
    options_of_page = Namespace(**{**vars(given()), "arrivals": "never"})
    with pytest.raises(UsageProblem, match="--arrivals 'never' must be poisson or constant"):
        options.plan_of(options_of_page, three_photos)


DAMAGED: dict[str, object] = {
    "cases": [], "case": [9, 9, 9, 9], "photo": [0, 0, 0, -1], "targets": [], "hosts": [], "hosts ": None,
    "deadline_s": float("nan"), "deadline_s ": "soon", "offset_ns": [1], "step": ["first"], "turns": [[7, 0.0]],
    "turns ": [["?"]], "targets ": 7,
}  # fmt: skip


@pytest.mark.parametrize("field", DAMAGED)
def test_a_plan_that_does_not_fit_together_is_refused(tmp_path: Path, field: str):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({**PLAN.facts(), field.strip(): DAMAGED[field]}), encoding="utf-8")
    with pytest.raises(UsageProblem, match="cannot be read, or holds no plan"):
        options.plan_of(given("--headless", "--plan", str(path)), "nowhere")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"{}", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(UsageProblem, match="cannot be read, or holds no plan"):
        options.plan_of(given("--headless", "--plan", str(path)), "nowhere")


def test_without_the_harness_there_is_no_plan_to_wait_for(tmp_path: Path):
    with pytest.raises(UsageProblem, match="is for the harness, which needs no web page; leave it out"):
        options.plan_of(given("--plan", str(tmp_path / "none")), HOST)


def test_a_product_without_photos_is_said():
    with product() as empty, pytest.raises(UsageProblem, match="has no photos to ask for"):
        options.plan_of(given(), empty)


def test_shares_of_a_mix_add_up():
    assert options.mix_of(" page = 3, image=1") == {"page": 0.75, "image": 0.25}


def test_the_plan_of_the_harness_is_taken_as_it_is(tmp_path: Path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN.facts()), encoding="utf-8")
    assert (
        options.plan_of(given("--headless", "--plan", str(path), "--rate", "not looked at"), "nowhere").facts()
        == PLAN.facts()
    )


def test_a_plan_that_does_not_come_is_not_awaited_for_ever(tmp_path: Path):
    with pytest.raises(UsageProblem, match=r"there was no .*plan\.json within"):
        options.awaited(tmp_path / "plan.json", deadline_s=0.05)
