"""A latency run as bench writes it: turns at low load, then staircases at shares of each variant's own capacity.

Three behaviours beyond capacity, an A/A arm and a control; what it rejected is in the tables and counts for nothing.
"""

import math
from dataclasses import replace
from functools import cache

from runfile.facts import (
    Arm,
    Capacity,
    Check,
    Crossover,
    Failed,
    Floor,
    Gate,
    Latency,
    Machine,
    Point,
    Process,
    Ratio,
    Step,
    Trial,
    Validity,
    Variant,
)
from runfile.rows import ResultRow

LOW = 4.0  # predictions per second
CAPACITY = {"embedded": 34.0, "model_in_db": 400.0, "model_as_service": 60.0}
MEDIANS = {"embedded": 26.0, "model_in_db": 4.0, "model_as_service": 31.0}  # ms
TITLES = {"embedded": "Embedded", "model_in_db": "Model in the database", "model_as_service": "Model as a service"}
SHARES = (0.5, 1.0, 2.0)  # of a variant's own capacity
STAGES = {
    "embedded": {"app": 0.6, "db": 0.9, "decode": 5.2, "queue": 0.4, "infer": 17.1},
    "model_in_db": {"app": 0.6, "db": 1.4},
    "model_as_service": {"app": 0.9, "db": 0.9, "decode": 5.4, "queue": 2.1, "infer": 17.4},
}
ARMS = (Arm("embedded again", "embedded", "A/A"), Arm("embedded + 10 ms", "embedded", "control", 10.0))
BLOCKS, ROUNDS, PER_TURN = (1, 2), 3, 80
SPOILED = "the cores were 39 % off their usual speed"
PROCESS = Process("web", ("model", "pages"), ("gunicorn", "--bind", "127.0.0.1:{port}", "app:create_app()"))
MACHINE = Machine("Debian 12", "AMD EPYC 7B13", 2, 8 * 2**30, "3.11.7", "6.1", (0,), (1,), pinned=True)


def everybody():
    return [*CAPACITY, *(arm.name for arm in ARMS)]


def row(variant, case, metric, value, low=None, high=None, unit="ms", n=1200, verdict="", rate=None):  # noqa: PLR0913, PLR0917
    """One row of results.csv; `rate` is the load of its step in predictions per second."""
    return ResultRow("latency", variant, case, metric, value, low, high, unit, n, verdict, rate)


@cache
def rows():
    """Every row of results.csv; those of predictions at low load are computed from the requests that count."""
    found = [each for name in everybody() for each in (*at_low_load(name), *rising(name))]
    found += [row(name, "all", "memory", 310.0, unit="MB", n=2) for name in everybody()]
    found.append(row("raw limit", "prediction", "response_p50", 24.0, 23.5, 24.5))
    found.append(row("raw limit", "back to back", "response_p50", 20.0))
    return tuple(found)


def at_low_load(name):
    counted = [each for each in requests() if each["variant"] == name and each["counted"] and each["step"] < 100]
    times = sorted((each["done_ns"] - each["intended_ns"]) / 1e6 for each in counted)
    for metric, share in {"response_p50": 0.5, "response_p95": 0.95, "response_p99": 0.99}.items():
        value, n = times[math.ceil(share * len(times)) - 1], len(times)
        yield row(name, "prediction", metric, value, value * 0.96, value * 1.05, n=n, rate=LOW)
    for stage, value in STAGES.get(name, {}).items():
        yield row(name, "prediction", f"stage_{stage}_p50", value, rate=LOW)
    for case, median in {"metadata": 2.4, "page": 3.1, "image": 2.8}.items():
        yield row(name, case, "response_p50", median, median * 0.95, median * 1.05, rate=LOW)
        yield row(name, case, "response_p95", None, verdict="withheld", n=40, rate=LOW)
    for case in ("prediction", "metadata"):
        yield row(name, case, "failed_share", 0.0, unit="share", rate=LOW)


