"""What a check is.

It asks the server something and returns, in one sentence, what it saw. It raises Missed if that is not what the
specification asks for, and NotOffered if the server, or the model that it serves, has nothing to check there.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bench.conformance.findings import Group, Level
from bench.conformance.subject import Subject


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
    ask: Callable[[Subject], str]
    refusal: bool = False
