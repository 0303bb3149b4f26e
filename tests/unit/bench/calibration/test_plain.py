from pathlib import Path

import pytest

from bench.calibration import plain
from bench.exits import GeneratorFailed
from tests.unit.bench.calibration.servers import live

TABLE = """Type,Name,Request Count,50%,66%,90%,99%,99.9%,99.99%
GET,/api/photos/1,100,1,1,1,1,1,1
,Aggregated,100,2,3,16,510,520,520
"""


def test_the_line_of_all_requests_is_read(tmp_path: Path):
    table = tmp_path / "plain_stats.csv"
    table.write_text(TABLE)
    assert plain.read(table) == {0.5: 2, 0.9: 16, 0.99: 510, 0.999: 520}


def test_stock_locust_runs_and_reports(tmp_path: Path):
    with live("--service-ms", "30") as server:
        found = plain.percentiles(f"http://127.0.0.1:{server.facts['port']}", 2, tmp_path, ())
    assert found[0.5] >= 29
    assert found[0.999] >= found[0.5]


def test_stock_locust_that_cannot_run_is_a_failure_with_its_log(tmp_path: Path):
    with pytest.raises(GeneratorFailed, match="stock Locust failed"):
        plain.percentiles("not a url", 1, tmp_path, ())
