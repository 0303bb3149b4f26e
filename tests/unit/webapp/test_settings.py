import os
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.database import connect
from webapp.settings import Settings, SettingsError


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEETSPOT_DATA", raising=False)
    with pytest.raises(SettingsError, match="SWEETSPOT_DATA is not set"):
        Settings.from_env()


@pytest.mark.parametrize("url", ["nonsense", "nosuchdatabase://host/name", "mysql://host/name"])
def test_a_database_url_that_cannot_be_used_is_shown_with_the_forms_that_can(url: str) -> None:
    with pytest.raises(SettingsError, match="or postgresql://"):
        connect(url)


@pytest.mark.parametrize("place", ["missing/data", "file", "file/data"])
def test_a_data_folder_that_cannot_be_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SWEETSPOT_DATA", str(tmp_path / place))
    with pytest.raises(SettingsError, match=f"SWEETSPOT_DATA: '.*{place}' cannot be a folder"):
        Settings.from_env().make_folder()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["SWEETSPOT_WEB_WORKERS", "SWEETSPOT_WEB_THREADS"])
@pytest.mark.parametrize("value", ["x", "0", "1000000000", "9" * 5000])
def test_gunicorn_tells_a_number_that_is_none_in_a_line(tmp_path: Path, name: str, value: str) -> None:
    env = {**os.environ, "SWEETSPOT_DATA": str(tmp_path), name: value}
    argv = [sys.executable, "-m", "gunicorn", "--config", "python:webapp.gunicorn_conf", "--check-config", "none:none"]
    ended = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    [line] = ended.stderr.split("\n")[1:-1]
    assert line.startswith(f"Error: {name} must be a whole number from 1 to ")
    assert len(line) < 200
