"""The extension `binary_tensor_data`: tensors as bytes behind a JSON header, or as bytes alone."""

import json
import math
from collections.abc import Sequence

from bench.conformance.checks import Check
from bench.conformance.client import Answer
from bench.conformance.errors import CLIENT_ERRORS, refused
from bench.conformance.findings import Missed, NotOffered
from bench.conformance.outputs import HEADER_LENGTH, Output, header, read
from bench.conformance.subject import Subject

EQUAL = 1e-4  # relative: an output in JSON may have been rounded


def binary_input(subject: Subject) -> str:
    """Send the inputs as bytes."""
    found = read(subject.infer_binary(*subject.binary()))
    return ", ".join(f"{each.name} {list(each.shape)}" for each in found)


def binary_output(subject: Subject) -> str:
    """Ask for one output as bytes, with a JSON request."""
    name = next(iter(subject.declared("outputs")))
    wanted = [{"name": name, "parameters": {"binary_data": True}}]
    return _as_binary(subject.infer(subject.document(outputs=wanted)), {name})


def binary_output_all(subject: Subject) -> str:
    """Ask for all outputs as bytes."""
    answer = subject.infer(subject.document(parameters={"binary_data_output": True}))
    return _as_binary(answer, {each.name for each in read(answer)})


def binary_output_mixed(subject: Subject) -> str:
    """Ask for all outputs as bytes but for one."""
    plain, *others = subject.declared("outputs")
    if not others:
        raise NotOffered("does not apply: the model has one output")
    wanted = [{"name": plain, "parameters": {"binary_data": False}}, *({"name": name} for name in others)]
    answer = subject.infer(subject.document(parameters={"binary_data_output": True}, outputs=wanted))
    return _as_binary(answer, set(others))


def binary_values(subject: Subject) -> str:
    """Ask the same in JSON and in bytes."""
    before, after = (read(subject.infer(subject.document())) for _ in range(2))
    if not _same(before, after):
        raise NotOffered("does not apply: the model answers the same question differently each time")
    inputs, data = subject.binary(parameters={"binary_data_output": True})
    found = {each.name: each for each in read(subject.infer_binary(inputs, data))}
    if not _same(before, [found[each.name] for each in before if each.name in found]):
        raise Missed("other values than in JSON")
    return "the same values"


def binary_raw(subject: Subject) -> str:
    """Send nothing but the tensor; one element of BYTES goes without its length."""
    tensor, *others = subject.inputs()
    declared = subject.declared("inputs")[tensor.name]["shape"]
    text = tensor.datatype == "BYTES"
    if others or (math.prod(tensor.shape) != 1 if text else declared.count(-1) > 1):
        raise NotOffered("does not apply: bytes alone do not tell the shapes of this model's inputs")
    answer = subject.infer_binary({}, tensor.content if text else tensor.as_binary()[1], "0")
    if text and -1 in declared and answer.status in CLIENT_ERRORS:
        raise NotOffered(f"does not apply if the variable dimension is no batch: {refused(answer)}")
    return _as_binary(answer, {each.name for each in read(answer)})


def header_cut(subject: Subject) -> str:
    """Say that the header is one byte shorter than it is."""
    inputs, data = subject.binary()
    return refused(subject.infer_binary(inputs, data, str(len(json.dumps(inputs)) - 1)))


def header_too_large(subject: Subject) -> str:
    """Say that the header is longer than the body."""
    inputs, data = subject.binary()
    return refused(subject.infer_binary(inputs, data, str(len(json.dumps(inputs)) + len(data) + 1)))


def header_no_number(subject: Subject) -> str:
    """Say that the header is as long as a word."""
    return refused(subject.infer_binary(*subject.binary(), "long"))


def size_too_large(subject: Subject) -> str:
    """Promise more bytes than follow."""
    inputs, data = subject.binary()
    inputs["inputs"][-1]["parameters"]["binary_data_size"] += 1
    return refused(subject.infer_binary(inputs, data))


def size_unlike_shape(subject: Subject) -> str:
    """Send one byte more than the tensor has, and say so."""
    inputs, data = subject.binary()
    inputs["inputs"][-1]["parameters"]["binary_data_size"] += 1
    return refused(subject.infer_binary(inputs, data + b"\0"))


def element_too_long(subject: Subject) -> str:
    """Let an element of BYTES say that it is longer than all the data."""
    tensors = subject.inputs()
    if tensors[0].datatype != "BYTES":
        raise NotOffered("does not apply: the first input has no datatype BYTES")
    inputs, data = subject.binary()
    return refused(subject.infer_binary(inputs, b"\xff\xff\xff\x7f" + data[4:]))


def _as_binary(answer: Answer, wanted: set[str]) -> str:
    """Check that these outputs came as bytes, and no other one."""
    found = read(answer)
    binary = {each.name for each in found if each.binary}
    if binary != wanted:
        raise Missed(f"as bytes: {', '.join(sorted(binary)) or 'none'}; asked for: {', '.join(sorted(wanted))}")
    if HEADER_LENGTH.lower() not in answer.headers:
        raise Missed(f"the answer has no {HEADER_LENGTH}")
    header(answer)
    return ", ".join(f"{each.name} {'bytes' if each.binary else 'JSON'}" for each in found)


def _same(one: Sequence[Output], other: Sequence[Output]) -> bool:
    if [(each.name, each.shape) for each in one] != [(each.name, each.shape) for each in other]:
        return False
    pairs = [pair for a, b in zip(one, other, strict=True) for pair in zip(a.values, b.values, strict=True)]
    return all(a == b if isinstance(a, bytes) else math.isclose(a, b, rel_tol=EQUAL, abs_tol=EQUAL) for a, b in pairs)


TENSORS = "Binary tensor data: Binary Tensor Request"
CHECKS: Sequence[Check] = (
    Check("binary-input", "binary_tensor_data", "extension", "inputs are taken as bytes", TENSORS, binary_input),
    Check("binary-output", "binary_tensor_data", "extension", "binary_data returns that output as bytes", TENSORS,
          binary_output),
    Check("binary-output-all", "binary_tensor_data", "extension", "binary_data_output returns all outputs as bytes",
          TENSORS, binary_output_all),
    Check("binary-output-mixed", "binary_tensor_data", "extension", "binary_data overrides binary_data_output",
          TENSORS, binary_output_mixed),
    Check("binary-values", "binary_tensor_data", "extension", "bytes and JSON hold the same values", TENSORS,
          binary_values),
    Check("binary-raw", "binary_tensor_data", "extension", "a header length of 0 means that the body is the tensor",
          "Binary tensor data: Raw Binary Request", binary_raw),
    Check("binary-header-cut", "binary_tensor_data", "extension", "a header length that cuts the JSON: refused",
          TENSORS, header_cut, refusal=True),
    Check("binary-header-too-large", "binary_tensor_data", "extension", "a header length beyond the body: refused",
          TENSORS, header_too_large, refusal=True),
    Check("binary-header-no-number", "binary_tensor_data", "extension", "a header length that is no number: refused",
          TENSORS, header_no_number, refusal=True),
    Check("binary-size-too-large", "binary_tensor_data", "extension", "more bytes promised than sent: refused",
          TENSORS, size_too_large, refusal=True),
    Check("binary-size-unlike-shape", "binary_tensor_data", "extension", "other bytes than the shape needs: refused",
          TENSORS, size_unlike_shape, refusal=True),
    Check("binary-element-too-long", "binary_tensor_data", "extension", "an element longer than the data: refused",
          TENSORS, element_too_long, refusal=True),
)  # fmt: skip
