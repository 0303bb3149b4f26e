"""The other extensions that Triton documents: repository, classification, statistics, schedule policy.

Nothing is ever loaded or unloaded that exists: the server under test may be serving others.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.conformance.checks import Check
from bench.conformance.client import HTTP_OK
from bench.conformance.errors import refused
from bench.conformance.findings import Missed, NotOffered
from bench.conformance.inputs import FLOATS
from bench.conformance.outputs import Output, entries, read
from bench.conformance.subject import NOBODY, Subject

INDEX = "/v2/repository/index"
BEST = 3
CLASS = re.compile(rb"(-?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?):([0-9]+)(?::.*)?", re.DOTALL)
PATIENCE_US = 10_000_000
DURATIONS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")


def statistics_all(subject: Subject) -> str:
    """Read the statistics of all models."""
    _entry(subject, "/v2/models/stats")
    return "has the model"


def classification_form(subject: Subject) -> str:
    """Ask for the best classes of an output."""
    output = _classified(subject)
    if output.shape not in {(BEST,), (1, BEST)}:
        raise Missed(f"shape {list(output.shape)} instead of [1, {BEST}]")
    wrong = [value for value in output.values if not CLASS.fullmatch(value)]
    if wrong:
        raise Missed(f"{wrong[0][:60]!r} is not value:index or value:index:label")
    return ", ".join(value.decode("utf-8", "replace") for value in output.values)


def classification_order(subject: Subject) -> str:
    """Look whether the best class comes first, and none twice."""
    found = [match for value in _classified(subject).values if (match := CLASS.fullmatch(value))]
    values, classes = [float(match[1]) for match in found], {match[2] for match in found}
    if values != sorted(values, reverse=True) or len(classes) != BEST:
        raise Missed(f"values {values}, {len(classes)} different classes")
    return "best first"


def statistics_form(subject: Subject) -> str:
    """Read the statistics of the model."""
    entry = _statistics(subject)
    wrong = [
        name for name in ("last_inference", "inference_count", "execution_count") if type(entry.get(name)) is not int
    ]
    stats = entry.get("inference_stats")
    stats = stats if isinstance(stats, dict) else {}
    wrong += [name for name in DURATIONS if not _duration(stats.get(name))]
    wrong += [] if isinstance(entry.get("batch_stats"), list) else ["batch_stats"]
    if wrong:
        raise Missed(f"missing or of another form: {', '.join(wrong)}")
    return f"{entry['inference_count']} inferences in {entry['execution_count']} executions"


def statistics_count(subject: Subject) -> str:
    """Look whether an inference is counted."""
    before = _statistics(subject).get("inference_count")
    entries(subject.infer(subject.document()))
    after = _statistics(subject).get("inference_count")
    if type(before) is not int or type(after) is not int or after <= before:
        raise Missed(f"inference_count is {before!r} before and {after!r} after an inference")
    return f"{before} before, {after} after"


def _index(subject: Subject, body: bytes) -> str:
    answer = subject.client.post(INDEX, body)
    listed = answer.json() if answer.status == HTTP_OK else None
    if not isinstance(listed, list):
        raise Missed(str(answer))
    for entry in listed:
        form = isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in ("name", "state", "reason"))
        if not form or not isinstance(entry.get("version", ""), str):
            raise Missed(f"an entry needs name, state and reason as strings: {str(entry)[:100]}")
    if subject.model not in {entry["name"] for entry in listed}:
        raise Missed(f"{subject.model} is not in it")
    return ", ".join(f"{entry['name']} {entry.get('version', '')} {entry['state']}" for entry in listed[:5])


def _refused_by_route(subject: Subject, verb: str) -> str:
    """Have a model that does not exist loaded or unloaded; a missing route is not a refusal."""
    path = f"/v2/repository/models/{NOBODY}"
    answer, nowhere = (subject.client.post(f"{path}/{last}", b"{}") for last in (verb, NOBODY))
    if (answer.status, answer.body) == (nowhere.status, nowhere.body):
        raise Missed(f"there is no such path: {answer}")
    return refused(answer)


def _scheduled(subject: Subject, parameters: Mapping[str, int]) -> str:
    if not subject.advertises("schedule_policy"):
        raise NotOffered("a parameter that is ignored looks the same")
    entries(subject.infer(subject.document(parameters=parameters)))
    return "answered"


def _classified(subject: Subject) -> Output:
    """Ask for classes of the output that has the most of them. Raises Missed if they are no BYTES."""
    widest = {name: each["shape"][-1] for name, each in subject.declared("outputs").items()
              if each["datatype"] in FLOATS and each["shape"] and each["shape"][-1] >= BEST}  # fmt: skip
    if not widest:
        raise NotOffered(f"does not apply: no floating output has a last dimension of at least {BEST}")
    name = max(widest, key=lambda each: widest[each])
    wanted = [{"name": name, "parameters": {"classification": BEST}}]
    output = {each.name: each for each in read(subject.infer(subject.document(outputs=wanted)))}.get(name)
    if output is None or output.datatype != "BYTES":
        raise Missed(f"{'nothing' if output is None else output.datatype} instead of BYTES for output {name}")
    return output


def _statistics(subject: Subject) -> Mapping[str, Any]:
    return _entry(subject, subject.path("/stats"))


def _entry(subject: Subject, path: str) -> Mapping[str, Any]:
    listed = subject.client.get(path).object().get("model_stats")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("name") == subject.model:
            return entry
    raise Missed(f"model_stats has no entry for {subject.model}")


def _duration(value: object) -> bool:
    return isinstance(value, dict) and type(value.get("count")) is int and type(value.get("ns")) is int


def _repository(name: str, asked: str, place: str, ask: Callable[[Subject], str]) -> Check:
    place, refusal = f"Model repository: {place}", name.endswith("-unknown")
    return Check(f"repository-{name}", "model_repository", "extension", asked, place, ask, refusal)


def _stats(name: str, asked: str, ask: Callable[[Subject], str]) -> Check:
    return Check(f"statistics-{name}", "statistics", "extension", asked, "Statistics: Response JSON Object", ask)


def _schedule(name: str, unit: str, value: int) -> Check:
    asked = f"parameters.{name}{unit} is taken"
    return Check(f"schedule-{name}", "schedule_policy", "extension", asked, "Schedule policy",
                 lambda it: _scheduled(it, {name: value}))  # fmt: skip


CHECKS: Sequence[Check] = (
    _repository("index", "the index lists name, state and reason of each model", "Index", lambda it: _index(it, b"{}")),
    _repository("index-ready", "the index of what is ready has the model", "Index",
                lambda it: _index(it, b'{"ready": true}')),
    _repository("load-unknown", "loading an unknown model: refused", "Load", lambda it: _refused_by_route(it, "load")),
    _repository("unload-unknown", "unloading an unknown model: refused", "Unload",
                lambda it: _refused_by_route(it, "unload")),
    Check("classification-form", "classification", "extension", f"classification: {BEST} returns value:index[:label]",
          "Classification: HTTP/REST", classification_form),
    Check("classification-order", "classification", "extension", "the classes come best first", "Classification",
          classification_order),
    _stats("form", "the model's /stats has its counts and durations", statistics_form),
    _stats("count", "an inference is counted", statistics_count),
    _stats("all", "GET /v2/models/stats has the model, too", statistics_all),
    _schedule("priority", "", 1),
    _schedule("timeout", " (microseconds)", PATIENCE_US),
)  # fmt: skip
