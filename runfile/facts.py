"""What run.json says, as dataclasses: what all experiments share on top, what each found under its name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from runfile.decoding import Number

SCHEMA = "sweetspot.run/2"

LEFT_OUT = "photos_left_out"  # the setting that names them, a line each; only where there are any

State = Literal["running", "complete", "interrupted", "failed"]
Verdict = Literal["pass", "warn", "fail", "not judged"]
Judgement = Literal["met", "missed", "withheld"]
Scalar = str | bool | int | float | None
Scalars = dict[str, Scalar]


@dataclass(frozen=True)
class Validity:
    """Whether numbers may be used, and in words why not."""

    valid: bool = False
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """One condition under which numbers may be believed: it passes up to `limit`, fails above `fail_above`.

    In between it warns; without `fail_above` it never fails by its value. `variant` is "" where it is about all.
    """

    gate: str
    title: str
    variant: str = ""
    value: float | None = None
    limit: float | None = None
    fail_above: float | None = None
    unit: str = ""
    verdict: Verdict = "not judged"
    note: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Check:
    """One promise held against its limit."""

    title: str
    value: float | None
    low: float | None
    high: float | None
    limit: Number
    unit: str
    n: int
    verdict: Judgement
    note: str = ""
    bound: Literal["at most", "at least"] = "at most"

    @property
    def is_ratio(self) -> bool:
        """Whether it compares by a factor, so that the noise floor belongs beside it."""
        return self.unit in ("x", "ratio")


@dataclass(frozen=True)
class Machine:
    """Where it ran; the cores are those that were split between system and generator."""

    os: str = ""
    cpu: str = ""
    cores: int = 0
    memory_bytes: int = 0
    python: str = ""
    kernel: str = ""
    sut_cores: tuple[int, ...] = ()
    generator_cores: tuple[int, ...] = ()
    pinned: bool = False


@dataclass(frozen=True)
class Process:
    """One process of a stack, with the command that started it."""

    name: str
    roles: tuple[str, ...] = ()
    run: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variant:
    """One architecture as it ran: `model` is its name, version and provider; its capacity is a short closed loop's."""

    name: str
    title: str = ""
    model: dict[str, str] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()
    closed_loop_per_s: float | None = None


@dataclass(frozen=True)
class Null:
    """What the generator did against a server that does nothing, at some requests per second. Milliseconds."""

    rate_per_s: Number
    lag_p99_ms: float | None
    service_p99_ms: float | None


@dataclass(frozen=True)
class Usage:
    """What the machine did meanwhile; shares are of the system's cores, None is what the system does not tell."""

    steal_share: float | None = None
    throttled_s: float | None = None
    pressure_share: float | None = None
    busy_s: float | None = None
    wall_s: float | None = None


@dataclass(frozen=True)
class Step:
    """A stretch of a trial with a steady load on one variant, in seconds from the window's start.

    Where variants take turns, each turn is a step, `round` counts how often everybody had one, and `position` is the
    place within the round, from 1. `scheduled` counts requests; `reason` says why a step does not count, "" if it does.
    """

    step: int
    start_s: Number
    seconds: Number
    rate_per_s: Number
    of_capacity: float | None = None
    pause_s: Number = 0.0
    variant: str = ""
    round: int = 0
    position: int = 0
    scheduled: int = 0
    reason: str = ""


@dataclass(frozen=True)
class AnyTrial:
    """What the trials of all experiments say; `reason` says why it does not count."""

    trial: int
    block: int
    variant: str
    position: int = 0
    reason: str = ""
    started_at: str = ""
    usage: Usage | None = None
    canary_ms: float | None = None

    @property
    def counted(self) -> bool:
        """Whether numbers are computed from it."""
        return not self.reason


@dataclass(frozen=True)
class Trial(AnyTrial):
    """One load on fresh stacks. `variant` is "" where several take turns.

    Scheduled = completed + dropped; failed is part of completed. `zero_ns` is the window's start on the monotonic
    clock, `zero_at` the same moment in UTC.
    """

    zero_ns: int = 0
    zero_at: str = ""
    window_s: float | None = None
    steps: tuple[Step, ...] = ()
    scheduled: int = 0
    completed: int = 0
    failed: int = 0
    dropped: int = 0
    connections: int = 0
    requests_sent: int = 0
    collections: int = 0
    loop_lag_p99_ms: float | None = None
    memory_bytes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """A trial that gave nothing, and why; `again`: it was tried once more; `code` is the exit code for that.

    Block 0: it failed before the first block, and so for the whole run.
    """

    block: int
    variant: str
    reason: str
    again: bool
    code: int = 0


