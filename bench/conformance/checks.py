"""What a check is.

It asks the server something and returns, in one sentence, what it saw. It raises Missed if that is not what the
specification asks for, and NotOffered if the server, or the model that it serves, has nothing to check there.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bench.conformance.client import Answer
from bench.conformance.findings import Group, Level, Missed, under
from bench.conformance.subject import Subject

CLIENT_ERRORS = range(400, 500)
Send = Callable[[Subject], Answer]


@dataclass(frozen=True)
class Check:
    """One question, where it comes from, and how to ask it.

    `refusal`: a wrong request. That it is refused says nothing about a server without the extension.
    """

    group: Group
    id: str
    asked: str
    place: str
    ask: Callable[[Subject], str]
    level: Level = "required"
    refusal: bool = False


def refusal(group: Group, name: str, asked: str, place: str, send: Send, level: Level = "required") -> Check:
    """Return the check that a wrong request is refused."""
    asked += ": refused, with an error in words" if level == "customary" else ": refused"
    return Check(group, name, asked, place, lambda it: refused(send(it)), level, refusal=level == "extension")


def refused(answer: Answer) -> str:
    """Say how a wrong request was refused: with a 4xx and `{"error": "..."}`. Raises Missed if it was not."""
    if answer.status not in CLIENT_ERRORS:
        raise Missed(str(answer))
    error = under(answer.json(), "error", str)
    if not error:
        raise Missed(f"no error in words: {answer}")
    return f"{answer.status} {error[:100]}"
