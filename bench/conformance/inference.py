"""Inference with right requests in JSON: what the answer must hold."""

from collections.abc import Callable, Sequence
from typing import Any

from bench.conformance.checks import Check
from bench.conformance.client import HTTP_OK, Answer
from bench.conformance.findings import Level, Missed, NotOffered
from bench.conformance.outputs import entries, header, read
from bench.conformance.subject import Subject

ID = "conformance-42"
UNKNOWN = {"a_parameter_that_nobody_knows": True}


def infer_json(subject: Subject) -> str:
    """Ask in JSON, and look at the answer's frame."""
    answer = header(subject.infer(subject.document()))
    if answer.get("model_name") != subject.model:
        raise Missed(f"model_name is {answer.get('model_name')!r}")
    return "200 with the model's name"


def infer_content_type(subject: Subject) -> str:
    """Look at the type of a JSON answer."""
    answer = _answered(subject.infer(subject.document()))
    kind = answer.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Missed(f"Content-Type is {kind!r}")
    return kind


def infer_as_declared(subject: Subject) -> str:
    """Compare the outputs with the metadata."""
    declared = subject.declared("outputs")
    for output in _plain(subject):
        name, datatype, shape = output["name"], output.get("datatype"), output.get("shape")
        told = declared.get(name)
        if told is None:
            raise Missed(f"output {name} is not in the metadata")
        if told["datatype"] != datatype or not _fits(told["shape"], shape):
            raise Missed(f"output {name} is {datatype} {shape}, declared is {told['datatype']} {told['shape']}")
    return "as declared"


def infer_all_outputs(subject: Subject) -> str:
    """Name no outputs."""
    missing = subject.declared("outputs").keys() - {each["name"] for each in _plain(subject)}
    if missing:
        raise Missed(f"not in the answer: {', '.join(sorted(missing))}")
    return "all that the metadata names"


def infer_one_output(subject: Subject) -> str:
    """Name one output, the last one."""
    name = list(subject.declared("outputs"))[-1]
    found = [each["name"] for each in entries(subject.infer(subject.document(outputs=[{"name": name}])))]
    if found != [name]:
        raise Missed(f"asked for {name}, got {', '.join(found)}")
    return f"only {name}"


def infer_id(subject: Subject) -> str:
    """Send an id."""
    answer = header(subject.infer(subject.document(id=ID)))
    if answer.get("id") != ID:
        raise Missed(f"sent {ID!r}, got {answer.get('id')!r}")
    return "the same id"


def infer_nested(subject: Subject) -> str:
    """Send the data nested; `infer-json` sends it flat."""
    inputs = subject.inputs()
    if all(len(tensor.shape) < 2 for tensor in inputs):  # noqa: PLR2004
        raise NotOffered("does not apply: no input has two dimensions, so flat and nested are the same")
    read(subject.infer({"inputs": [tensor.as_json(nested=True) for tensor in inputs]}))
    return "answered alike"


def infer_two_rows(subject: Subject) -> str:
    """Use the freedom that a variable first dimension gives."""
    if any(not each["shape"] or each["shape"][0] != -1 for each in subject.declared("inputs").values()):
        raise NotOffered("does not apply: the first dimension of an input is fixed")
    return _shapes(subject.infer({"inputs": [tensor.as_json() for tensor in subject.inputs(rows=2)]}))


def infer_model_version(subject: Subject) -> str:
    """Look at the version in the answer."""
    answer = header(subject.infer(subject.document()))
    if "model_version" not in answer:
        raise NotOffered("the answer names no version")
    told, versions = answer["model_version"], subject.metadata.get("versions")
    if not isinstance(told, str) or (isinstance(versions, list) and versions and told not in versions):
        raise Missed(f"model_version is {told!r}, the metadata has {versions!r}")
    return told


def infer_unknown_parameters(subject: Subject) -> str:
    """Send parameters that nobody knows, on the request, an input and an output."""
    inputs = [tensor.as_json() for tensor in subject.inputs()]
    inputs[0] = {**inputs[0], "parameters": {**inputs[0].get("parameters", {}), **UNKNOWN}}
    name = next(iter(subject.declared("outputs")))
    read(subject.infer({"inputs": inputs, "parameters": UNKNOWN, "outputs": [{"name": name, "parameters": UNKNOWN}]}))
    return "answered all the same"


def _plain(subject: Subject) -> list[dict[str, Any]]:
    return entries(subject.infer(subject.document()))


def _answered(answer: Answer) -> Answer:
    if answer.status != HTTP_OK:
        raise Missed(str(answer))
    return answer


def _fits(declared: Sequence[int], shape: object) -> bool:
    if not isinstance(shape, list):
        return False
    return len(declared) == len(shape) and all(told in {-1, size} for told, size in zip(declared, shape, strict=True))


def _shapes(answer: Answer) -> str:
    return ", ".join(f"{each.name} {list(each.shape)}" for each in read(answer))


def _check(name: str, asked: str, place: str, ask: Callable[[Subject], str], level: Level = "required") -> Check:
    return Check(f"infer-{name}", "inference", level, asked, place, ask)


RESPONSE = "REST: Inference Response JSON Object"
REQUEST = "REST: Inference Request JSON Object"
CHECKS: Sequence[Check] = (
    _check("json", "a right JSON request gets 200 and model_name", RESPONSE, infer_json),
    _check("content-type", "a JSON answer says that it is application/json", "OpenAPI file, /infer, 200",
           infer_content_type),
    _check("outputs", "each output has name, shape, datatype and data, with as many elements as the shape says",
           "REST: Response Output", lambda it: _shapes(it.infer(it.document()))),
    _check("as-declared", "datatypes and shapes are those of the metadata", "REST: Model Metadata; Response Output",
           infer_as_declared),
    _check("all-outputs", "a request without outputs gets all of them", REQUEST, infer_all_outputs),
    _check("one-output", "a request for one output gets only that", REQUEST, infer_one_output),
    _check("id", "the id of a request comes back", REQUEST, infer_id),
    _check("nested", "data may be nested instead of flat", "REST: Tensor Data", infer_nested),
    _check("two-rows", "where the first dimension is -1, two rows are taken, too",
           "REST: Model Metadata, $metadata_tensor", infer_two_rows),
    _check("version", "a version that the metadata names can be asked by path",
           "REST: Inference; Model Metadata, versions",
           lambda it: _shapes(it.infer(it.document(), it.versioned("/infer")))),
    _check("model-version", "model_version, if there, is a version of the metadata", RESPONSE, infer_model_version),
    _check("unknown-parameters", "parameters that the server does not know do no harm",
           "REST: Parameters defines none; clients send binary_data_output to all servers", infer_unknown_parameters,
           "customary"),
)  # fmt: skip