@dataclass(frozen=True)
class Arm:
    """A variant measured once more: as it is (A/A), or sent `delay_ms` too late on purpose (control)."""

    name: str
    of: str
    kind: str
    delay_ms: Number = 0.0


@dataclass(frozen=True)
class Side:
    """One number of a run: a metric of a class of routes of a variant."""

    variant: str
    case: str
    metric: str


@dataclass(frozen=True)
class Expectation:
    """left compared with right must not exceed the limit."""

    title: str
    left: Side
    right: Side
    compare: Literal["ratio", "difference"]
    limit: Number
    unit: str


@dataclass(frozen=True)
class Floor:
    """How far two measurements of one system differ in a metric at an offered rate: their ratio over n blocks.

    `half_width` is relative to 1; no smaller effect at this rate is claimed.
    """

    metric: str
    offered_per_s: float | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    half_width: float | None


@dataclass(frozen=True)
class Ratio:
    """left / right of one metric at one offered rate, paired over n blocks, with the noise floor of that rate."""

    left: str
    right: str
    case: str
    metric: str
    offered_per_s: float | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    claim: bool
    floor_half_width: float | None = None


@dataclass(frozen=True)
class Point:
    """One offered rate held against the objective: `over` of n were too slow or failed; `grew`: the backlog grew."""

    rate_per_s: float | None
    n: float | None
    n_eff: float | None
    over: float | None
    verdict: str = "undecided"
    grew: bool = False


@dataclass(frozen=True)
class Capacity:
    """The bracket of offered predictions per second in which a variant stops to meet its objective.

    The objective: at most `share` slower than `slo_ms`. `error` bounds the probability that the bracket is wrong. `low`
    is None where no rate passed, `high` where none failed.
    """

    variant: str
    low: float | None
    high: float | None
    error: float | None
    slo_ms: float | None
    share: float | None
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Crossover:
    """The offered rates between which the order of two variants changes."""

    left: str
    right: str
    metric: str
    low: float | None
    high: float | None
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What every experiment says; `settings` are its profile's, `verdicts` whether it is long enough for claims."""

    settings: Scalars = field(default_factory=dict)
    verdicts: bool = False
    slo_ms: Number = 0.0
    trials: tuple[Trial, ...] = ()
    failed: tuple[Failed, ...] = ()
    gates: tuple[Gate, ...] = ()
    checks: tuple[Check, ...] = ()
    validity: Validity = Validity(reasons=("the run is not finished",))

    @property
    def counted(self) -> list[Trial]:
        """The trials from which numbers are computed."""
        return [trial for trial in self.trials if trial.counted]


