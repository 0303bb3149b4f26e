"""What a check is, and what it finds: the vocabulary of the package, at its bottom.

A check asks the server something and returns, in one sentence, what it saw. It raises Missed if that is not what the
specification asks for, and NotOffered if the server, or the model that it serves, has nothing to check there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bench.conformance.subject import Subject

Group = Literal[
    "health",
    "metadata",
    "inference",
    "errors",
    "binary_tensor_data",
    "model_repository",
    "classification",
    "statistics",
    "schedule_policy",
]
# required: the core specification says it. extension: the document of an extension says it, which a server need not
# have. customary: nobody says it, or the specification's text and its OpenAPI file disagree, and clients count on it.
Level = Literal["required", "extension", "customary"]
Verdict = Literal["pass", "fail", "not offered"]

CORE: tuple[Group, ...] = ("health", "metadata", "inference", "errors")
EXTENSIONS: tuple[Group, ...] = (
    "binary_tensor_data",
    "model_repository",
    "classification",
    "statistics",
    "schedule_policy",
)


class Missed(Exception):  # noqa: N818 - it is a finding about the server, not an error of ours
    """The server does not do what is asked; the message says what it does."""


class NotOffered(Exception):  # noqa: N818
    """There is nothing to check here; the message says why."""


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
    ask: Callable[["Subject"], str]
    refusal: bool = False


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
