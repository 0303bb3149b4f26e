"""The same answers first, speed afterwards: every variant is asked for every photo before anything is timed."""

import contextlib
import http.client
import itertools
import json
import mimetypes
import reprlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from bench.exits import StackFailed, WrongAnswers
from bench.processes.asking import Connection, Reply, ended_after, get
from bench.stacks.contract import HTTP_OK, HTTP_PENDING, HTTP_REFUSED, PATHS, labels_of

TOLERANCE = 1e-5  # of scores: the same graph on the same provider; float32 sums may differ in order
PAGE = 100
MOST_PHOTOS = 100_000
LARGEST_BODY = 64 * 1024 * 1024  # bytes; a photo may have 20 million
DEADLINE_S = 30.0
NOT_YET = (HTTP_PENDING, HTTP_REFUSED)
NOT_YET_DEADLINE_S = 60.0
NOT_YET_POLL_S = 0.1
CLIENTS = 8


@dataclass(frozen=True)
class Answer:
    """The labels of one photo, best first, with their scores."""

    labels: tuple[str, ...]
    scores: tuple[float, ...]

    def __str__(self) -> str:
        return ", ".join(f"{label} {score:.6f}" for label, score in zip(self.labels, self.scores, strict=True))


@dataclass(frozen=True)
class Verified:
    """What one variant says: its model, and its answer for every photo of the catalogue in the catalogue's order."""

    variant: str
    model: dict[str, str]
    answers: dict[str, Answer]


