"""A run that compares inference servers, as bench writes it: who accepts everything is late, who refuses is not."""

import math

from runfile.facts import Check, Peer, Peers, PeerTrial, Validity
from runfile.rows import ResultRow

NAMES = {"ray": "Ray Serve", "sweetspot": "sweetspot", "fastapi": "FastAPI"}
COSTS = {"sweetspot": 0.2, "fastapi": 1.1, "ray": 31.0}
MET = Check(
    "Own cost at most half of the best peer's", -0.35, -0.4, -0.3, 0.0, "ms", 4, "met", "the best peer fastapi 1.1 ms"
)
MISSED = Check("Goodput at twice capacity", 0.8, 0.7, 0.85, 0.9, "share", 4, "missed", bound="at least")


def found(**changes):
    """What the comparison found."""
    usual = {
        "settings": {"blocks": 4, "slo_ms": 200.0},
        "verdicts": True,
        "slo_ms": 200.0,
        "peers": servers(),
        "trials": tuple(PeerTrial(n, n, "sweetspot") for n in range(1, 5)),
        "checks": (MET, MISSED),
        "validity": Validity(valid=True),
    }
    return Peers(**(usual | changes))


def servers(**failed):
    return tuple(
        Peer(name, title, "1.0", "one worker", ("serve", "{port}"), 4, failed.get(name, ""))
        for name, title in NAMES.items()
    )


def row(variant, case, metric, value, low=None, high=None, unit="ms", n=1200, verdict=""):  # noqa: PLR0913, PLR0917
    return ResultRow("peers", variant, case, metric, value, low, high, unit, n, verdict)


def rows():
    found = [
        row("bare loop", "no-op", "throughput", 400.0, 390.0, 410.0, "1/s", 4),
        row("bare loop", "alone", "throughput", 60.0, 58.0, 62.0, "1/s", 4),
        row("bare loop", "image path", "ratio", 0.4, 0.38, 0.42, "x", 4),
        row("bare loop", "image path", "agreement", 1.0, 1.0, 1.0, "share", 50),
    ]
    for name, cost in COSTS.items():
        found += [
            row(name, "no-op", "throughput", 1000 / (2.5 + cost), unit="1/s", n=4),
            row(name, "no-op", "own_cost", cost, cost * 0.9, cost * 1.1, n=4),
            row(name, "alone", "share_of_bare", 0.98, 0.97, 0.99, "share", 4),
            row(name, "8 clients", "throughput", 59.0, unit="1/s", n=4),
            row(name, "8 clients", "share_of_bare", 0.99, 0.98, 1.0, "share", 4),
            row(name, "8 clients", "goodput_share", 1.0, 1.0, 1.0, "share", 4),
            row(name, "8 clients", "latency_p99", 150.0, 140.0, 170.0),
            row(name, "8 clients", "memory", 200.0, unit="MB", n=4),
        ]
        for case in ("2 x capacity", "5 x capacity"):
            found += overload(name, case, refuses=name == "sweetspot")
    return found


def overload(name, case, *, refuses):
    return [
        row(name, case, "goodput_share", 0.94 if refuses else 0.05, 0.9, 0.97, "share", 4),
        row(name, case, "accepted_p50", 120.0 if refuses else 1500.0),
        row(name, case, "accepted_p99", 190.0 if refuses else math.inf),
        row(name, case, "refused_share", 0.5 if refuses else 0.0, unit="share", n=4),
        row(name, case, "refusal_p50", 2.0 if refuses else None, n=0, verdict="" if refuses else "withheld"),
        row(name, case, "response_p50", math.inf if refuses else 1500.0),
    ]
