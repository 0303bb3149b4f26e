"""Wrong requests: each must get a 4xx with `{"error": "..."}`, and the server must be well afterwards."""

from collections.abc import Callable, Sequence
from typing import Any

from bench.conformance.checks import Check
from bench.conformance.client import HTTP_OK, Answer
from bench.conformance.findings import Level, Missed, NotOffered
from bench.conformance.inputs import Tensor
from bench.conformance.outputs import entries
from bench.conformance.subject import NOBODY, Subject, path_of

CLIENT_ERRORS = range(400, 500)
HTTP_NOT_IMPLEMENTED = 501


def refused(answer: Answer) -> str:
    """Say how a wrong request was refused, if it was. Raises Missed."""
    if answer.status not in CLIENT_ERRORS:
        raise Missed(str(answer))
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, str) or not error:
        raise Missed(f"no error in words: {answer}")
    return f"{answer.status} {error[:100]}"


def unknown_version(subject: Subject) -> str:
    """Ask a version that does not exist; a server without versions may say that it has none."""
    answer = subject.infer(subject.document(), path_of(subject.model, NOBODY, "/infer"))
    if answer.status == HTTP_NOT_IMPLEMENTED and not subject.metadata.get("versions"):
        raise NotOffered(f"the server has no versions: {answer}")
    return refused(answer)


def element_type(subject: Subject) -> str:
    """Send an object where an element should be: the server may coerce it or refuse it."""
    answer = subject.infer(_changed(subject, lambda tensor: {"data": [{}] * len(tensor.as_json()["data"])}))
    return "coerced" if answer.status == HTTP_OK else refused(answer)


def well_afterwards(subject: Subject) -> str:
    """Ask properly again, after all those mistakes."""
    for path in ("/v2/health/live", "/v2/health/ready", subject.path("/ready")):
        answer = subject.client.get(path)
        if answer.status != HTTP_OK:
            raise Missed(f"GET {path}: {answer}")
    entries(subject.infer(subject.document()))
    return "live, ready, and answers"


def _changed(subject: Subject, change: Callable[[Tensor], dict[str, Any]]) -> dict[str, Any]:
    """Return a right request whose first input is changed; a field that becomes None is left out."""
    first, *others = subject.inputs()
    entry = {**first.as_json(), **change(first)}
    kept = {name: value for name, value in entry.items() if value is not None}
    return {"inputs": [kept, *(tensor.as_json() for tensor in others)]}


def _other_datatype(tensor: Tensor) -> dict[str, Any]:
    other = "INT64" if tensor.datatype == "BYTES" else "BYTES"
    return Tensor(tensor.name, other, tensor.shape, b"text").as_json()


def _other_rank(tensor: Tensor) -> dict[str, Any]:
    """Add a dimension of two, and data for it: only the number of dimensions is wrong."""
    return Tensor(tensor.name, tensor.datatype, (*tensor.shape, 2), tensor.content).as_json()


def _refusal(name: str, asked: str, place: str, send: Callable[[Subject], Answer], level: Level = "required") -> Check:
    """Return the check that a wrong request is refused."""
    asked += ": refused" if level == "required" else ": refused, with an error in words"
    return Check(f"error-{name}", "errors", level, asked, place, lambda subject: refused(send(subject)))


def _input(
    name: str, asked: str, change: Callable[[Tensor], dict[str, Any]], place: str = "REST: Request Input"
) -> Check:
    """Return the check that a request is refused when one thing of its first input is changed."""
    return _refusal(name, asked, place, lambda subject: subject.infer(_changed(subject, change)))


def _raw(subject: Subject, body: bytes) -> Answer:
    return subject.client.post(subject.path("/infer"), body)


ERROR = "REST: Inference Response JSON Error Object"
CHECKS: Sequence[Check] = (
    _refusal("unknown-model", "metadata of an unknown model", "REST: Model Metadata Response JSON Error Object",
             lambda it: it.client.get(path_of(NOBODY, None, ""))),
    _refusal("unknown-model-infer", "inference with an unknown model", ERROR,
             lambda it: it.infer(it.document(), path_of(NOBODY, None, "/infer"))),
    Check("error-unknown-version", "errors", "required", "inference with an unknown version: refused", ERROR,
          unknown_version),
    _refusal("broken-json", "half of a JSON text", ERROR, lambda it: _raw(it, b'{"inputs": [')),
    _refusal("empty-body", "an empty body", ERROR, lambda it: _raw(it, b"")),
    _refusal("not-an-object", "a JSON list instead of an object", ERROR, lambda it: it.infer([])),
    _refusal("no-inputs", "no inputs", ERROR, lambda it: it.infer({"id": "1"})),
    _input("input-name", "an input that the model does not have", lambda _: {"name": NOBODY}),
    _input("no-datatype", "an input without datatype", lambda _: {"datatype": None}),
    _input("no-shape", "an input without shape", lambda _: {"shape": None}),
    _input("no-data", "an input without data", lambda _: {"data": None}),
    _input("datatype", "another datatype than the metadata's", _other_datatype),
    _input("datatype-unknown", "a datatype that does not exist", lambda _: {"datatype": "TEXT"},
           "REST: Tensor Data Types"),
    _input("shape", "more dimensions than the metadata's", _other_rank),
    _input("shape-negative", "a negative dimension", lambda tensor: {"shape": [-1, *tensor.shape[1:]]}),
    _input("element-count", "one element more than the shape says",
           lambda tensor: {"data": tensor.as_json()["data"] * 2}, "REST: Request Input; Tensor Data"),
    Check("error-element-type", "errors", "required", "elements of another type: coerced or refused",
          "REST: Tensor Data", element_type),
    _refusal("unknown-output", "an output that the model does not have", "REST: Request Output",
             lambda it: it.infer(it.document(outputs=[{"name": NOBODY}]))),
    _refusal("method", "GET on /infer", "HTTP: 405", lambda it: it.client.get(it.path("/infer")),
             "customary"),
    _refusal("unknown-path", "an unknown path", "HTTP: 404", lambda it: it.client.get(f"/v2/{NOBODY}"),
             "customary"),
    Check("well-afterwards", "errors", "required", "after all these mistakes the server is well",
          "REST: Server Live, Server Ready, Inference", well_afterwards),
)  # fmt: skip
