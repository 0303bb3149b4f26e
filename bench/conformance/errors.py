"""Wrong requests: each must get a 4xx with `{"error": "..."}`, and the server must be well afterwards."""

from collections.abc import Callable, Sequence
from typing import Any

from bench.conformance.checks import Check
from bench.conformance.client import HTTP_OK, Answer
from bench.conformance.findings import Missed, NotOffered
from bench.conformance.inputs import Tensor
from bench.conformance.outputs import entries
from bench.conformance.subject import NOBODY, Subject, path_of

CLIENT_ERRORS = range(400, 500)
HTTP_NOT_IMPLEMENTED = 501
BROKEN = b'{"inputs": ['


def refused(answer: Answer) -> str:
    """Say how a wrong request was refused, if it was. Raises Missed."""
    if answer.status not in CLIENT_ERRORS:
        raise Missed(str(answer))
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, str) or not error:
        raise Missed(f"no error in words: {answer}")
    return f"{answer.status} {error[:100]}"


def unknown_model(subject: Subject) -> str:
    """Ask for the metadata of a model that does not exist."""
    return refused(subject.client.get(path_of(NOBODY, None, "")))


def unknown_model_infer(subject: Subject) -> str:
    """Ask a model that does not exist."""
    return refused(subject.infer(subject.document(), path_of(NOBODY, None, "/infer")))


def unknown_version(subject: Subject) -> str:
    """Ask a version that does not exist; a server without versions may say that it has none."""
    answer = subject.infer(subject.document(), path_of(subject.model, NOBODY, "/infer"))
    if answer.status == HTTP_NOT_IMPLEMENTED and not subject.metadata.get("versions"):
        raise NotOffered(f"the server has no versions: {answer}")
    return refused(answer)


def broken_json(subject: Subject) -> str:
    """Send half of a JSON text."""
    return refused(subject.client.post(subject.path("/infer"), BROKEN))


def empty_body(subject: Subject) -> str:
    """Send nothing."""
    return refused(subject.client.post(subject.path("/infer"), b""))


def not_an_object(subject: Subject) -> str:
    """Send a JSON list."""
    return refused(subject.infer([]))


def no_inputs(subject: Subject) -> str:
    """Leave the inputs out."""
    return refused(subject.infer({"id": "1"}))


def unknown_output(subject: Subject) -> str:
    """Ask for an output that does not exist."""
    return refused(subject.infer(subject.document(outputs=[{"name": NOBODY}])))


def element_type(subject: Subject) -> str:
    """Send an object where an element should be: the server may coerce it or refuse it."""
    answer = subject.infer(_changed(subject, lambda tensor: {"data": [{}] * len(tensor.as_json()["data"])}))
    return "coerced" if answer.status == HTTP_OK else refused(answer)


def wrong_method(subject: Subject) -> str:
    """GET what wants POST."""
    return refused(subject.client.get(subject.path("/infer")))


def unknown_path(subject: Subject) -> str:
    """Ask for what no server has."""
    return refused(subject.client.get(f"/v2/{NOBODY}"))


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


def _with_input(change: Callable[[Tensor], dict[str, Any]]) -> Callable[[Subject], str]:
    """Return a check that changes one thing of the first input."""
    return lambda subject: refused(subject.infer(_changed(subject, change)))


def _other_datatype(tensor: Tensor) -> dict[str, Any]:
    other = "INT64" if tensor.datatype == "BYTES" else "BYTES"
    return Tensor(tensor.name, other, tensor.shape, b"text").as_json()


def _other_rank(tensor: Tensor) -> dict[str, Any]:
    """Add a dimension of two, and data for it: only the number of dimensions is wrong."""
    return Tensor(tensor.name, tensor.datatype, (*tensor.shape, 2), tensor.content).as_json()


ERROR = "REST: Inference Response JSON Error Object"
INPUT = "REST: Request Input"
CHECKS: Sequence[Check] = (
    Check("error-unknown-model", "errors", "required", "metadata of an unknown model: refused",
          "REST: Model Metadata Response JSON Error Object", unknown_model),
    Check("error-unknown-model-infer", "errors", "required", "inference with an unknown model: refused", ERROR,
          unknown_model_infer),
    Check("error-unknown-version", "errors", "required", "inference with an unknown version: refused", ERROR,
          unknown_version),
    Check("error-broken-json", "errors", "required", "half of a JSON text: refused", ERROR, broken_json),
    Check("error-empty-body", "errors", "required", "an empty body: refused", ERROR, empty_body),
    Check("error-not-an-object", "errors", "required", "a JSON list instead of an object: refused", ERROR,
          not_an_object),
    Check("error-no-inputs", "errors", "required", "no inputs: refused", ERROR, no_inputs),
    Check("error-input-name", "errors", "required", "an input that the model does not have: refused", INPUT,
          _with_input(lambda _: {"name": NOBODY})),
    Check("error-no-datatype", "errors", "required", "an input without datatype: refused", INPUT,
          _with_input(lambda _: {"datatype": None})),
    Check("error-no-shape", "errors", "required", "an input without shape: refused", INPUT,
          _with_input(lambda _: {"shape": None})),
    Check("error-no-data", "errors", "required", "an input without data: refused", INPUT,
          _with_input(lambda _: {"data": None})),
    Check("error-datatype", "errors", "required", "another datatype than the metadata's: refused", INPUT,
          _with_input(_other_datatype)),
    Check("error-datatype-unknown", "errors", "required", "a datatype that does not exist: refused",
          "REST: Tensor Data Types", _with_input(lambda _: {"datatype": "TEXT"})),
    Check("error-shape", "errors", "required", "more dimensions than the metadata's: refused", INPUT,
          _with_input(_other_rank)),
    Check("error-shape-negative", "errors", "required", "a negative dimension: refused", INPUT,
          _with_input(lambda tensor: {"shape": [-1, *tensor.shape[1:]]})),
    Check("error-element-count", "errors", "required", "one element more than the shape says: refused",
          "REST: Request Input; Tensor Data", _with_input(lambda tensor: {"data": tensor.as_json()["data"] * 2})),
    Check("error-element-type", "errors", "required", "elements of another type: coerced or refused",
          "REST: Tensor Data", element_type),
    Check("error-unknown-output", "errors", "required", "an output that the model does not have: refused",
          "REST: Request Output", unknown_output),
    Check("error-method", "errors", "customary", "GET on /infer: refused, with an error in words", "HTTP: 405",
          wrong_method),
    Check("error-unknown-path", "errors", "customary", "an unknown path: refused, with an error in words", "HTTP: 404",
          unknown_path),
    Check("well-afterwards", "errors", "required", "after all these mistakes the server is well",
          "REST: Server Live, Server Ready, Inference", well_afterwards),
)  # fmt: skip
