"""A worker's metrics have all their room from the start, and give back what they did not need."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from webapp import metric_files
from webapp.metric_files import ROOM

FILLED = """
import os, sys
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
from types import SimpleNamespace
from webapp import metric_files, metrics
from webapp.predictor import Model
from pathlib import Path
folder = Path(sys.argv[1])
metric_files.reserve(folder, os.getpid())
ours = metrics.Metrics()
for number in range(3000):  # more than there may be
    request = SimpleNamespace(url_rule=f"/api/photos/<photo_id:photo_id>/predictionsss-{number:04}", method="OPTIONS")
    ours.observe(request, 503, "PredictorUnavailable", {"decode": 0.1}, 0.1)
for version in range(100):
    ours.model(Model("efficientnet-lite", str(version), "CPUExecutionProvider"))
assert b"other" in ours.text()
print(os.getpid())
"""


def filled(folder: Path) -> int:
    done = subprocess.run([sys.executable, "-c", FILLED, folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_the_room_is_enough_for_whatever_clients_ask(tmp_path: Path) -> None:
    pid = filled(tmp_path)

    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == {
        f"{kind}_{pid}.db": size for kind, size in ROOM.items()
    }


def test_a_folder_is_no_pattern_of_names(tmp_path: Path) -> None:
    folder = tmp_path / "a [b]*?"
    folder.mkdir()

    filled(folder)  # which looks at what it has counted


def test_the_room_is_really_taken(tmp_path: Path) -> None:
    metric_files.reserve(tmp_path, 7)

    assert sum(path.stat().st_blocks * 512 for path in tmp_path.iterdir()) >= sum(ROOM.values())


def test_a_worker_that_has_ended_keeps_its_counts_and_nothing_else(tmp_path: Path) -> None:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    pid = filled(tmp_path)
    metric_files.settle(tmp_path, pid)

    assert {path.name for path in tmp_path.iterdir()} == {f"histogram_{pid}.db", f"counter_{pid}.db"}
    assert (tmp_path / f"counter_{pid}.db").stat().st_size < 10_000
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(tmp_path))
    assert b'sweetspot_predictions_total{outcome="PredictorUnavailable"} 3000.0' in generate_latest(registry)


def test_a_worker_that_never_counted_harms_nobody(tmp_path: Path) -> None:
    metric_files.settle(tmp_path, 7)
    metric_files.reserve(tmp_path, 8)
    metric_files.settle(tmp_path, 8)


def test_without_room_nothing_stays(tmp_path: Path) -> None:
    limited = f"""
import resource
from pathlib import Path
from webapp import metric_files
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    metric_files.reserve(Path({os.fspath(tmp_path)!r}), 7)
except OSError as error:
    print(error.strerror)
"""
    done = subprocess.run([sys.executable, "-c", limited], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "File too large\n"
    assert not list(tmp_path.iterdir())


def test_counting_starts_from_zero(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    metric_files.empty(folder)
    metric_files.reserve(folder, 7)
    metric_files.empty(folder)

    assert not list(folder.iterdir())


def test_what_holds_no_counts_is_left_out(tmp_path: Path) -> None:
    pid = filled(tmp_path)
    metric_files.reserve(tmp_path, 8)  # it never counted
    metric_files.settle(tmp_path, 8)
    (tmp_path / "counter_9.db").touch()  # killed while it made its files
    (tmp_path / "histogram_9.db").write_bytes(b"\xff\xff\xff\x7f garbage")

    assert {path.name for path in metric_files.whole(tmp_path)} == {
        f"counter_{pid}.db",
        f"gauge_livemostrecent_{pid}.db",
        f"histogram_{pid}.db",
    }
