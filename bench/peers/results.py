"""From what was measured to the rows of results.csv: one estimate for each peer, case and metric. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from bench.gates.thresholds import Thresholds
from bench.peers.bare import ImagePath
from bench.peers.measure import Measured
from bench.peers.overload import Shown, shown
from bench.peers.rounds import ALONE, CROWD, MODEL, NO_OP, Round, median_rate
from bench.statistics import estimates
from bench.statistics.estimates import Estimate, Floats

EXPERIMENT, BARE = "peers", "bare loop"
CASES = {ALONE: "alone", CROWD: "8 clients"}
MB = 1e6

Key = tuple[str, str, str]  # variant, case, metric


@dataclass
class Found:
    """All estimates with their units; the value of each block where a promise compares two peers; what was left out."""

    estimates: dict[Key, tuple[Estimate, str]] = field(default_factory=dict)
    blocks: dict[Key, dict[int, float]] = field(default_factory=dict)
    withheld: list[dict[str, object]] = field(default_factory=list)

    def mean(self, key: Key, by_block: Mapping[int, float], unit: str) -> None:
        """Keep one number per block: the estimate is their mean."""
        self.blocks[key] = dict(by_block)
        self.estimates[key] = estimates.mean(list(by_block.values())), unit

    def percentile(self, key: Key, samples: Sequence[Floats], p: float) -> None:
        """Keep a percentile over all blocks together. One block says nothing of what another would: no interval."""
        found = estimates.percentile_of_trials(samples, p)
        alone = Estimate(found.value, None, None, found.n)
        self.estimates[key] = (found if len(samples) > 1 else alone), "ms"

    def rows(self) -> list[dict[str, object]]:
        """Return the rows of results.csv."""
        return [
            {
                "experiment": EXPERIMENT, "variant": variant, "case": case, "metric": metric, "value": each.value,
                "low": each.low, "high": each.high, "unit": unit, "n": each.n,
                "verdict": "withheld" if each.value is None else "", "offered_per_s": None,
            }
            for (variant, case, metric), (each, unit) in self.estimates.items()
        ]  # fmt: skip


def collect(measured: Sequence[Measured], images: Mapping[int, ImagePath], limits: Thresholds, slo_ms: float) -> Found:
    """Return everything that a run found."""
    found = Found()
    bare(found, measured)
    image_path(found, images)
    for name in dict.fromkeys(each.place.peer.name for each in measured):
        own = {each.place.block: each for each in measured if each.place.peer.name == name}
        closed(found, name, own, slo_ms)
        overload(found, name, own, limits, slo_ms)
    return found


def bare(found: Found, measured: Sequence[Measured]) -> None:
    """Add the bare loop: per block, the median over the rounds of all peers."""
    for model, case in ((NO_OP, "no-op"), (MODEL, "alone")):
        times: dict[int, list[float]] = {}
        for each in measured:
            times.setdefault(each.place.block, []).extend(round_.bare_ms for round_ in each.rounds[model])
        if times:
            rates = {block: 1e3 / float(np.median(own)) for block, own in times.items()}
            found.mean((BARE, case, "throughput"), rates, "1/s")


def image_path(found: Found, images: Mapping[int, ImagePath]) -> None:
    """Add the image path. Agreement is a count over the same photos each time, so it has no doubt of its own."""
    if not images:
        return
    key = (BARE, "image path")
    ratios = [each.ratio for each in images.values()]
    found.estimates[*key, "ratio"] = estimates.paired_ratio(ratios, [1.0] * len(ratios)), "x"
    found.mean((*key, "ours"), {block: each.ours_ms for block, each in images.items()}, "ms")
    found.mean((*key, "reference"), {block: each.reference_ms for block, each in images.items()}, "ms")
    share = min(each.same / each.photos for each in images.values())
    found.estimates[*key, "agreement"] = (
        Estimate(share, share, share, min(each.photos for each in images.values())),
        "share",
    )


def closed(found: Found, name: str, own: Mapping[int, Measured], slo_ms: float) -> None:
    """Add what the closed loop showed of one peer. A block is worth the median over its rounds."""
    no_op = {block: each.rounds[NO_OP] for block, each in own.items()}
    found.mean((name, "no-op", "own_cost"), by(no_op, own_cost_ms), "ms")
    found.mean((name, "no-op", "throughput"), by(no_op, median_rate), "1/s")
    rounds = {block: each.rounds[MODEL] for block, each in own.items()}
    for clients, case in CASES.items():
        found.mean((name, case, "throughput"), by(rounds, partial(median_rate, clients=clients)), "1/s")
        shares = list(by(rounds, partial(share_of_bare, clients=clients)).values())
        found.estimates[name, case, "share_of_bare"] = estimates.paired_ratio(shares, [1.0] * len(shares)), "share"
        samples = [latencies(each, clients) for each in rounds.values()]
        found.percentile((name, case, "latency_p50"), samples, 0.5)
        found.percentile((name, case, "latency_p99"), samples, 0.99)
    in_time = by(rounds, partial(share_in_time, slo_ms=slo_ms))
    found.mean((name, "8 clients", "goodput_share"), in_time, "share")
    found.mean((name, "8 clients", "memory"), {block: each.memory_bytes / MB for block, each in own.items()}, "MB")
    found.mean((name, "8 clients", "client_turnaround"), by(rounds, turnaround_ms), "ms")


def overload(found: Found, name: str, own: Mapping[int, Measured], limits: Thresholds, slo_ms: float) -> None:
    """Add what the overload showed of one peer. A step in which the generator failed does not count, and is told."""
    steps: dict[str, dict[int, Shown]] = {}
    for block, each in own.items():
        for step in each.overloads:
            this = shown(step, slo_ms)
            counted, unfit = steps.setdefault(step.case, {}), this.unfit(limits)
            if unfit:
                found.withheld.append({"variant": name, "case": step.case, "block": block, "reason": unfit})
            else:
                counted[block] = this
    for case, counted in steps.items():
        one_step(found, name, case, counted)


def one_step(found: Found, name: str, case: str, steps: Mapping[int, Shown]) -> None:
    """Add one step, over all blocks in which it counts; without any, its rows are withheld."""
    found.mean((name, case, "goodput_share"), {block: each.goodput_share for block, each in steps.items()}, "share")
    found.mean((name, case, "goodput"), {block: each.goodput_per_s for block, each in steps.items()}, "1/s")
    found.mean((name, case, "refused_share"), {block: each.refused_share for block, each in steps.items()}, "share")
    found.percentile((name, case, "accepted_p50"), [each.accepted_ms for each in steps.values()], 0.5)
    found.percentile((name, case, "accepted_p99"), [each.accepted_ms for each in steps.values()], 0.99)
    found.percentile((name, case, "refusal_p50"), [each.refusal_ms for each in steps.values()], 0.5)
    found.percentile((name, case, "response_p50"), [each.response_ms for each in steps.values()], 0.5)


def by(rounds: Mapping[int, Sequence[Round]], figure: Callable[[Sequence[Round]], float]) -> dict[int, float]:
    """Return a figure of each block's rounds."""
    return {block: figure(each) for block, each in rounds.items()}


