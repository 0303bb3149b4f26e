"""What a `peer.toml` says, read and checked: how one inference server is started and how it is asked.

A peer is a folder beside this file: `peer.toml`, the server's few lines, and what its environment holds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.exits import UsageProblem
from bench.processes import fields
from bench.tomlfile import read_toml

FILE = "peer.toml"
HERE = Path(__file__).parent
FIELDS = frozenset({"python", "folder", "scratch", "port", "models", "model", "version"})
KINDS = frozenset({"v2-binary", "v2-json", "raw", "multipart"})
TEXTS = ("title", "release", "form", "ready")
KEYS = (*TEXTS, "run", "request")


@dataclass(frozen=True)
class Request:
    """How a photo is sent: `kind` is one of KINDS, `path` may hold `{model}`."""

    kind: str
    path: str


@dataclass(frozen=True)
class Peer:
    """One inference server; `form` says in a line which of its forms was chosen and why."""

    name: str
    title: str
    release: str
    form: str
    folder: Path
    run: tuple[str, ...]
    env: Mapping[str, str]
    ready: str
    request: Request


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
    values = read_toml(path, f"a peer is a folder with a {FILE}")
    wrong = _keys(values, KEYS, ("env",)) or [
        *_texts(values, TEXTS),
        *_run(values["run"]),
        *_env(values.get("env", {})),
        *_request(values["request"]),
    ]
    if wrong:
        raise UsageProblem(f"{path}: {'; '.join(wrong)}")
    return Peer(
        name=path.parent.name,
        folder=path.parent,
        run=tuple(values["run"]),
        env=values.get("env", {}),
        request=Request(**values["request"]),
        **{key: values[key] for key in TEXTS},
    )


def _keys(table: Mapping[str, Any], needed: Iterable[str], more: Iterable[str] = ()) -> list[str]:
    wrong = [f"{key} is missing" for key in needed if key not in table]
    return wrong + [f"unknown key {key}" for key in table if key not in {*needed, *more}]


def _texts(table: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    return [f"{key} {problem}" for key in keys if (problem := _problem(table[key]))]


def _run(value: Any) -> list[str]:  # noqa: ANN401 - whatever somebody wrote
    if not isinstance(value, list) or not value:
        return ['run must be a command: a list of texts such as ["{python}", "server.py"]']
    return [f"run: {part!r} {problem}" for part in value if (problem := _problem(part))]


def _env(value: Any) -> list[str]:  # noqa: ANN401 - whatever somebody wrote
    return [f"env.{text}" for text in _texts(value, value)] if isinstance(value, dict) else ["env must be a table"]


def _request(value: Any) -> list[str]:  # noqa: ANN401 - whatever somebody wrote
    if not isinstance(value, dict):
        return ["request must be a table"]
    wrong = _keys(value, ("kind", "path")) or _texts(value, ("kind", "path"))
    if not wrong and value["kind"] not in KINDS:
        wrong = [f"kind must be one of {', '.join(sorted(KINDS))}"]
    return [f"request: {text}" for text in wrong]


def _problem(value: Any) -> str:  # noqa: ANN401 - whatever somebody wrote
    """Say what is wrong with a text, "" if nothing is."""
    if not isinstance(value, str) or not value:
        return "must be a text that is not empty"
    try:
        fields.check(value, FIELDS)
    except fields.FieldError as error:
        return str(error)
    return ""