@dataclass(frozen=True, kw_only=True)
class Latency(Found):
    """What the latency experiment found."""

    arms: tuple[Arm, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    noise_floor: tuple[Floor, ...] | None = None
    ratios: tuple[Ratio, ...] = ()
    capacity: tuple[Capacity, ...] = ()
    crossover: Crossover | None = None


@dataclass(frozen=True)
class Peer:
    """One inference server that was asked for, measured in so many blocks; `failed` says why in none."""

    name: str
    title: str = ""
    release: str = ""
    form: str = ""
    run: tuple[str, ...] = ()
    blocks: int = 0
    failed: str = ""


@dataclass(frozen=True)
class Promise:
    """One promise: which number must be `at most` or `at least` the limit, or that share of the best peer's."""

    title: str
    variant: str
    case: str
    metric: str
    bound: Literal["at most", "at least"]
    limit: Number
    of: Literal["", "best peer"]
    unit: str


@dataclass(frozen=True)
class Withheld:
    """One measurement of the peers that does not count."""

    variant: str
    case: str
    block: int
    reason: str


@dataclass(frozen=True)
class ImagePath:
    """Milliseconds per photo from encoded bytes to pixels in one block: Pillow + NumPy, ours; same first labels."""

    block: int
    reference_ms: Number
    ours_ms: Number
    same: int
    photos: int


@dataclass(frozen=True)
class Slice:
    """One turn of so many clients in a closed loop: right answers per second; `step` finds its n requests.

    `turnaround_ms` is what a client takes from an answer to its next request; None where nobody asked twice.
    """

    clients: int
    rate_per_s: Number
    turnaround_ms: float | None
    n: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    step: int = 0


@dataclass(frozen=True)
class Round:
    """Slices of a server between two turns of the bare loop, whose milliseconds per photo stand on both sides.

    `reason` says why it was measured again, and does not count.
    """

    before_ms: Number
    slices: tuple[Slice, ...]
    after_ms: Number
    reason: str = ""

    @property
    def bare_ms(self) -> float:
        """Milliseconds per photo of the bare loop at about the time of the slices."""
        return (self.before_ms + self.after_ms) / 2

    def rate_per_s(self, clients: int) -> float:
        """Right answers per second of the slice with so many clients."""
        (own,) = [each for each in self.slices if each.clients == clients]
        return own.rate_per_s


@dataclass(frozen=True)
class Overload:
    """A step of an overload; capacities are right answers per second to eight clients just before and after.

    There is none after the last step: a server that accepts everything would still be at work. `reason` says why a step
    was measured again, and does not count.
    """

    step: int
    of_capacity: Number
    seconds: Number
    rate_per_s: Number
    before_per_s: Number
    after_per_s: float | None = None
    connections: int = 0
    reason: str = ""

    @property
    def capacity_per_s(self) -> float:
        """The capacity at about the time of the step."""
        return self.before_per_s if self.after_per_s is None else (self.before_per_s + self.after_per_s) / 2

    @property
    def case(self) -> str:
        """What it is called: with all digits, since two loads that differ are two cases."""
        return f"{str(self.of_capacity).removesuffix('.0')} x capacity"


@dataclass(frozen=True)
class PeerTrial(AnyTrial):
    """One server in one block: rounds by model, then the overload."""

    rounds: dict[str, tuple[Round, ...]] = field(default_factory=dict)
    capacity_per_s: float | None = None
    memory_bytes: int | None = None
    overloads: tuple[Overload, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Peers(Found):
    """What the comparison with other inference servers found."""

    trials: tuple[PeerTrial, ...] = ()  # type: ignore[assignment]  # the same role in another shape
    peers: tuple[Peer, ...] = ()
    promises: tuple[Promise, ...] = ()
    images: tuple[ImagePath, ...] = ()
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class Experiments:
    """What each experiment found; None where it was not part of the run."""

    latency: Latency | None = None
    peers: Peers | None = None

    def put(self, found: Mapping[str, Any]) -> "Experiments":
        """Return these with some of them set, by name."""
        return replace(self, **found)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that run.json says. The run is valid where all its experiments are."""

    schema: str = SCHEMA
    id: str = ""
    profile: str = ""
    state: State
    started_at: str = ""
    finished_at: str | None = None
    seed: int | None = None
    command: tuple[str, ...] = ()
    settings: Scalars = field(default_factory=dict)
    machine: Machine = Machine()
    versions: dict[str, str] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    null: Null | None = None
    gates: tuple[Gate, ...] = ()
    experiments: Experiments = Experiments()
    validity: Validity = Validity(reasons=("the run is not finished",))

    @property
    def found(self) -> dict[str, Found]:
        """What each experiment of the run found, by name."""
        return {name: found for name, found in vars(self.experiments).items() if found is not None}

    @property
    def left_out(self) -> tuple[str, ...]:
        """The photos that were in the folder and are not in the catalogue, each with the reason."""
        return tuple(str(self.settings.get(LEFT_OUT, "")).splitlines())

    @property
    def verdicts(self) -> bool:
        """Whether every experiment is long enough for claims."""
        return bool(self.found) and all(each.verdicts for each in self.found.values())


def together(parts: Iterable[Validity]) -> Validity:
    """Return the validity of several: all must be valid; each reason is told once."""
    known = list(parts)
    reasons = dict.fromkeys(reason for each in known for reason in each.reasons)
    return Validity(bool(known) and all(each.valid for each in known), tuple(reasons))
