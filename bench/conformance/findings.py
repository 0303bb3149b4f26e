"""What a check may find: the vocabulary of the package, at its bottom."""

from dataclasses import dataclass
from typing import Literal

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
class Result:
    """What came of one check."""

    id: str
    group: Group
    level: Level
    asked: str
    place: str
    verdict: Verdict
    seen: str
