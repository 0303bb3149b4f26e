"""What a check is: a question of checks.toml, and how to ask it.

Asking returns, in one sentence, what was seen. It raises Missed if that is not what the specification asks for, and
NotOffered if the server, or the model that it serves, has nothing to check there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from bench import tomlfile
from bench.conformance.client import Answer, require, under
from bench.conformance.subject import Subject
from bench.tomlfile import Words, Written

FILE = Path(__file__).with_name("checks.toml")
Extension = Literal["binary_tensor_data", "model_repository", "classification", "statistics", "schedule_policy"]
Group = Literal["health", "metadata", "inference", "errors"] | Extension
Level = Literal["required", "extension", "customary"]
Verdict = Literal["pass", "fail", "not offered"]
Ask = Callable[[Subject], str]
Send = Callable[[Subject], Answer]  # a wrong request

EXTENSIONS: tuple[Extension, ...] = get_args(Extension)
CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True)
class Question(Written):
    """What is asked as it is written."""

    asked: Words
    place: Words
    level: Level | None = None


@dataclass(frozen=True)
class Check:
    """One question, where it comes from, and how to ask it.

    `refusal`: a wrong request. That it is refused says nothing about a server without the extension.
    """

    id: str
    group: Group
    level: Level
    asked: str
    place: str
    ask: Ask
    refusal: bool


@dataclass(frozen=True)
class Result:
    """What came of one check."""

    id: str
    group: Group
    level: Level
    asked: str
    place: str
    verdict: Verdict
    seen: str


def load(asks: Mapping[str, Ask], wrong: Mapping[str, Send]) -> list[Check]:
    """Return every check in order: how to ask by id, and for wrong requests, which must be refused, how to send."""
    ways = {**asks, **{name: _refusal(send) for name, send in wrong.items()}}
    checks = []
    for group, questions in tomlfile.load(FILE, dict[Group, dict[str, Question]]).items():
        extension = group in EXTENSIONS
        for name, each in questions.items():
            level = each.level or ("extension" if extension else "required")
            checks.append(Check(name, group, level, each.asked, each.place, ways[name], extension and name in wrong))
    return checks


def _refusal(send: Send) -> Ask:
    return lambda subject: refused(send(subject))


def refused(answer: Answer) -> str:
    """Say how a wrong request was refused: with a 4xx and `{"error": "..."}`. Raises Missed if it was not."""
    require(answer.status in CLIENT_ERRORS, str(answer))
    error = under(answer.json(), "error", str)
    require(error, f"no error in words: {answer}")
    return f"{answer.status} {error[:100]}"
