"""The options of the Locust process, and the plan that they stand for."""

import json
import time
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from bench.exits import Failure, UsageProblem, WrongAnswers
from bench.load.address import origin_of
from bench.load.plan import Plan, Target
from bench.load.schedule import ARRIVALS, Phase, draw
from bench.stacks.contract import PATHS
from bench.stacks.verify import Asker

MIX = "prediction=2,metadata=2,page=1,image=1"
PLAN_DEADLINE_S, PLAN_POLL_S = 120.0, 0.02
LONGEST_S, MOST = 1e6, 10_000_000  # seconds of anything, requests of a plan: what times in ns and memory can hold
LEAST_SHARE, MOST_SHARE = 1e-6, 1e6
MOST_SEED = 10**18
LONGEST_NUMBER, SHOWN = 100, 40  # characters of a number, of a value in a complaint

Number = TypeVar("Number", int, float)


def add_options(parser: ArgumentParser) -> None:
    """Add ours to Locust's own; the web page shows them, too.

    All are texts, and read when a test starts: what the page sends never comes past argparse. One in a group is not on
    the page.
    """
    parser.add_argument("--rate", default="5", metavar="R[,R...]", help="requests per second; several are steps")
    parser.add_argument("--seconds", default="60", help="seconds of each step")
    parser.add_argument("--warmup", default="5", help="seconds at the first rate that are not measured")
    parser.add_argument("--mix", default=MIX, help="shares of the routes: prediction, metadata, page, image")
    parser.add_argument("--arrivals", default="poisson", choices=ARRIVALS, help="how requests follow each other")
    parser.add_argument("--seed", default="1", help="the same seed draws the same requests")
    parser.add_argument("--deadline", default="10", help="seconds from a request's intended time")
    parser.add_argument("--samples", default="", help="Parquet file to write, one row for each request")
    group = parser.add_argument_group("Harness (sweetspot)")
    group.add_argument("--plan", default="", help="with --headless, a plan from the harness instead of all of these")


def plan_of(options: Namespace, host: str) -> Plan:
    """Return the plan that the options stand for. Raises a Failure: StackFailed where nobody answers, and so on."""
    if options.plan and not options.headless:
        raise UsageProblem(f"--plan {options.plan} is for the harness, which needs no web page; leave it out")
    if options.plan:
        return awaited(Path(options.plan))
    rates, mix = rates_of(options.rate), mix_of(options.mix)
    seconds, warm_up, deadline, seed = numbers_of(options)
    count = sum(rates) * seconds + rates[0] * warm_up
    if count > MOST:
        raise UsageProblem(f"--rate and --seconds make {count:.2g} requests; a plan holds {MOST} at most")
    if options.arrivals not in ARRIVALS:
        raise UsageProblem(f"--arrivals {shown(options.arrivals)} must be {' or '.join(ARRIVALS)}")
    steps = [Phase(seconds, {case: rate * share for case, share in mix.items()}) for rate in rates]
    targets = photos_of(host)
    schedule = draw(Phase(warm_up, steps[0].rates), steps, len(targets), arrivals=options.arrivals, seed=(seed,))
    if not schedule.measured.any():
        raise UsageProblem("nothing to send: the rates are too low for so few --seconds")
    return Plan([host], schedule, targets, deadline)


def numbers_of(options: Namespace) -> tuple[float, float, float, int]:
    """Read --seconds, --warmup, --deadline and --seed. Raises UsageProblem."""
    seconds, warm_up, deadline = (number(options, name, float) for name in ("seconds", "warmup", "deadline"))
    seed = number(options, "seed", int)
    if not (seconds > 0 and warm_up >= 0 and deadline > 0 and seed >= 0):
        raise UsageProblem("--seconds and --deadline must be more than 0, --warmup and --seed 0 or more")
    if max(seconds, warm_up, deadline) > LONGEST_S:
        raise UsageProblem(f"--seconds, --warmup and --deadline can be {LONGEST_S:.0f} at most")
    if seed > MOST_SEED:
        raise UsageProblem(f"--seed can be {MOST_SEED} at most")
    return seconds, warm_up, deadline, seed


def number(options: Namespace, name: str, kind: type[Number]) -> Number:
    """Read a number. Raises UsageProblem."""
    text = getattr(options, name)
    if len(text) <= LONGEST_NUMBER:
        with suppress(ValueError):
            return kind(text)
    raise UsageProblem(f"--{name} takes a {'whole ' if kind is int else ''}number, not {shown(text)}")


def shown(text: str) -> str:
    """Return a value for a complaint: the page takes any number of characters."""
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")


def awaited(path: Path, deadline_s: float = PLAN_DEADLINE_S) -> Plan:
    """Read the harness's plan once it is there: we are started ahead, so nobody waits for us. Raises UsageProblem."""
    until = time.monotonic() + deadline_s
    try:
        while not path.exists():
            if time.monotonic() > until:
                raise UsageProblem(f"there was no {path} within {deadline_s:.0f} s")
            time.sleep(PLAN_POLL_S)
        plan = Plan.from_facts(json.loads(path.read_text(encoding="utf-8")))
        plan.check()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise UsageProblem(f"--plan {path} cannot be read, or holds no plan: {error!r}") from error
    return plan


def rates_of(text: str) -> list[float]:
    """Read `10` or `5,10,20`. Raises UsageProblem."""
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(0 < rate < float("inf") for rate in rates):
        raise UsageProblem(f"--rate {shown(text)} must be numbers above 0 with commas between, such as 20 or 5,10,20")
    return rates


def mix_of(text: str) -> dict[str, float]:
    """Read `prediction=2,metadata=1` and return shares that add up to 1. Raises UsageProblem."""
    pairs = [(name.strip(), weight) for name, _, weight in (part.partition("=") for part in text.split(","))]
    try:
        weights = {name: float(weight) for name, weight in pairs}
    except ValueError:
        weights = {}
    if not weights or not set(weights) <= set(PATHS):
        raise UsageProblem(f"--mix {shown(text)} must look like {MIX}; routes: {', '.join(PATHS)}")
    if len(weights) < len(pairs):
        raise UsageProblem(f"--mix {shown(text)} names a route twice; give each its share once")
    if not all(LEAST_SHARE <= weight <= MOST_SHARE for weight in weights.values()):
        raise UsageProblem(f"--mix {shown(text)}: every share must be from {LEAST_SHARE:f} to {MOST_SHARE:.0f}")
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


def photos_of(host: str) -> list[Target]:
    """Ask the product for its photos. Raises a Failure."""
    origin_of(host)
    try:
        found = [Target(id=photo, path=quote(photo, safe="")) for photo in Asker(host, host.rstrip("/")).photo_ids()]
    except Failure:
        raise
    except Exception as error:  # whatever it is that answers there
        raise WrongAnswers(f"{host} does not answer like the product when asked for its photos: {error!r}") from error
    if not found:
        raise UsageProblem(f"{host} has no photos to ask for; upload some first")
    return found
