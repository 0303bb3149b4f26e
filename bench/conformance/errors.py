"""Wrong requests: each must get a 4xx with `{"error": "..."}`, and the server must be well afterwards."""

from collections.abc import Callable, Mapping
from typing import Any

from bench.conformance.checks import Ask, Send, refused
from bench.conformance.client import HTTP_OK, Answer, NotOffered
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
    answer = _input(lambda tensor: {"data": [{}] * len(tensor.as_json()["data"])})(subject)
    return "coerced" if answer.status == HTTP_OK else refused(answer)


def _well_afterwards(subject: Subject) -> str:
    for path in (LIVE, READY, subject.path("/ready")):
        subject.ok(path)
    entries(subject.infer())
    return "live, ready, and answers"


def _input(change: Change) -> Send:
    """Return how to send a right request whose first input is changed; a field that becomes None is left out."""

    def send(subject: Subject) -> Answer:
        first, *others = (tensor.as_json() for tensor in subject.inputs())
        changed = {**first, **change(subject.inputs()[0])}
        kept = {name: value for name, value in changed.items() if value is not None}
        return subject.infer(inputs=[kept, *others])

    return send


def _other_datatype(tensor: Tensor) -> dict[str, Any]:
    return Tensor(tensor.name, "INT64" if tensor.datatype == "BYTES" else "BYTES", tensor.shape, b"text").as_json()


def _other_rank(tensor: Tensor) -> dict[str, Any]:
    """Add a dimension of two, and data for it: only the number of dimensions is wrong."""
    return Tensor(tensor.name, tensor.datatype, (*tensor.shape, 2), tensor.content).as_json()


ASKS: Mapping[str, Ask] = {"error-element-type": _element_type, "well-afterwards": _well_afterwards}
WRONG: Mapping[str, Send] = {
    "error-unknown-model": lambda it: it.client.get(path_of(NOBODY, None, "")),
    "error-unknown-model-infer": lambda it: it.infer(path_of(NOBODY, None, "/infer")),
    "error-unknown-version": _unknown_version,
    "error-broken-json": lambda it: it.post(b'{"inputs": ['),
    "error-empty-body": lambda it: it.post(b""),
    "error-not-an-object": lambda it: it.post(b"[]"),
    "error-no-inputs": lambda it: it.post(b'{"id": "1"}'),
    "error-input-name": _input(lambda _: {"name": NOBODY}),
    "error-no-datatype": _input(lambda _: {"datatype": None}),
    "error-no-shape": _input(lambda _: {"shape": None}),
    "error-no-data": _input(lambda _: {"data": None}),
    "error-datatype": _input(_other_datatype),
    "error-datatype-unknown": _input(lambda _: {"datatype": "TEXT"}),
    "error-shape": _input(_other_rank),
    "error-shape-negative": _input(lambda tensor: {"shape": [-1, *tensor.shape[1:]]}),
    "error-element-count": _input(lambda tensor: {"data": tensor.as_json()["data"] * 2}),
    "error-unknown-output": lambda it: it.infer(outputs=[{"name": NOBODY}]),
    "error-method": lambda it: it.client.get(it.path("/infer")),
    "error-unknown-path": lambda it: it.client.get(f"/v2/{NOBODY}"),
}
