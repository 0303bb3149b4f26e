import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.exits import StackFailed, WrongAnswers
from bench.stacks import verify
from bench.stacks.verify import Answer, Asker, Verified, compare, path_of
from tests.unit.bench.dripping import DRIPS, dripping

LABELS = ("tabby", "lynx")
GOOD = {"labels": [{"label": label, "score": 0.5} for label in LABELS], "model": {"version": "1"}, "source": "live"}
PREDICTION = "/api/photos/7/prediction"

Respond = Callable[[str, int], tuple[int, object]]


@contextmanager
def answering(respond: Respond) -> Iterator[tuple[Asker, list[str]]]:
    """Answer by the path and how often it was asked for before; yields who asks, and what was asked for."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            before = seen.count(self.path)
            seen.append(self.path)
            status, body = respond(self.path, before)
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "image/png" if isinstance(body, bytes) else "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer.daemon_threads = True
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        asker = Asker("v", f"http://127.0.0.1:{server.server_address[1]}")
        try:
            yield asker, seen
        finally:
            server.shutdown()
            thread.join()


def verified(variant: str, *scores: float, labels: tuple[str, ...] = LABELS, photo: str = "7") -> Verified:
    return Verified(variant, {"version": "1"}, {photo: Answer(labels, scores or (0.5, 0.25))})


def test_the_same_answers_pass_within_the_tolerance():
    compare([verified("a"), verified("b", 0.500009, 0.25), verified("c")])


@pytest.mark.parametrize(
    "other",
    [
        verified("b", 0.50002, 0.25),
        verified("b", labels=("lynx", "tabby")),
        verified("b", 0.5, labels=("tabby",)),
    ],
)
def test_a_difference_names_photo_variants_and_both_answers(other: Verified):
    with pytest.raises(WrongAnswers) as wrong:
        compare([verified("a"), other])
    for part in ("photo 7", "a: tabby 0.500000, lynx 0.250000", f"b: {other.answers['7']}"):
        assert part in str(wrong.value)


def test_different_catalogues_are_not_compared():
    with pytest.raises(WrongAnswers, match="a and b show different photos"):
        compare([verified("a"), verified("b", photo="8")])


def test_an_id_is_quoted_in_paths():
    assert path_of("image", "a/b c") == "/api/photos/a%2Fb%20c/image"


def test_the_catalogue_is_read_page_by_page():
    pages = {"/api/photos?limit=100": ([1, 2], 2), "/api/photos?after=2&limit=100": ([3], None)}

    def respond(path: str, _: int) -> tuple[int, object]:
        ids, following = pages[path]
        return 200, {"photos": [{"id": each} for each in ids], "next": following}

    with answering(respond) as (asker, _):
        assert list(asker.photo_ids()) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "page",
    [
        {}, {"photos": 3}, {"photos": None}, {"photos": {"id": 1}}, {"photos": [{"id": 1}], "next": 1},
        {"photos": [{}]}, {"photos": [3]}, {"photos": [None]}, {"photos": ["id"]}, {"photos": [["id"]]},
        {"photos": [{"ID": 1}]}, {"photos": [{"id": 1}, {}]},
        *({"photos": [{"id": value}]} for value in (None, True, 1.5, [1], {"id": 1}, "\ud800")),
        *({"photos": [], "next": value} for value in ("", True, 1.5, [1], {"id": 1}, "\ud800")),
        {"photos": [{"id": None}] * 10_000},
    ],
)  # fmt: skip
def test_a_catalogue_that_never_ends_or_is_none_is_said(page: object):
    with (
        answering(lambda *_: (200, page)) as (asker, _),
        pytest.raises(WrongAnswers, match="photos and the next page") as wrong,
    ):
        list(asker.photo_ids())
    assert len(str(wrong.value)) < 500


def test_a_catalogue_that_goes_in_circles_is_said():
    def respond(path: str, _: int) -> tuple[int, object]:
        return 200, {"photos": [{"id": 1}], "next": 2 if "after=1" in path else 1}

    with answering(respond) as (asker, seen), pytest.raises(WrongAnswers, match="photos and the next page"):
        list(asker.photo_ids())
    assert len(seen) == 2


@pytest.mark.parametrize("photos", [[], [{"id": 1}], [{"id": 2}, {"id": 2}]])
def test_a_catalogue_whose_next_page_always_differs_and_brings_nothing_new_is_said(photos: list[object]):
    numbers = itertools.count()
    with (
        answering(lambda *_: (200, {"photos": photos, "next": next(numbers)})) as (asker, seen),
        pytest.raises(WrongAnswers, match="no photo twice, and no page without photos"),
    ):
        list(asker.photo_ids())
    assert len(seen) <= 2


def test_a_catalogue_of_ever_new_photos_has_a_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verify, "MOST_PHOTOS", 50)
    numbers = itertools.count()
    with (
        answering(lambda *_: (200, {"photos": [{"id": next(numbers)}], "next": next(numbers)})) as (asker, seen),
        pytest.raises(WrongAnswers, match="more than 50 photos"),
    ):
        list(asker.photo_ids())
    assert len(seen) == 51


@pytest.mark.parametrize("not_yet", [202, 503])
def test_a_prediction_that_is_not_there_yet_is_awaited(monkeypatch: pytest.MonkeyPatch, not_yet: int):
    monkeypatch.setattr(verify, "NOT_YET_POLL_S", 0.001)
    with answering(lambda _, before: (200, GOOD) if before == 2 else (not_yet, {})) as (asker, seen):
        assert asker.prediction("7") == Answer(LABELS, (0.5, 0.5))
    assert seen == [PREDICTION] * 3


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {}),
        (202, {}),
        (200, {"labels": []}),
        (200, [1]),
        (200, b"no json"),
        (200, {"labels": [{"label": "a"}]}),
        (200, {"labels": [{"label": "a", "score": 10**400}]}),
        (200, {"labels": ["a"]}),
        (200, {"labels": [None]}),
    ],
)
def test_what_is_no_prediction_is_a_wrong_answer(monkeypatch: pytest.MonkeyPatch, status: int, body: object):
    monkeypatch.setattr(verify, "NOT_YET_DEADLINE_S", 0.0)
    with (
        answering(lambda *_: (status, body)) as (asker, _),
        pytest.raises(WrongAnswers, match="v has no proper prediction for photo 7") as wrong,
    ):
        asker.prediction("7")
    assert f"got {status}" in str(wrong.value)


def test_a_variant_without_photos_or_without_a_model_is_said():
    with answering(lambda *_: (200, {"photos": []})) as (asker, _):
        with pytest.raises(WrongAnswers, match="v has no photos"):
            asker.verified()
        with pytest.raises(WrongAnswers, match="must name the model"):
            asker.model()


def test_photos_are_stored_in_order_as_they_are_served(tmp_path: Path):
    with answering(lambda path, _: (200, path.encode())) as (asker, _):
        asker.download(["b", "a"], tmp_path / "images")
    stored = [(path.name, path.read_bytes()) for path in sorted((tmp_path / "images").iterdir())]
    assert stored == [("00000.png", b"/api/photos/b/image"), ("00001.png", b"/api/photos/a/image")]


def test_a_photo_that_cannot_be_had_is_said(tmp_path: Path):
    with answering(lambda *_: (200, b"")) as (asker, _), pytest.raises(WrongAnswers, match="the image of photo 7"):
        asker.download(["7"], tmp_path)


def test_the_capacity_counts_good_answers_of_all_clients_and_asks_for_every_photo():
    """Every second answer is refused: half of what was asked is the capacity."""
    turn = iter(range(1_000_000))
    with answering(lambda *_: (200 if next(turn) % 2 else 503, GOOD)) as (asker, seen):
        capacity = asker.capacity([str(number) for number in range(3)], 0.3)
    assert len(seen) / 2 / 0.6 < capacity < len(seen) / 2 / 0.3 + 1  # a busy machine takes longer than it should
    assert {path_of("prediction", str(number)) for number in range(3)} == set(seen)


def test_who_answers_nobody_well_or_not_at_all_has_no_capacity():
    with answering(lambda *_: (500, {})) as (asker, _), pytest.raises(StackFailed, match="no good prediction when 8"):
        asker.capacity(["7"], 0.05)
    with pytest.raises(StackFailed, match="v: no answer when 8 clients ask at once"):
        asker.capacity(["7"], 0.05)
    with pytest.raises(StackFailed, match="v: GET /readyz got no answer"):
        asker.model()


@pytest.mark.parametrize(
    "ask",
    [lambda asker: asker.json("/"), lambda asker: asker.prediction("7"), lambda asker: asker.capacity(["7"], 0.1)],
)
@pytest.mark.parametrize("drip", DRIPS)
def test_an_answer_that_drips_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, drip: bytes, ask: Callable[[Asker], object]
):
    """Byte by byte: each wait is short, and all together have no end."""
    monkeypatch.setattr(verify, "DEADLINE_S", 0.3)
    with dripping(drip) as port, pytest.raises(StackFailed, match=r"no whole answer within|no answer when 8"):
        ask(Asker("v", f"http://127.0.0.1:{port}"))


def test_of_a_body_without_end_only_so_much_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verify, "LARGEST_BODY", 1000)
    with answering(lambda *_: (200, b"x" * 5_000_000)) as (asker, _):
        assert len(asker.get("/").data) == 1000
        with pytest.raises(WrongAnswers, match="must answer 200 with a JSON object"):
            asker.json("/")


@pytest.mark.parametrize("ask", [lambda asker: asker.json("/"), lambda asker: asker.prediction("7")])
def test_lists_within_lists_are_no_answer(ask: Callable[[Asker], object]):
    with answering(lambda *_: (200, b"[" * 200_000)) as (asker, _), pytest.raises(WrongAnswers):
        ask(asker)