def own_cost_ms(rounds: Sequence[Round]) -> float:
    """Return what a server takes for a request beyond the bare loop of the same round: ms, the median over rounds.

    The median, since a pause of the machine hits single turns, and one turn would carry it into a mean.
    """
    return float(np.median([1e3 / each.rate_per_s(CROWD) - each.bare_ms for each in rounds]))


def share_of_bare(rounds: Sequence[Round], clients: int) -> float:
    """Return the throughput as a share of the bare loop's in the same round: the median over rounds."""
    return float(np.median([each.rate_per_s(clients) * each.bare_ms / 1e3 for each in rounds]))


def latencies(rounds: Iterable[Round], clients: int) -> Floats:
    """Return the latencies of all slices with so many clients."""
    return np.concatenate([each.latency_ms for round_ in rounds for each in round_.slices if each.clients == clients])


def share_in_time(rounds: Sequence[Round], slo_ms: float) -> float:
    """Return the share of answers to eight clients that are within the objective: the goodput at capacity."""
    return float(np.mean(latencies(rounds, CROWD) <= slo_ms))


def turnaround_ms(rounds: Iterable[Round]) -> float:
    """Return what a client takes from an answer to its next request: the median; NaN where nobody asked twice."""
    slices = [each for round_ in rounds for each in round_.slices if each.clients == CROWD]
    known = [each.turnaround_ms for each in slices if each.turnaround_ms is not None]
    return float(np.median(known)) if known else float("nan")
