"""What the shell has set for other programs reaches nothing that we start."""

import os
import sys
from pathlib import Path

import pytest

from bench.processes import surroundings
from bench.processes.guarded import ROOT, Guarded, environment

OTHERS = (
    "GUNICORN_CMD_ARGS", "WEB_CONCURRENCY", "UVICORN_WORKERS", "LOCUST_USERS", "PYTHONOPTIMIZE", "PYTHONSTARTUP",
    "PYTHONDEVMODE", "PYTHONMALLOC", "PYTHONASYNCIODEBUG", "PYTHON_GIL", "MALLOC_ARENA_MAX", "MALLOC_CONF",
    "LD_PRELOAD",
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ORT_LOG_LEVEL", "FLASK_DEBUG",
    "PROMETHEUS_MULTIPROC_DIR", "OTEL_SDK_DISABLED", "http_proxy", "HTTPS_PROXY", "all_proxy", "GLIBC_TUNABLES",
    "SCRIPT_NAME", "PURE_PYTHON", "MSGPACK_PUREPYTHON", "PYZMQ_BACKEND", "ZOPE_INTERFACE_STRICT_IRO",
    "PYDANTIC_DISABLE_PLUGINS", "PSUTIL_DEBUG", "OPENSSL_CONF", "OPENSSL_ia32cap", "JE_ARROW_MALLOC_CONF",
    "FASTAPI_ENV", "_PYTHON_SUBPROCESS_USE_POSIX_SPAWN", "JPEGMEM", "UV_USE_IO_URING", "UV_THREADPOOL_SIZE",
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "GRPC_VERBOSITY", "AIOHTTP_NO_EXTENSIONS", "RAYON_NUM_THREADS",
    "LIBEV_FLAGS", "EVENT_NOEPOLL",
)  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_would_change_the_measurement_is_not_handed_on_and_told(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv(name, "7")
    assert name not in environment()
    surroundings.tell(surroundings.matching(os.environ))
    assert name in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "SWEETSPOT_X", "MINE"]
)
def test_what_everybody_needs_stays(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, "value")
    assert environment()[name] == "value"
    assert name not in surroundings.matching(os.environ)


def test_what_a_stack_sets_counts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environment({"OMP_NUM_THREADS": "1"})["OMP_NUM_THREADS"] == "1"


def test_only_names_are_told_and_nothing_where_there_are_none(capsys: pytest.CaptureFixture[str]):
    surroundings.tell([])
    assert capsys.readouterr().err == ""
    surroundings.tell(["A", "B"])
    assert capsys.readouterr().err.endswith(": A, B\n")


def test_our_own_libraries_read_none_of_them_and_installers_keep_the_network(monkeypatch: pytest.MonkeyPatch):
    """What was there is still told, although it is no longer there."""
    monkeypatch.setattr(surroundings, "_forgotten", set())
    others, network = ("PANDAS_FUTURE_INFER_STRING", "OMP_NUM_THREADS"), ("https_proxy", "OPENSSL_CONF")
    for name in (*others, *network, "MINE"):
        monkeypatch.setenv(name, "x")
    surroundings.forget()
    assert not set(others) & set(os.environ)
    assert {*network, "MINE"} <= set(os.environ)
    assert {*others, *network} <= set(surroundings.found())
    assert "MINE" not in surroundings.found()


@pytest.mark.parametrize("name", ["reports", "runfile", "webapp", "vision", "bench", "numpy"])
def test_a_child_imports_ours_and_not_what_pythonpath_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / f"{name}.py").write_text("raise SystemExit('not ours')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    log = tmp_path / "log"
    with Guarded("it", [sys.executable, "-c", f"import {name}"], env=environment(), log=log) as it:
        assert it.wait(30) == 0, log.read_text()


def test_the_variants_folder_is_importable_beside_ours(tmp_path: Path):
    assert environment(path=[tmp_path])["PYTHONPATH"] == f"{ROOT}:{tmp_path}"
