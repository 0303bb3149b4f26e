"""From what was recorded to the rows of results.csv: one estimate for each peer, case and metric. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bench.gates.thresholds import Thresholds
from bench.peers.overload import MS, Shown
from bench.peers.slices import ALONE, CASES, CLIENTS, CROWD, MODEL, NO_OP, typical
from bench.statistics import estimates
from bench.statistics.estimates import Estimate, Floats
from runfile.facts import ImagePath, Peers, PeerTrial, Round, Withheld
from runfile.rows import WITHHELD, ResultRow, RunFileError

EXPERIMENT, BARE = "peers", "bare loop"
MB = 1e6
NOTHING = Estimate(None, None, None, 0)

Key = tuple[str, str, str]  # variant, case, metric
Requests = Callable[[PeerTrial, str], pd.DataFrame]  # those of a trial and a case that count

OF_STEP: dict[str, tuple[str, Callable[[Shown], float]]] = {  # metric: unit, and the figure of a block
    "goodput_share": ("share", lambda each: each.goodput_per_s / each.step.capacity_per_s),
    "goodput": ("1/s", lambda each: each.goodput_per_s),
    "refused_share": ("share", lambda each: float(each.refused.mean())),
}
TIMES_OF_STEP: dict[str, tuple[float, Callable[[Shown], Floats]]] = {  # metric: quantile, and of what
    "accepted_p50": (0.5, lambda each: each.accepted_ms),
    "accepted_p99": (0.99, lambda each: each.accepted_ms),
    "refusal_p50": (0.5, lambda each: each.took_ms[each.refused]),
    "response_p50": (0.5, lambda each: each.response_ms),
}


@dataclass
class Numbers:
    """All estimates with their units; the value of each block where a promise compares two peers; what was left out.

    `steps` are those of the overload by peer, also where they are withheld.
    """

    estimates: dict[Key, tuple[Estimate, str]] = field(default_factory=dict)
    blocks: dict[Key, dict[int, float]] = field(default_factory=dict)
    withheld: list[Withheld] = field(default_factory=list)
    steps: dict[str, list[Shown]] = field(default_factory=dict)

    def estimate(self, key: Key) -> Estimate:
        """Return one estimate, nothing where there is none."""
        return self.estimates.get(key, (NOTHING, ""))[0]

    def mean(self, key: Key, by_block: Mapping[int, float], unit: str) -> None:
        """Keep one number per block: the estimate is their mean."""
        self.blocks[key] = dict(by_block)
        self.estimates[key] = estimates.mean(list(by_block.values())), unit

    def percentile(self, key: Key, samples: Sequence[Floats], p: float) -> None:
        """Keep a percentile over all blocks together. One block says nothing of what another would: no interval."""
        found = estimates.percentile_of_trials(samples, p)
        alone = Estimate(found.value, None, None, found.n)
        self.estimates[key] = (found if len(samples) > 1 else alone), "ms"

    def rows(self) -> list[ResultRow]:
        """Return the rows of results.csv."""
        rows = []
        for key, (each, unit) in self.estimates.items():
            verdict = WITHHELD if each.value is None else ""
            rows.append(ResultRow(EXPERIMENT, *key, each.value, each.low, each.high, unit, each.n, verdict))
        return rows


def collect(own: Peers, requests: pd.DataFrame, limits: Thresholds) -> Numbers:
    """Return everything that a run found. Raises RunFileError where a trial lacks what it must have measured."""
    found, trials = Numbers(), [each for each in own.trials if each.counted]
    check(trials)
    groups = dict(iter(requests[requests["counted"]].groupby(["trial", "case"])))

    def counted(trial: PeerTrial, case: str) -> pd.DataFrame:
        return groups.get((trial.trial, case), requests[:0])

    bare(found, trials)
    image_path(found, own.images)
    for name in dict.fromkeys(each.variant for each in trials):
        mine = {each.block: each for each in trials if each.variant == name}
        closed(found, name, mine, counted, own.slo_ms)
        overload(found, name, mine, counted, limits, own.slo_ms)
    return found


def check(trials: Iterable[PeerTrial]) -> None:
    """Raise RunFileError unless each trial has rounds that count of both models, with a slice for each crowd."""
    for trial in trials:
        for model, crowds in CLIENTS.items():
            rounds = [each for each in trial.rounds.get(model, ()) if not each.reason]
            asked = [sorted(each.clients for each in round_.slices) for round_ in rounds]
            if not rounds or any(each != sorted(crowds) for each in asked):
                slices = " and ".join(f"for {crowd}" for crowd in crowds)
                raise RunFileError(
                    f"run.json: trial {trial.trial} of {trial.variant} does not have its rounds of {model} with a "
                    f"slice {slices} clients; take the folder as the run wrote it, or run again"
                )


def bare(found: Numbers, trials: Iterable[PeerTrial]) -> None:
    """Add the bare loop: per block, the median over the rounds of all peers."""
    for model, case in ((NO_OP, "no-op"), (MODEL, "alone")):
        rounds: dict[int, list[Round]] = {}
        for each in trials:
            rounds.setdefault(each.block, []).extend(each.rounds[model])
        if rounds:
            rates = {block: 1e3 / typical(own, lambda each: each.bare_ms) for block, own in rounds.items()}
            found.mean((BARE, case, "throughput"), rates, "1/s")


def image_path(found: Numbers, images: Sequence[ImagePath]) -> None:
    """Add the image path. Agreement is a count over the same photos each time, so it has no doubt of its own."""
    if not images:
        return
    key = (BARE, "image path")
    ours, reference = {each.block: each.ours_ms for each in images}, {each.block: each.reference_ms for each in images}
    ratio = estimates.paired_ratio(list(ours.values()), list(reference.values()))
    found.estimates[*key, "ratio"] = ratio, "x"
    found.mean((*key, "ours"), ours, "ms")
    found.mean((*key, "reference"), reference, "ms")
    share = min(each.same / each.photos for each in images)
    agreement = Estimate(share, share, share, min(each.photos for each in images))
    found.estimates[*key, "agreement"] = agreement, "share"


def closed(found: Numbers, name: str, own: Mapping[int, PeerTrial], requests: Requests, slo_ms: float) -> None:
    """Add what the closed loop showed of one peer. A block is worth the median over its rounds."""

    def add(case: str, metric: str, unit: str, figure: Callable[[PeerTrial], float]) -> None:
        found.mean((name, case, metric), {block: figure(each) for block, each in own.items()}, unit)

    def rate(model: str, clients: int) -> Callable[[PeerTrial], float]:
        return lambda trial: typical(trial.rounds[model], lambda each: each.rate_per_s(clients))

    add("no-op", "own_cost", "ms", own_cost_ms)
    add("no-op", "throughput", "1/s", rate(NO_OP, CROWD))
    for clients in (ALONE, CROWD):
        case = CASES[MODEL, clients]
        add(case, "throughput", "1/s", rate(MODEL, clients))
        shares = [share_of_bare(each, clients) for each in own.values()]
        found.estimates[name, case, "share_of_bare"] = estimates.paired_ratio(shares, [1.0] * len(shares)), "share"
        samples = {block: latencies(requests(each, case)) for block, each in own.items()}
        found.percentile((name, case, "latency_p50"), list(samples.values()), 0.5)
        found.percentile((name, case, "latency_p99"), list(samples.values()), 0.99)
    add(case, "goodput_share", "share", lambda each: float(np.mean(samples[each.block] <= slo_ms)))
    add(case, "memory", "MB", lambda each: (each.memory_bytes or 0) / MB)
    add(case, "client_turnaround", "ms", turnaround_ms)


def overload(
    found: Numbers, name: str, own: Mapping[int, PeerTrial], requests: Requests, limits: Thresholds, slo_ms: float
) -> None:
    """Add what the overload showed of one peer. What was spoiled does not count, and is told.

    A step that counts in no block has rows, too: they are withheld.
    """
    steps: dict[str, dict[int, Shown]] = {}
    for block, each in own.items():
        found.withheld += repeated(each)
        for step in (step for step in each.overloads if not step.reason):
            this = Shown(step, slo_ms, requests(each, step.case))
            found.steps.setdefault(name, []).append(this)
            counted = steps.setdefault(step.case, {})
            if unfit := this.unfit(limits):
                found.withheld.append(Withheld(name, step.case, block, unfit))
            else:
                counted[block] = this
    for case, counted in steps.items():
        for metric, (unit, figure) in OF_STEP.items():
            found.mean((name, case, metric), {block: figure(each) for block, each in counted.items()}, unit)
        for metric, (p, times) in TIMES_OF_STEP.items():
            found.percentile((name, case, metric), [times(each) for each in counted.values()], p)


def repeated(trial: PeerTrial) -> list[Withheld]:
    """Tell what of a trial was measured again."""
    parts = [(model, each.reason) for model, rounds in trial.rounds.items() for each in rounds]
    parts += [(each.case, each.reason) for each in trial.overloads]
    return [Withheld(trial.variant, case, trial.block, f"measured again, because {why}") for case, why in parts if why]


def own_cost_ms(trial: PeerTrial) -> float:
    """Return what a server takes for a request beyond the bare loop of the same round, in ms."""
    return typical(trial.rounds[NO_OP], lambda each: 1e3 / each.rate_per_s(CROWD) - each.bare_ms)


def share_of_bare(trial: PeerTrial, clients: int) -> float:
    """Return the throughput as a share of the bare loop's in the same round."""
    return typical(trial.rounds[MODEL], lambda each: each.rate_per_s(clients) * each.bare_ms / 1e3)


def latencies(rows: pd.DataFrame) -> Floats:
    """Return milliseconds in the order of sending; a failure is infinitely slow."""
    took = (rows["done_ns"] - rows["sent_ns"]).to_numpy(dtype=np.float64) / MS
    return np.where(rows["outcome"] == "ok", took, np.inf)


def turnaround_ms(trial: PeerTrial) -> float:
    """Return what a client takes from an answer to its next request: the median; NaN where nobody asked twice."""
    slices = [each for round_ in trial.rounds[MODEL] if not round_.reason for each in round_.slices]
    known = [s.turnaround_ms for s in slices if s.clients == CROWD and s.turnaround_ms is not None]
    return float(np.median(known)) if known else float("nan")