def rising(name):
    """One variant in every step: a queue towards its capacity, saturation beyond it; embedded drags its bystanders."""
    capacity, median = CAPACITY.get(name, 34.0), MEDIANS.get(name, 26.0)
    dragged = name not in ("model_in_db", "model_as_service")
    for share in SHARES if name in CAPACITY else ():
        rate = share * capacity
        waits = None if share > 1 else median * (1 + share)
        metadata = 2.4 * (1 + (40 * share**4 if dragged else 0.1 * share))
        for metric, factor in {"response_p50": 1, "response_p95": 1.7}.items():
            if waits is None:
                yield row(name, "prediction", metric, None, verdict="saturated", rate=rate)
            else:
                value = waits * factor
                yield row(name, "prediction", metric, value, value * 0.94, value * 1.07, rate=rate)
            yield row(name, "metadata", metric, metadata * factor, rate=rate)
        good = rate * 0.99 if share <= 1 else capacity * (0.3 if dragged else 0.97)
        yield row(name, "prediction", "goodput", good, good * 0.95, good * 1.08, unit="1/s", n=2, rate=rate)
        yield row(name, "prediction", "backlog", 40 * share**4, unit="requests", n=2, rate=rate)
        yield row(name, "prediction", "failed_share", 0.0, unit="share", rate=rate)
        yield row(name, "all", "cpu_s_per_1000", 4.2 + median * share, unit="s", rate=rate)


def turns(block):
    """One trial in which all stacks of a block take turns after a warm-up; one turn was measured again."""
    names = everybody()
    steps = [Step(place, place * 0.1, 0.1, LOW, variant=name, reason="warm-up") for place, name in enumerate(names)]
    for round_ in range(1, ROUNDS + 1):
        for place, name in enumerate(names):
            spoiled = "lag p99 8 ms" if (block, round_, place) == (1, ROUNDS, 0) else ""
            steps.append(Step(len(steps), len(steps) * 0.6, 0.5, LOW, variant=name, round=round_, reason=spoiled))
    return Trial(block, block, "", window_s=9.0, steps=tuple(steps), scheduled=len(steps) * PER_TURN)


def staircases(block):
    """One trial for each variant; that of embedded in block 1 was rejected and repeated."""
    again = [("embedded", SPOILED)] if block == 1 else []
    for place, (name, reason) in enumerate([*again, *((name, "") for name in CAPACITY)]):
        steps = tuple(
            Step(100 + index, index * 3.0, 3.0, share * CAPACITY[name], share, variant=name)
            for index, share in enumerate(SHARES)
        )
        yield Trial(block * 10 + place, block, name, place, reason, window_s=9.0, steps=steps)


def trials():
    return tuple(each for block in BLOCKS for each in (turns(block), *staircases(block)))


@cache
def requests():
    """requests.parquet: turns and steps of every trial, the rejected ones ten times as slow, after a short warm-up."""
    found = []
    for trial, step in [(each, step) for each in trials() for step in each.steps]:
        slow = 10.0 if trial.reason or step.reason else 1.0
        for index in range(PER_TURN if step.step < 100 else 8):
            factor = slow * (0.9 + 0.8 * ((index * 37) % PER_TURN / PER_TURN) ** 4)
            found.append(request(trial, step, index, factor * MEDIANS.get(step.variant, 26.0)))
        found.append(request(trial, step, -1, 900.0) | {"step": -1, "counted": False})
    return tuple(found)


def request(trial, step, index, elapsed_ms):
    intended = int(step.start_s * 1e9) + index * 6_000_000
    return {
        "experiment": "latency", "trial": trial.trial, "block": trial.block, "variant": step.variant,
        "offered_per_s": step.rate_per_s, "counted": not (trial.reason or step.reason), "case": "prediction",
        "step": step.step, "intended_ns": intended, "photo_id": "1", "sent_ns": intended,
        "done_ns": intended + int(elapsed_ms * 1e6), "status": 200, "outcome": "ok",
    }  # fmt: skip