class Asker:
    """Asks one variant over HTTP, one question at a time, in no hurry."""

    def __init__(self, variant: str, base_url: str) -> None:
        self.variant = variant
        address = urlsplit(base_url)
        self.host, self.port = str(address.hostname), address.port or 80

    def get(self, path: str) -> Reply:
        """GET a path, of a body without end no more than a photo can have.

        A connection that breaks, or an answer that does not end, means that the stack is not up to it.
        """
        try:
            return get(self.host, self.port, path, seconds=DEADLINE_S, most=LARGEST_BODY)
        except TimeoutError as error:
            raise StackFailed(f"{self.variant}: GET {path} got no whole answer within {DEADLINE_S:g} s") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise StackFailed(f"{self.variant}: GET {path} got no answer: {error!r}") from error

    def json(self, path: str) -> dict[str, object]:
        """GET a JSON object that must be there."""
        answer = self.get(path)
        try:
            value = json.loads(answer.data) if answer.status == HTTP_OK else None
        except (ValueError, RecursionError):  # the latter: lists within lists within lists
            value = None
        if not isinstance(value, dict):
            raise WrongAnswers(f"{self.variant}: GET {path} must answer 200 with a JSON object, got {shown(answer)}")
        return value

    def photo_ids(self) -> Iterator[str]:
        """Page through the catalogue. Every page must bring something new, so that it has an end."""
        after: str | None = ""
        seen: set[str] = set()
        while after is not None:
            path = "/api/photos?" + urlencode({**({"after": after} if after else {}), "limit": PAGE})
            page = self.json(path)
            photos, following = page.get("photos"), page.get("next")
            ids = [id_in(photo) for photo in photos] if isinstance(photos, list) else [""]
            after = None if following is None else id_in({"id": following})
            if "" in ids or len({*ids} - seen) < len(ids) or (following is not None and not (after and ids)):
                raise WrongAnswers(
                    f"{self.variant}: GET {path[:200]} must answer with photos and the next page, each known by an id, "
                    "a text or a whole number, no photo twice, and no page without photos before the last; "
                    f"got {reprlib.repr(page)}"
                )
            seen.update(ids)
            if len(seen) > MOST_PHOTOS:
                raise WrongAnswers(
                    f"{self.variant}: GET /api/photos lists more than {MOST_PHOTOS:,} photos, more than can be asked "
                    "for one by one; give a smaller folder with --photos"
                )
            yield from ids

    def prediction(self, photo_id: str) -> Answer:
        """Ask for one prediction; wait while it is pending, or refused by a model that is just warming up."""
        path = path_of("prediction", photo_id)
        deadline = time.monotonic() + NOT_YET_DEADLINE_S
        answer = self.get(path)
        while answer.status in NOT_YET and time.monotonic() < deadline:
            time.sleep(NOT_YET_POLL_S)
            answer = self.get(path)
        try:
            body = json.loads(answer.data) if answer.status == HTTP_OK else {}
            return Answer(tuple(labels_of(body)), tuple(float(entry["score"]) for entry in body["labels"]))
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise WrongAnswers(
                f"{self.variant} has no proper prediction for photo {photo_id}: GET {path} got {shown(answer)}"
            ) from error

    def model(self) -> dict[str, str]:
        """Read from readiness which model answers, and where it runs."""
        model = self.json("/readyz").get("model")
        if not isinstance(model, dict):
            raise WrongAnswers(f"{self.variant}: GET /readyz must name the model: name, version, provider")
        return {key: str(model.get(key) or "") for key in ("name", "version", "provider")}

    def verified(self) -> Verified:
        """Ask everything."""
        answers = {photo_id: self.prediction(photo_id) for photo_id in self.photo_ids()}
        if not answers:
            raise WrongAnswers(f"{self.variant} has no photos; is the folder given with --photos empty?")
        return Verified(self.variant, self.model(), answers)

    def download(self, photo_ids: Sequence[str], folder: Path) -> None:
        """Store the photos as they are served: the raw limit is measured on the very same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, photo_id in enumerate(photo_ids):
            answer = self.get(path_of("image", photo_id))
            if answer.status != HTTP_OK or not answer.data:
                raise WrongAnswers(f"{self.variant}: the image of photo {photo_id} cannot be had: {shown(answer)}")
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
            (folder / f"{number:05d}{mimetypes.guess_extension(kind) or '.jpg'}").write_bytes(answer.data)

    def capacity(self, photo_ids: Sequence[str], seconds: float) -> float:
        """Return how many predictions a second a few clients get that ask without a pause: a closed loop.

        A first look only, to know which rates are worth offering; what a variant carries is measured in an open loop.
        """
        until = time.monotonic() + seconds

        def ask(first: int) -> int:
            photos, answers = itertools.cycle([*photo_ids[first:], *photo_ids[:first]]), 0
            connection, most = Connection(self.host, self.port, timeout=DEADLINE_S), seconds + DEADLINE_S
            with contextlib.closing(connection), ended_after(most, lambda: connection.opened):
                while time.monotonic() < until:
                    connection.request("GET", path_of("prediction", next(photos)))
                    answer = connection.getresponse()
                    answer.read()
                    answers += answer.status == HTTP_OK
            return answers

        start = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            try:
                answers = sum(clients.map(ask, range(CLIENTS)))
            except (OSError, ValueError, http.client.HTTPException) as error:
                raise StackFailed(f"{self.variant}: no answer when {CLIENTS} clients ask at once: {error!r}") from error
        if not answers:
            raise StackFailed(f"{self.variant}: no good prediction when {CLIENTS} clients ask at once")
        return answers / (time.monotonic() - start)


def path_of(case: str, photo_id: str) -> str:
    """Return the path of a route for one photo."""
    return PATHS[case].format(id=quote(photo_id, safe=""))


def id_in(entry: object) -> str:
    """Return the id of an entry as text; empty: it has none, or one that no URL can hold."""
    found = entry.get("id") if isinstance(entry, dict) else None
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return text if text.encode(errors="ignore").decode() == text else ""


def shown(answer: Reply) -> str:
    """Show status and the beginning of a body in one line."""
    return f"{answer.status} {answer.data[:200].decode(errors='replace')!r}"


def compare(everybody: Sequence[Verified]) -> None:
    """Raise WrongAnswers at the first photo for which two variants differ. The first variant is the one compared to."""
    first, *others = everybody
    for other in others:
        both = f"{first.variant} and {other.variant}"
        only = sorted(first.answers.keys() ^ other.answers.keys())
        if only:
            raise WrongAnswers(f"{both} show different photos: only one has {only[:3]}")
        for photo_id, answer in first.answers.items():
            if not same(answer, other.answers[photo_id]):
                raise WrongAnswers(
                    f"photo {photo_id}: {both} answer differently\n"
                    f"  {first.variant}: {answer}\n  {other.variant}: {other.answers[photo_id]}"
                )


def same(one: Answer, other: Answer) -> bool:
    """Whether two answers are the same: labels in the same order, scores within the tolerance."""
    scores = itertools.zip_longest(one.scores, other.scores, fillvalue=float("inf"))
    return one.labels == other.labels and all(abs(a - b) <= TOLERANCE for a, b in scores)
