"""Health and metadata: the checks that need no inference."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from bench.conformance.checks import Check
from bench.conformance.findings import Missed, NotOffered, under
from bench.conformance.subject import NOBODY, Subject, path_of

LIVE, READY = "/v2/health/live", "/v2/health/ready"
HTTP_ERRORS = 400  # and above


def _model_ready_unknown(subject: Subject) -> str:
    answer = subject.client.get(path_of(NOBODY, None, "/ready"))
    if answer.status < HTTP_ERRORS:
        raise Missed(str(answer))
    return str(answer.status)


def _health_body(subject: Subject) -> str:
    """Ask both. The text has `live` for both; servers in the wild say `ready` for the latter."""
    for path, names in ((LIVE, ("live",)), (READY, ("live", "ready"))):
        answer = subject.client.get(path)
        body = answer.json()
        if not any(under(body, name, bool) for name in names):
            raise Missed(f"GET {path}: {answer}")
    return "both say true"


def _model_ready_body(subject: Subject) -> str:
    answer = subject.client.get(subject.path("/ready"))
    body = answer.json()
    if under(body, "name", str) != subject.model or not under(body, "ready", bool):
        raise Missed(str(answer))
    return "its name, and that it is ready"


def _server_metadata(subject: Subject) -> str:
    body = subject.client.get("/v2").object()
    name, version = _string(body, "name"), _string(body, "version")
    return f"{name} {version}, extensions: {', '.join(_strings(body, 'extensions')) or 'none'}"


def _model_metadata(subject: Subject) -> str:
    body = subject.client.get(subject.path()).object()
    name, platform = _string(body, "name"), _string(body, "platform")
    if name != subject.model:
        raise Missed(f"its name is {name!r}")
    for side in ("inputs", "outputs"):
        if not under(body, side, list):
            raise Missed(f"{side} is {body.get(side)!r}")
    return f"platform {platform or 'unnamed'}, inputs: {len(body['inputs'])}, outputs: {len(body['outputs'])}"


def _model_tensors(subject: Subject) -> str:
    told = []
    for side in ("inputs", "outputs"):
        tensors = subject.declared(side)
        if len(tensors) != len(subject.metadata[side]):
            raise Missed(f"two {side} have the same name")
        told += [f"{name} {tensor['datatype']} {tensor['shape']}" for name, tensor in tensors.items()]
    return ", ".join(told)


def _model_versions(subject: Subject) -> str:
    if subject.metadata.get("versions") in (None, []):
        raise NotOffered("the model's metadata names no versions")
    return ", ".join(_strings(subject.metadata, "versions"))


def _string(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str):
        raise Missed(f"{name} is {body.get(name)!r}")
    return str(body[name])


def _strings(body: dict[str, Any], name: str) -> list[str]:
    found = body.get(name)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Missed(f"{name} is {found!r}")
    return found


METADATA = "REST: Model Metadata Response JSON Object"
_health, _metadata = partial(Check, "health"), partial(Check, "metadata")
CHECKS: Sequence[Check] = (
    _health("live", "GET /v2/health/live answers 200", "REST: Server Live", lambda it: it.ok(LIVE)),
    _health("ready", "GET /v2/health/ready answers 200", "REST: Server Ready", lambda it: it.ok(READY)),
    _health("model-ready", "the model's /ready answers 200", "REST: Model Ready", lambda it: it.ok(it.path("/ready"))),
    _health("model-ready-version", "a version that the metadata names has /ready, too", "REST: Model Ready",
            lambda it: it.ok(it.versioned("/ready"))),
    _health("model-ready-unknown", "a model that does not exist is not ready", "REST: Model Ready",
            _model_ready_unknown),
    _health("health-body", "live and ready say it in a JSON body, too",
            "REST: Server Live, Server Ready; the OpenAPI file has no bodies", _health_body, "customary"),
    _health("model-ready-body", 'a ready model answers {"name", "ready"}',
            "REST: Model Ready Response JSON Object; the OpenAPI file has no body", _model_ready_body, "customary"),
    _metadata("server-metadata", "GET /v2 answers with name, version and extensions",
              "REST: Server Metadata Response JSON Object", _server_metadata),
    _metadata("server-metadata-slash", "GET /v2/ is the same as GET /v2", "the OpenAPI file has /v2/, the text v2",
              lambda it: it.ok("/v2/"), "customary"),
    _metadata("model-metadata", "the model's metadata has name, platform, inputs and outputs", METADATA,
              _model_metadata),
    _metadata("model-tensors", "each input and output has name, datatype and shape",
              "REST: Model Metadata, $metadata_tensor", _model_tensors),
    _metadata("model-versions", "versions, if there, is a list of strings", METADATA, _model_versions),
    _metadata("model-metadata-version", "a version that the metadata names has metadata, too", "REST: Model Metadata",
              lambda it: it.ok(it.versioned())),
)  # fmt: skip
