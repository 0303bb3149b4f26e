"""The gates of the comparison, peer by peer: what the machine did meanwhile, and whether the overload was sent."""

from collections.abc import Mapping, Sequence

import numpy as np

from bench.gates import judging
from bench.gates.thresholds import Thresholds
from bench.peers.overload import Shown, complete
from bench.session import gates
from runfile.facts import Gate, Peers


def judge(limits: Thresholds, found: Peers, steps: Mapping[str, Sequence[Shown]]) -> tuple[Gate, ...]:
    """Return all gates; `steps` are what each peer was sent, also where it is withheld, but not what was sent again.

    What others took of the cores is not judged: servers start within a trial, and nobody can tell them from others.
    """
    table: list[Gate] = []
    for name in dict.fromkeys(each.variant for each in found.counted):
        own = [each for each in found.counted if each.variant == name]
        table += gates.of_machine(limits, name, own, found.counted)
        sent = steps[name]
        lag, service = (np.concatenate(each) for each in zip(*((s.lag_ms, s.service_ms) for s in sent), strict=True))
        table.append(judging.lag(limits, name, lag, float(np.median(service)) if len(service) else None))
        table.append(complete(limits, name, sent))
    return tuple(table)
