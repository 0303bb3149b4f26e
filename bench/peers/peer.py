"""What a `peer.toml` says, read and checked: how one inference server is started and how it is asked.

A peer is a folder beside this file: `peer.toml`, the server's few lines, and what its environment holds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from bench import tomlfile
from bench.exits import UsageProblem
from bench.processes import fields
from bench.tomlfile import Argument, Command, Filled, HttpPath, VariableName, Words, Written

FILE = "peer.toml"
HERE = Path(__file__).parent
FIELDS = frozenset({"python", "folder", "scratch", "port", "models", "model", "version"})


def _with_fields(text: str) -> str:
    fields.check(text, FIELDS)
    return text


Text = Annotated[Argument, Filled, AfterValidator(_with_fields)]


@dataclass(frozen=True)
class Request:
    """How a photo is sent; `path` may hold `{model}`."""

    kind: Literal["v2-binary", "v2-json", "raw", "multipart"]
    path: Annotated[HttpPath, AfterValidator(_with_fields)]


@dataclass(frozen=True, kw_only=True)
class File(Written):
    """A `peer.toml` as it is written; `form` says in a line which of its forms was chosen and why."""

    title: Words
    release: Words
    form: Words
    run: Annotated[tuple[Text, ...], Command]
    env: Mapping[VariableName, Text] = field(default_factory=dict)
    ready: Annotated[HttpPath, AfterValidator(_with_fields)]
    request: Request


@dataclass(frozen=True, kw_only=True)
class Peer(File):
    """One inference server."""

    name: str
    folder: Path


def find(names: Iterable[str] = (), root: Path = HERE) -> list[Peer]:
    """Return the peers of these names, or all in the order of names. Raises UsageProblem."""
    known = sorted(path.parent.name for path in root.glob(f"*/{FILE}"))
    chosen = list(dict.fromkeys(names)) or known
    for name in chosen:
        if name not in known:
            raise UsageProblem(f"unknown peer {name!r}: known are {', '.join(known) or 'none'}")
    return [load(root / name) for name in chosen]


def load(folder: Path) -> Peer:
    """Read `folder/peer.toml`. Raises UsageProblem, naming file and key, for whatever is wrong in it."""
    path = folder.resolve() / FILE
    file = tomlfile.load(path, File, f"a peer is a folder with a {FILE}")
    return Peer(name=path.parent.name, folder=path.parent, **vars(file))
