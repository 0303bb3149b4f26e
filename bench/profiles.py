"""How much a run measures: a named profile of `profiles.toml`, or the user's own file with the same keys."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.exits import UsageProblem
from bench.load.schedule import ARRIVALS

OURS = Path(__file__).with_name("profiles.toml")
CASES = ("prediction", "metadata", "page", "image")


@dataclass(frozen=True)
class Profile:
    """The size of a run. Rates are in arrivals per second by case; times in seconds."""

    name: str
    budget_s: float
    blocks: int
    warmup_s: float
    window_s: float
    limit_s: float
    arrivals: str
    verdicts: bool
    rates: Mapping[str, float]

    @property
    def rate_per_s(self) -> float:
        """The offered rate of all cases together."""
        return sum(self.rates.values())

    def settings(self) -> dict[str, object]:
        """Return the profile as the flat settings of run.json."""
        flat = {key: value for key, value in asdict(self).items() if key not in {"rates", "name"}}
        return {**flat, **{f"rate_{case}_per_s": rate for case, rate in self.rates.items()}}


KEYS = {"budget_s": float, "blocks": int, "warmup_s": float, "window_s": float, "limit_s": float}
POSITIVE = ("budget_s", "blocks", "window_s")


def load(name: str) -> Profile:
    """Return the profile of that name, or the one in the TOML file of that path. Raises UsageProblem."""
    if name.endswith(".toml"):
        return check(_read(Path(name)), Path(name).stem, name)
    ours = _read(OURS)
    if name not in ours:
        raise UsageProblem(f"unknown profile {name!r}: known are {', '.join(ours)}; or give the path of a .toml file")
    return check(ours[name], name, f"{OURS}: {name}")


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageProblem(f"profile {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"profile {path} is not valid TOML: {error}") from error


def check(values: object, name: str, where: str) -> Profile:
    """Turn the table of a profile into a Profile; every mistake is named with its key."""
    if not isinstance(values, dict):
        raise UsageProblem(f"{where} must be a table")
    known = {*KEYS, "arrivals", "verdicts", "rates"}
    wrong = [f"unknown key {key}" for key in values if key not in known]
    wrong += [f"{key} is missing" for key in sorted(known) if key not in values]
    if not wrong:
        wrong = [f"{key} must be a number, 0 or more" for key in KEYS if not _number(values[key])]
        wrong = wrong or [f"{key} must be more than 0" for key in POSITIVE if values[key] <= 0]
        wrong += _choices(values)
    if wrong:
        raise UsageProblem(f"{where}: {'; '.join(wrong)}")
    numbers = {key: kind(values[key]) for key, kind in KEYS.items()}
    rates = {case: float(rate) for case, rate in values["rates"].items()}
    return Profile(name=name, arrivals=values["arrivals"], verdicts=values["verdicts"], rates=rates, **numbers)


def _choices(values: Mapping[str, object]) -> list[str]:
    wrong, rates = [], values["rates"]
    if values["arrivals"] not in ARRIVALS:
        wrong.append(f"arrivals must be one of: {', '.join(ARRIVALS)}")
    if not isinstance(values["verdicts"], bool):
        wrong.append("verdicts must be true or false")
    if not isinstance(rates, dict) or not rates or not set(rates) <= set(CASES):
        wrong.append(f"rates must be a table of some of: {', '.join(CASES)}")
    elif not all(_number(rate) and rate > 0 for rate in rates.values()):
        wrong.append("every rate must be a number above 0")
    return wrong


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
