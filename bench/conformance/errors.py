"""Wrong requests: each must get a 4xx with `{"error": "..."}`, and the server must be well afterwards."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bench.conformance.checks import Check, refusal, refused
from bench.conformance.client import HTTP_OK, Answer
from bench.conformance.findings import NotOffered
from bench.conformance.health import LIVE, READY
from bench.conformance.inputs import Tensor
from bench.conformance.outputs import entries
from bench.conformance.subject import NOBODY, Subject, path_of

HTTP_NOT_IMPLEMENTED = 501
Change = Callable[[Tensor], dict[str, Any]]


def _unknown_version(subject: Subject) -> Answer:
    """Ask a version that does not exist; a server without versions may say that it has none."""
    answer = subject.infer(path_of(subject.model, NOBODY, "/infer"))
    if answer.status == HTTP_NOT_IMPLEMENTED and not subject.metadata.get("versions"):
        raise NotOffered(f"the server has no versions: {answer}")
    return answer


def _element_type(subject: Subject) -> str:
    """Send an object where an element should be: the server may coerce it or refuse it."""
    answer = _changed(subject, lambda tensor: {"data": [{}] * len(tensor.as_json()["data"])})
    return "coerced" if answer.status == HTTP_OK else refused(answer)


def _well_afterwards(subject: Subject) -> str:
    for path in (LIVE, READY, subject.path("/ready")):
        subject.ok(path)
    entries(subject.infer())
    return "live, ready, and answers"


def _changed(subject: Subject, change: Change) -> Answer:
    """Send a right request whose first input is changed; a field that becomes None is left out."""
    first, *others = subject.inputs()
    entry = {**first.as_json(), **change(first)}
    kept = {name: value for name, value in entry.items() if value is not None}
    return subject.infer(inputs=[kept, *(tensor.as_json() for tensor in others)])


def _other_datatype(tensor: Tensor) -> dict[str, Any]:
    return Tensor(tensor.name, "INT64" if tensor.datatype == "BYTES" else "BYTES", tensor.shape, b"text").as_json()


def _other_rank(tensor: Tensor) -> dict[str, Any]:
    """Add a dimension of two, and data for it: only the number of dimensions is wrong."""
    return Tensor(tensor.name, tensor.datatype, (*tensor.shape, 2), tensor.content).as_json()


def _input(name: str, asked: str, change: Change, place: str = "REST: Request Input") -> Check:
    return _refusal(name, asked, place, lambda it: _changed(it, change))


ERROR = "REST: Inference Response JSON Error Object"
_check, _refusal = partial(Check, "errors"), partial(refusal, "errors")
CHECKS: Sequence[Check] = (
    _refusal("error-unknown-model", "metadata of an unknown model", "REST: Model Metadata Response JSON Error Object",
             lambda it: it.client.get(path_of(NOBODY, None, ""))),
    _refusal("error-unknown-model-infer", "inference with an unknown model", ERROR,
             lambda it: it.infer(path_of(NOBODY, None, "/infer"))),
    _refusal("error-unknown-version", "inference with an unknown version", ERROR, _unknown_version),
    _refusal("error-broken-json", "half of a JSON text", ERROR, lambda it: it.post(b'{"inputs": [')),
    _refusal("error-empty-body", "an empty body", ERROR, lambda it: it.post(b"")),
    _refusal("error-not-an-object", "a JSON list instead of an object", ERROR, lambda it: it.post(b"[]")),
    _refusal("error-no-inputs", "no inputs", ERROR, lambda it: it.post(b'{"id": "1"}')),
    _input("error-input-name", "an input that the model does not have", lambda _: {"name": NOBODY}),
    _input("error-no-datatype", "an input without datatype", lambda _: {"datatype": None}),
    _input("error-no-shape", "an input without shape", lambda _: {"shape": None}),
    _input("error-no-data", "an input without data", lambda _: {"data": None}),
    _input("error-datatype", "another datatype than the metadata's", _other_datatype),
    _input("error-datatype-unknown", "a datatype that does not exist", lambda _: {"datatype": "TEXT"},
           "REST: Tensor Data Types"),
    _input("error-shape", "more dimensions than the metadata's", _other_rank),
    _input("error-shape-negative", "a negative dimension", lambda tensor: {"shape": [-1, *tensor.shape[1:]]}),
    _input("error-element-count", "one element more than the shape says",
           lambda tensor: {"data": tensor.as_json()["data"] * 2}, "REST: Request Input; Tensor Data"),
    _check("error-element-type", "elements of another type: coerced or refused", "REST: Tensor Data", _element_type),
    _refusal("error-unknown-output", "an output that the model does not have", "REST: Request Output",
             lambda it: it.infer(outputs=[{"name": NOBODY}])),
    _refusal("error-method", "GET on /infer", "HTTP: 405", lambda it: it.client.get(it.path("/infer")), "customary"),
    _refusal("error-unknown-path", "an unknown path", "HTTP: 404", lambda it: it.client.get(f"/v2/{NOBODY}"),
             "customary"),
    _check("well-afterwards", "after all these mistakes the server is well",
           "REST: Server Live, Server Ready, Inference", _well_afterwards),
)  # fmt: skip
