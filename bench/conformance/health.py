"""Health and metadata: the checks that need no inference."""

from collections.abc import Callable, Sequence
from typing import Any

from bench.conformance.checks import Check
from bench.conformance.client import HTTP_OK
from bench.conformance.findings import Missed, NotOffered
from bench.conformance.inputs import DATATYPES
from bench.conformance.subject import NOBODY, Subject, path_of

LIVE, READY = "/v2/health/live", "/v2/health/ready"
HTTP_ERRORS = 400  # and above


def model_ready_unknown(subject: Subject) -> str:
    """Whether a model that does not exist is ready."""
    answer = subject.client.get(path_of(NOBODY, None, "/ready"))
    if answer.status < HTTP_ERRORS:
        raise Missed(str(answer))
    return str(answer.status)


def health_body(subject: Subject) -> str:
    """Look at what live and ready say. The text has `live` for both; servers in the wild say `ready` for the latter."""
    for path, names in ((LIVE, ("live",)), (READY, ("live", "ready"))):
        answer = subject.client.get(path)
        body = answer.json()
        if not isinstance(body, dict) or not any(body.get(name) is True for name in names):
            raise Missed(f"GET {path}: {answer}")
    return "both say true"


def model_ready_body(subject: Subject) -> str:
    """Look at what a ready model says."""
    answer = subject.client.get(subject.path("/ready"))
    body = answer.json()
    if not isinstance(body, dict) or (body.get("name"), body.get("ready")) != (subject.model, True):
        raise Missed(str(answer))
    return "its name, and that it is ready"


def server_metadata(subject: Subject) -> str:
    """Look at what the server says of itself."""
    body = subject.client.get("/v2").object()
    _strings(body, "name", "version")
    extensions = body.get("extensions")
    if not isinstance(extensions, list) or not all(isinstance(each, str) for each in extensions):
        raise Missed(f"extensions is {extensions!r}")
    return f"{body['name']} {body['version']}, extensions: {', '.join(extensions) or 'none'}"


def model_metadata(subject: Subject) -> str:
    """Look at what the model says of itself."""
    body = subject.client.get(subject.path()).object()
    _strings(body, "name", "platform")
    if body["name"] != subject.model:
        raise Missed(f"its name is {body['name']!r}")
    for side in ("inputs", "outputs"):
        if not isinstance(body.get(side), list) or not body[side]:
            raise Missed(f"{side} is {body.get(side)!r}")
    return f"platform {body['platform'] or 'unnamed'}, inputs: {len(body['inputs'])}, outputs: {len(body['outputs'])}"


def model_tensors(subject: Subject) -> str:
    """Look at each input and output of the metadata."""
    told = []
    for side in ("inputs", "outputs"):
        tensors = subject.declared(side)
        if len(tensors) != len(subject.metadata[side]):
            raise Missed(f"two {side} have the same name")
        told += [_tensor(tensor) for tensor in tensors.values()]
    return ", ".join(told)


def model_versions(subject: Subject) -> str:
    """Look at the list of versions."""
    versions = subject.metadata.get("versions")
    if versions is None or versions == []:
        raise NotOffered("the model's metadata names no versions")
    if not isinstance(versions, list) or not all(isinstance(each, str) for each in versions):
        raise Missed(f"versions is {versions!r}")
    return ", ".join(versions)


def _strings(body: dict[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(body.get(name), str):
            raise Missed(f"{name} is {body.get(name)!r}")


def _tensor(tensor: dict[str, Any]) -> str:
    name, datatype, shape = tensor["name"], tensor.get("datatype"), tensor.get("shape")
    if not isinstance(name, str) or datatype not in DATATYPES:
        raise Missed(f"{name!r} has datatype {datatype!r}")
    if not isinstance(shape, list) or not all(type(size) is int and size >= -1 for size in shape):
        raise Missed(f"{name} has shape {shape!r}")
    return f"{name} {datatype} {shape}"


def _ok(path: Callable[[Subject], str]) -> Callable[[Subject], str]:
    """Return how to ask whether a path answers 200."""

    def ask(subject: Subject) -> str:
        answer = subject.client.get(path(subject))
        if answer.status != HTTP_OK:
            raise Missed(f"GET {path(subject)}: {answer}")
        return str(HTTP_OK)

    return ask


METADATA = "REST: Model Metadata Response JSON Object"
CHECKS: Sequence[Check] = (
    Check("live", "health", "required", "GET /v2/health/live answers 200", "REST: Server Live", _ok(lambda _: LIVE)),
    Check("ready", "health", "required", "GET /v2/health/ready answers 200", "REST: Server Ready",
          _ok(lambda _: READY)),
    Check("model-ready", "health", "required", "the model's /ready answers 200", "REST: Model Ready",
          _ok(lambda it: it.path("/ready"))),
    Check("model-ready-version", "health", "required", "a version that the metadata names has /ready, too",
          "REST: Model Ready", _ok(lambda it: it.versioned("/ready"))),
    Check("model-ready-unknown", "health", "required", "a model that does not exist is not ready",
          "REST: Model Ready", model_ready_unknown),
    Check("health-body", "health", "customary", "live and ready say it in a JSON body, too",
          "REST: Server Live, Server Ready; the OpenAPI file has no bodies", health_body),
    Check("model-ready-body", "health", "customary", 'a ready model answers {"name", "ready"}',
          "REST: Model Ready Response JSON Object; the OpenAPI file has no body", model_ready_body),
    Check("server-metadata", "metadata", "required", "GET /v2 answers with name, version and extensions",
          "REST: Server Metadata Response JSON Object", server_metadata),
    Check("server-metadata-slash", "metadata", "customary", "GET /v2/ is the same as GET /v2",
          "the OpenAPI file has /v2/, the text v2", _ok(lambda _: "/v2/")),
    Check("model-metadata", "metadata", "required", "the model's metadata has name, platform, inputs and outputs",
          METADATA, model_metadata),
    Check("model-tensors", "metadata", "required", "each input and output has name, datatype and shape",
          "REST: Model Metadata, $metadata_tensor", model_tensors),
    Check("model-versions", "metadata", "required", "versions, if there, is a list of strings", METADATA,
          model_versions),
    Check("model-metadata-version", "metadata", "required", "a version that the metadata names has metadata, too",
          "REST: Model Metadata", _ok(lambda it: it.versioned())),
)  # fmt: skip
