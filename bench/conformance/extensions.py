"""The other extensions that Triton documents: repository, classification, statistics, schedule policy.

Nothing is ever loaded or unloaded that exists: the server under test may be serving others.
"""

import re
from collections.abc import Mapping
from typing import Any

from bench.conformance.checks import Ask, Send
from bench.conformance.client import HTTP_OK, Answer, Missed, applies, require, under
from bench.conformance.inputs import FLOATS
from bench.conformance.outputs import Output, entries, read
from bench.conformance.subject import NOBODY, Subject

INDEX = "/v2/repository/index"
BEST = 3
CLASS = re.compile(rb"(-?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?):([0-9]+)(?::.*)?", re.DOTALL)
PATIENCE_US = 10_000_000
COUNTS = ("last_inference", "inference_count", "execution_count")
DURATIONS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")


def _index(subject: Subject, body: bytes) -> str:
    answer = subject.client.post(INDEX, body)
    listed = answer.json() if answer.status == HTTP_OK else None
    if not isinstance(listed, list):
        raise Missed(str(answer))
    for entry in listed:
        told = {"version": "", **entry} if isinstance(entry, dict) else {}
        form = all(isinstance(told.get(name), str) for name in ("name", "version", "state", "reason"))
        require(form, f"an entry needs name, state and reason as strings: {str(entry)[:100]}")
    require(subject.model in {entry["name"] for entry in listed}, f"{subject.model} is not in it")
    return ", ".join(f"{entry['name']} {entry.get('version', '')} {entry['state']}" for entry in listed[:5])


def _by_route(subject: Subject, verb: str) -> Answer:
    """Have a model that does not exist loaded or unloaded; a missing route is not a refusal."""
    path = f"/v2/repository/models/{NOBODY}"
    answer, nowhere = (subject.client.post(f"{path}/{last}", b"{}") for last in (verb, NOBODY))
    require((answer.status, answer.body) != (nowhere.status, nowhere.body), f"there is no such path: {answer}")
    return answer


def _classification_form(subject: Subject) -> str:
    output = _classified(subject)
    require(output.shape in {(BEST,), (1, BEST)}, f"shape {list(output.shape)} instead of [1, {BEST}]")
    wrong = [value for value in output.values if not CLASS.fullmatch(value)]
    if wrong:
        raise Missed(f"{wrong[0][:60]!r} is not value:index or value:index:label")
    return ", ".join(value.decode("utf-8", "replace") for value in output.values)


def _classification_order(subject: Subject) -> str:
    """Look whether the best class comes first, and none twice."""
    found = [match for value in _classified(subject).values if (match := CLASS.fullmatch(value))]
    values, classes = [float(match[1]) for match in found], {match[2] for match in found}
    falling = values == sorted(values, reverse=True)
    require(falling and len(classes) == BEST, f"values {values}, {len(classes)} different classes")
    return "best first"


def _classified(subject: Subject) -> Output:
    """Ask for classes of the output that has the most of them. Raises Missed if they are no BYTES."""
    widest = {name: each["shape"][-1] for name, each in subject.declared("outputs").items()
              if each["datatype"] in FLOATS and each["shape"] and each["shape"][-1] >= BEST}  # fmt: skip
    applies(widest, f"does not apply: no floating output has a last dimension of at least {BEST}")
    name = max(widest, key=lambda each: widest[each])
    found = read(subject.infer(outputs=[{"name": name, "parameters": {"classification": BEST}}]))
    output = {each.name: each for each in found}.get(name)
    if output is None or output.datatype != "BYTES":
        raise Missed(f"{'nothing' if output is None else output.datatype} instead of BYTES for output {name}")
    return output


def _statistics_form(subject: Subject) -> str:
    entry = _statistics(subject, subject.path("/stats"))
    durations = under(entry, "inference_stats", dict)
    wrong = [name for name in COUNTS if type(entry.get(name)) is not int]
    for name in DURATIONS:
        duration = under(durations, name, dict)
        wrong += [name] if any(type(duration.get(part)) is not int for part in ("count", "ns")) else []
    wrong += [] if isinstance(entry.get("batch_stats"), list) else ["batch_stats"]
    require(not wrong, f"missing or of another form: {', '.join(wrong)}")
    return f"{entry['inference_count']} inferences in {entry['execution_count']} executions"


def _statistics_count(subject: Subject) -> str:
    before = _statistics(subject, subject.path("/stats")).get("inference_count")
    entries(subject.infer())
    after = _statistics(subject, subject.path("/stats")).get("inference_count")
    if type(before) is not int or type(after) is not int or after <= before:
        raise Missed(f"inference_count is {before!r} before and {after!r} after an inference")
    return f"{before} before, {after} after"


def _statistics_all(subject: Subject) -> str:
    _statistics(subject, "/v2/models/stats")
    return "has the model"


def _statistics(subject: Subject, path: str) -> dict[str, Any]:
    """Return the model's entry of the statistics at a path. Raises Missed."""
    for entry in under(subject.client.get(path).object(), "model_stats", list):
        if isinstance(entry, dict) and entry.get("name") == subject.model:
            return entry
    raise Missed(f"model_stats has no entry for {subject.model}")


def _scheduled(subject: Subject, **parameters: int) -> str:
    applies(subject.advertises("schedule_policy"), "a parameter that is ignored looks the same")
    entries(subject.infer(parameters=parameters))
    return "answered"


ASKS: Mapping[str, Ask] = {
    "repository-index": lambda it: _index(it, b"{}"),
    "repository-index-ready": lambda it: _index(it, b'{"ready": true}'),
    "classification-form": _classification_form,
    "classification-order": _classification_order,
    "statistics-form": _statistics_form,
    "statistics-count": _statistics_count,
    "statistics-all": _statistics_all,
    "schedule-priority": lambda it: _scheduled(it, priority=1),
    "schedule-timeout": lambda it: _scheduled(it, timeout=PATIENCE_US),
}
WRONG: Mapping[str, Send] = {
    "repository-load-unknown": lambda it: _by_route(it, "load"),
    "repository-unload-unknown": lambda it: _by_route(it, "unload"),
}
