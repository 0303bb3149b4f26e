"""What stock Locust reports about a server: its own table's percentiles. For comparison, judged by nobody."""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.exits import GeneratorFailed
from bench.processes.guarded import ROOT, Guarded, environment

LOCUSTFILE = Path(__file__).with_name("plain_locustfile.py")
USERS, RATE_PER_S = 10, 100.0
START_ALLOWANCE_S = 60.0
COLUMNS = {0.5: "50%", 0.9: "90%", 0.99: "99%", 0.999: "99.9%"}  # of Locust's table


def percentiles(url: str, seconds: float, folder: Path, cores: Iterable[int]) -> dict[float, float]:
    """Return milliseconds by percentile. Raises GeneratorFailed."""
    argv = [
        sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE.relative_to(ROOT)), "--headless", "--host", url,
        "--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{seconds:g}s",
        "--only-summary", "--csv", str(folder / "plain"),
    ]  # fmt: skip
    env = environment({"HOME": str(folder)})  # there may be a .locust.conf in the user's
    with Guarded("stock Locust", argv, env=env, log=folder / "plain.log", cores=cores) as locust:
        locust.end_well(seconds + START_ALLOWANCE_S, GeneratorFailed)
    return read(folder / "plain_stats.csv")


def read(table: Path) -> dict[float, float]:
    """Read the line of all requests together."""
    with table.open(encoding="utf-8", newline="") as file:
        (total,) = (row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    return {share: float(total[column]) for share, column in COLUMNS.items()}
