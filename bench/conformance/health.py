"""Health and metadata: the checks that need no inference."""

from collections.abc import Mapping
from typing import Any

from bench.conformance.checks import Ask
from bench.conformance.client import Missed, applies, require, under
from bench.conformance.subject import NOBODY, Subject, path_of

LIVE, READY = "/v2/health/live", "/v2/health/ready"
HTTP_ERRORS = 400  # and above


def _model_ready_unknown(subject: Subject) -> str:
    answer = subject.client.get(path_of(NOBODY, None, "/ready"))
    require(answer.status >= HTTP_ERRORS, str(answer))
    return str(answer.status)


def _health_body(subject: Subject) -> str:
    """Ask both. The text has `live` for both; servers in the wild say `ready` for the latter."""
    for path, names in ((LIVE, ("live",)), (READY, ("live", "ready"))):
        answer = subject.client.get(path)
        body = answer.json()
        require(any(under(body, name, bool) for name in names), f"GET {path}: {answer}")
    return "both say true"


def _model_ready_body(subject: Subject) -> str:
    answer = subject.client.get(subject.path("/ready"))
    body = answer.json()
    require(under(body, "name", str) == subject.model and under(body, "ready", bool), str(answer))
    return "its name, and that it is ready"


def _server_metadata(subject: Subject) -> str:
    body = subject.client.get("/v2").object()
    name, version = _string(body, "name"), _string(body, "version")
    return f"{name} {version}, extensions: {', '.join(_strings(body, 'extensions')) or 'none'}"


def _model_metadata(subject: Subject) -> str:
    body = subject.client.get(subject.path()).object()
    name, platform = _string(body, "name"), _string(body, "platform")
    require(name == subject.model, f"its name is {name!r}")
    for side in ("inputs", "outputs"):
        require(under(body, side, list), f"{side} is {body.get(side)!r}")
    return f"platform {platform or 'unnamed'}, inputs: {len(body['inputs'])}, outputs: {len(body['outputs'])}"


def _model_tensors(subject: Subject) -> str:
    told = []
    for side in ("inputs", "outputs"):
        tensors = subject.declared(side)
        require(len(tensors) == len(subject.metadata[side]), f"two {side} have the same name")
        told += [f"{name} {tensor['datatype']} {tensor['shape']}" for name, tensor in tensors.items()]
    return ", ".join(told)


def _model_versions(subject: Subject) -> str:
    applies(subject.metadata.get("versions") not in (None, []), "the model's metadata names no versions")
    return ", ".join(_strings(subject.metadata, "versions"))


def _string(body: dict[str, Any], name: str) -> str:
    require(isinstance(body.get(name), str), f"{name} is {body.get(name)!r}")
    return str(body[name])


def _strings(body: dict[str, Any], name: str) -> list[str]:
    found = body.get(name)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Missed(f"{name} is {found!r}")
    return found


ASKS: Mapping[str, Ask] = {
    "live": lambda it: it.ok(LIVE),
    "ready": lambda it: it.ok(READY),
    "model-ready": lambda it: it.ok(it.path("/ready")),
    "model-ready-version": lambda it: it.ok(it.versioned("/ready")),
    "model-ready-unknown": _model_ready_unknown,
    "health-body": _health_body,
    "model-ready-body": _model_ready_body,
    "server-metadata": _server_metadata,
    "server-metadata-slash": lambda it: it.ok("/v2/"),
    "model-metadata": _model_metadata,
    "model-tensors": _model_tensors,
    "model-versions": _model_versions,
    "model-metadata-version": lambda it: it.ok(it.versioned()),
}
