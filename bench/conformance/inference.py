"""Inference with right requests in JSON: what the answer must hold."""

from collections.abc import Mapping, Sequence

from bench.conformance.checks import Ask
from bench.conformance.client import HTTP_OK, Missed, NotOffered, applies, require
from bench.conformance.outputs import entries, header, read, shapes
from bench.conformance.subject import Subject

ID = "conformance-42"
UNKNOWN = {"a_parameter_that_nobody_knows": True}


def _json(subject: Subject) -> str:
    answer = header(subject.infer())
    require(answer.get("model_name") == subject.model, f"model_name is {answer.get('model_name')!r}")
    return "200 with the model's name"


def _content_type(subject: Subject) -> str:
    answer = subject.infer()
    require(answer.status == HTTP_OK, str(answer))
    kind = answer.headers.get("content-type", "")
    require(kind.partition(";")[0].strip().lower() == "application/json", f"Content-Type is {kind!r}")
    return kind


def _as_declared(subject: Subject) -> str:
    declared = subject.declared("outputs")
    for output in entries(subject.infer()):
        name, datatype, shape = output["name"], output.get("datatype"), output.get("shape")
        told = declared.get(name)
        if told is None:
            raise Missed(f"output {name} is not in the metadata")
        if told["datatype"] != datatype or not _fits(told["shape"], shape):
            raise Missed(f"output {name} is {datatype} {shape}, declared is {told['datatype']} {told['shape']}")
    return "as declared"


def _fits(declared: Sequence[int], shape: object) -> bool:
    if not isinstance(shape, list) or len(declared) != len(shape):
        return False
    return all(told in {-1, size} for told, size in zip(declared, shape, strict=True))


def _all_outputs(subject: Subject) -> str:
    missing = subject.declared("outputs").keys() - {each["name"] for each in entries(subject.infer())}
    require(not missing, f"not in the answer: {', '.join(sorted(missing))}")
    return "all that the metadata names"


def _one_output(subject: Subject) -> str:
    *_, name = subject.declared("outputs")
    found = [each["name"] for each in entries(subject.infer(outputs=[{"name": name}]))]
    require(found == [name], f"asked for {name}, got {', '.join(found)}")
    return f"only {name}"


def _id(subject: Subject) -> str:
    told = header(subject.infer(id=ID)).get("id")
    require(told == ID, f"sent {ID!r}, got {told!r}")
    return "the same id"


def _nested(subject: Subject) -> str:
    if all(len(tensor.shape) < 2 for tensor in subject.inputs()):  # noqa: PLR2004
        raise NotOffered("does not apply: no input has two dimensions, so flat and nested are the same")
    read(subject.infer(nested=True))
    return "answered alike"


def _two_rows(subject: Subject) -> str:
    if any(not each["shape"] or each["shape"][0] != -1 for each in subject.declared("inputs").values()):
        raise NotOffered("does not apply: the first dimension of an input is fixed")
    return shapes(subject.infer(rows=2))


def _model_version(subject: Subject) -> str:
    answer = header(subject.infer())
    applies("model_version" in answer, "the answer names no version")
    told, versions = answer["model_version"], subject.metadata.get("versions")
    if not isinstance(told, str) or (isinstance(versions, list) and versions and told not in versions):
        raise Missed(f"model_version is {told!r}, the metadata has {versions!r}")
    return told


def _unknown_parameters(subject: Subject) -> str:
    """Send parameters that nobody knows, on the request, an input and an output."""
    inputs = [tensor.as_json() for tensor in subject.inputs()]
    inputs[0] = {**inputs[0], "parameters": {**inputs[0].get("parameters", {}), **UNKNOWN}}
    name = next(iter(subject.declared("outputs")))
    read(subject.infer(inputs=inputs, parameters=UNKNOWN, outputs=[{"name": name, "parameters": UNKNOWN}]))
    return "answered all the same"


ASKS: Mapping[str, Ask] = {
    "infer-json": _json,
    "infer-content-type": _content_type,
    "infer-outputs": lambda it: shapes(it.infer()),
    "infer-as-declared": _as_declared,
    "infer-all-outputs": _all_outputs,
    "infer-one-output": _one_output,
    "infer-id": _id,
    "infer-nested": _nested,
    "infer-two-rows": _two_rows,
    "infer-version": lambda it: shapes(it.infer(it.versioned("/infer"))),
    "infer-model-version": _model_version,
    "infer-unknown-parameters": _unknown_parameters,
}