def ratio(left, right, value, low, high, **changes):
    """One ratio of the median response of a prediction at low load, claimed unless the changes say otherwise."""
    usual = {"case": "prediction", "metric": "response_p50", "offered_per_s": LOW, "n": 2, "claim": True}
    return Ratio(left, right, **(usual | {"floor_half_width": 0.04} | changes), value=value, low=low, high=high)


def floor(metric="response_p50", rate=LOW, half_width=0.04):
    return Floor(metric, rate, 1.01, 0.97, 1.05, 2, half_width)


def bracket(variant, low, high, **changes):
    """One capacity bracket with the points that decided it."""
    points = tuple(
        Point(share * CAPACITY[variant], 240, 96.5, 5 * share, "fail" if share > 1 else "pass", grew=share > 1)
        for share in SHARES
    )
    usual = {"error": 0.05, "slo_ms": 250.0, "share": 0.05, "points": points}
    return Capacity(variant, low, high, **(usual | changes))


def gate(name, title, variant="", verdict="pass"):
    """One gate with both limits."""
    return Gate(name, title, variant, 1.8, 1.0, 5.0, "ms", verdict, "", f"Advice of {name}.")


def variants(names):
    model = {"name": "efficientnet-lite", "version": "1", "provider": "CPUExecutionProvider"}
    refresh = Process("refresh", ("model", "refresh"), ("precompute",))
    stored = (replace(PROCESS, roles=("pages",)), refresh)
    own = {name: stored if name == "model_in_db" else (PROCESS,) for name in names}
    return tuple(Variant(name, TITLES.get(name, name), model, own[name], CAPACITY.get(name)) for name in names)


def latency(**changes):
    """What the latency experiment found when all went well."""
    usual = {
        "settings": {"blocks": 2, "slo_ms": 250.0},
        "verdicts": True,
        "slo_ms": 250.0,
        "trials": trials(),
        "failed": (Failed(2, "model_as_service", "the inference server was not ready after 30 s", again=True),),
        "gates": (
            gate("G1", "The generator sent in time (lag p99)", "embedded"),
            gate("G7", "The load was carried", "embedded", "warn"),
            gate("A1", "The same architecture twice is the same", "", "not judged"),
        ),
        "checks": (Check("The web adds little", 1.08, 1.05, 1.1, 1.25, "x", 2, "met"),),
        "validity": Validity(valid=True),
        "arms": ARMS,
        "noise_floor": (floor(), floor("response_p95", half_width=0.09)),
        "ratios": (
            ratio("model_as_service", "embedded", 1.19, 1.12, 1.27),
            ratio("model_in_db", "embedded", 0.15, 0.14, 0.17),
            ratio("model_in_db", "model_as_service", 0.13, 0.12, 0.14),
            ratio("model_in_db", "embedded", 0.3, 0.1, 1.1, metric="response_p95", floor_half_width=0.09, claim=False),
        ),
        "capacity": (
            bracket("embedded", 34.0, 68.0), bracket("model_in_db", 400.0, None),
            bracket("model_as_service", 60.0, 120.0),
        ),
        "crossover": Crossover(
            "model_as_service", "embedded", "response_p50", 12.0, 28.0,
            "model_as_service is faster up to 12 predictions per second, embedded from 28 on",
        ),
    }  # fmt: skip
    return Latency(**(usual | changes))


def run(**changes):
    """What run.json says on top when all went well."""
    usual = {
        "id": "20261122T131500Z-quick",
        "profile": "quick",
        "state": "complete",
        "started_at": "2026-11-22T13:15:00Z",
        "finished_at": "2026-11-22T13:19:30Z",
        "seed": 7,
        "command": ("sweetspot", "run", "latency", "--profile", "quick", "--seed", "7"),
        "settings": {"thresholds_version": 3},
        "machine": MACHINE,
        "versions": {"sweetspot": "0.1.0", "locust": "2.47.0"},
        "variants": variants(CAPACITY),
        "gates": (gate("cores", "System and generator have cores of their own"),),
        "validity": Validity(valid=True),
    }
    return usual | changes
