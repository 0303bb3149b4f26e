"""A run whose load rises in steps, as bench writes it: three behaviours beyond capacity, an A/A arm and a control."""

RATES = {0.1: 4.0, 0.3: 12.0, 0.7: 28.0, 1.0: 40.0, 2.0: 80.0}  # of capacity: predictions per second
CAPACITY = {"embedded": 34.0, "model_in_db": 400.0, "model_as_service": 60.0}
MEDIANS = {"embedded": 26.0, "model_in_db": 4.0, "model_as_service": 31.0}  # ms
ARMS = [
    {"name": "embedded again", "of": "embedded", "kind": "A/A"},
    {"name": "embedded + 10 ms", "of": "embedded", "kind": "control"},
]
FLOOR = {"metric": "response_p50", "value": 1.01, "low": 0.97, "high": 1.05, "half_width": 0.04, "n": 6}


def rows(variants, result):
    """Every row of results.csv; `result` makes one."""
    names = [*variants, *(arm["name"] for arm in ARMS)]
    found = [row for name in names for rate in RATES.values() for row in _step(name, rate, result)]
    found += [result(name, "all", "memory", 310.0, unit="MB") for name in names]
    found.append(result("raw limit", "prediction", "response_p50", 24.0, 23.5, 24.5))
    return found


def _step(name, rate, result):
    """One variant in one step: a queue towards its capacity, saturation beyond it; embedded drags its bystanders."""
    capacity, median = CAPACITY.get(name, 34.0), MEDIANS.get(name, 26.0)
    busy, dragged = rate / capacity, name not in ("model_in_db", "model_as_service")

    def make(*cells, **more):
        return result(*cells, offered=rate, n=int(rate * 18), **more)

    times = {
        "prediction": None if busy >= 1 else median * (1 + 0.5 * busy / (1 - busy)),
        "metadata": 2.4 * (1 + (40 * min(busy, 1.5) ** 4 if dragged else 0.1 * busy)),
        "page": None if busy >= 1 else 3.0 + median * (1 + busy),
        "image": 2.8,
    }
    for case, value in times.items():
        for metric, factor in {"response_p50": 1, "response_p95": 1.7, "response_p99": 2.6}.items():
            if value is None:
                yield make(name, case, metric, "", verdict="saturated")
            elif case in ("page", "image") and metric != "response_p50":
                yield make(name, case, metric, "", verdict="withheld")
            else:
                yield make(name, case, metric, value * factor, value * factor * 0.94, value * factor * 1.07)
        yield make(name, case, "failed_share", 0.0 if busy < 2 else 0.2, unit="share")
    good = rate * 0.99 if busy < 1 else capacity * (0.3 if dragged else 0.97)
    yield make(name, "prediction", "goodput", good, good * 0.95, good * 1.02, unit="1/s")
    yield make(name, "all", "cpu_s_per_1000", 4.2 + median * max(1, rate / good), unit="s")
    if busy < 1:
        yield from (make(name, "prediction", f"stage_{each}_p50", median / 4) for each in ("app", "db", "infer"))


def requests(variants, per_step=60):
    """requests.parquet: every step of every variant in two blocks, slower by the step, after a short warm-up."""
    for block in (0, 1):
        for name in (*variants, *(arm["name"] for arm in ARMS)):
            for step, index in [(step, index) for step in range(-1, len(RATES)) for index in range(per_step)]:
                intended = (step * per_step + index) * 10_000_000
                slow = 1 + 5 * max(step, 0) + 0.6 * (index * 37 % per_step / per_step) ** 3
                elapsed = int(MEDIANS.get(name, 26.0) * slow * 1e6)
                yield {
                    "trial": 0, "block": block, "variant": name, "case": "prediction", "intended_ns": intended,
                    "sent_ns": intended, "done_ns": intended + elapsed, "status": 200, "outcome": "ok", "step": step,
                }  # fmt: skip


def record(trials):
    """What run.json says beyond that of a run with steady load."""
    steps = [
        {"step": place, "of_capacity": share, "rate_per_s": rate, "start_s": place * 3.0, "seconds": 3.0}
        for place, (share, rate) in enumerate(RATES.items())
    ]
    return {
        "trials": [{**trial, "window_s": 15, "steps": steps} for trial in trials],
        "arms": ARMS,
        "noise_floor": [FLOOR, {**FLOOR, "metric": "response_p95", "half_width": 0.09}],
        "ratios": [
            ratio("model_as_service", "embedded", 4.0, 1.19, 1.12, 1.27, claim=True),
            ratio("model_as_service", "embedded", 28.0, 0.98, 0.9, 1.07, claim=False),
            ratio("model_in_db", "embedded", 4.0, 0.15, 0.14, 0.17, claim=True),
            ratio("model_in_db", "embedded", 40.0, None, None, None, claim=False),
            {**ratio("model_in_db", "embedded", 4.0, 1.01, 0.9, 1.1, claim=False), "case": "metadata"},
        ],
        "capacity": [
            bracket("embedded", 28.0, 40.0), bracket("model_in_db", 80.0, None),
            bracket("model_as_service", 40.0, 80.0),
        ],
        "crossover": {
            "left": "model_as_service", "right": "embedded", "metric": "response_p50", "low": 12.0, "high": 28.0,
            "words": "model as a service overtakes embedded between 12 and 28 predictions per second",
        },
        "gates": [
            gate("G1", "The generator sent in time (lag p99)", "embedded", 0.7, "pass"),
            gate("G7", "The load was carried", "embedded", 1.8, "warn"),
            gate("A1", "The same architecture twice is the same", "", None, "not judged"),
        ],
    }  # fmt: skip


def ratio(left, right, offered, value, low, high, *, claim):
    """One ratio of the median response of a prediction."""
    return {
        "left": left, "right": right, "case": "prediction", "metric": "response_p50", "offered_per_s": offered,
        "value": value, "low": low, "high": high, "n": 6, "claim": claim,
    }  # fmt: skip


def bracket(variant, low, high):
    """One capacity bracket with the points that decided it."""

    def verdict(rate):
        if low is not None and rate <= low:
            return "pass"
        return "fail" if high is not None and rate >= high else "undecided"

    points = [
        {"rate_per_s": rate, "n": int(rate * 18), "n_eff": rate * 9.5, "over": int(rate / 4), "verdict": verdict(rate)}
        for rate in RATES.values()
    ]
    return {
        "variant": variant, "low": low, "high": high, "error": 0.05, "slo_ms": 250, "share": 0.05, "points": points,
    }  # fmt: skip


def gate(name, title, variant, value, verdict):
    """One gate with both limits."""
    return {
        "gate": name, "title": title, "variant": variant, "value": value, "limit": 1.0, "fail_above": 5.0, "unit": "ms",
        "verdict": verdict, "passed": None if verdict == "not judged" else verdict != "fail", "note": "",
        "advice": f"Advice of {name}.",
    }  # fmt: skip
