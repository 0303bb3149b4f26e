"""What a check may find: the vocabulary of the package, at its bottom."""

from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

T = TypeVar("T", bool, str, list[Any], dict[str, Any])
Extension = Literal["binary_tensor_data", "model_repository", "classification", "statistics", "schedule_policy"]
Group = Literal["health", "metadata", "inference", "errors"] | Extension
# required: the core specification says it. extension: the document of an extension says it, which a server need not
# have. customary: nobody says it, or the specification's text and its OpenAPI file disagree, and clients count on it.
Level = Literal["required", "extension", "customary"]
Verdict = Literal["pass", "fail", "not offered"]

EXTENSIONS: tuple[Extension, ...] = get_args(Extension)


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


def under(value: object, key: str, kind: type[T]) -> T:
    """Return what stands under a key of some JSON, an empty one (or False) where that is nothing of this kind."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, kind) else kind()
