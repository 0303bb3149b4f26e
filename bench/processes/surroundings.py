"""Other people's settings: variables of the shell that would change what is measured, in one list.

What we start gets none of them, and whoever runs something is told so: a number of workers or a preloaded allocator
that nobody wrote down would be measured as if it were ours. What a stack file sets counts. Our own libraries read none
of them either: some do when they are imported, and end with an error where they do not like one.
"""

import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from bench.terminal import say

FOREIGN = (
    # Web servers, frameworks, the load generator; gunicorn and uvicorn read even those that nobody calls theirs.
    "GUNICORN_*", "UVICORN_*", "HYPERCORN_*", "WEB_CONCURRENCY", "PORT", "SENDFILE", "FORWARDED_ALLOW_IPS",
    "LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET", "FLASK_*", "WERKZEUG_*", "LOCUST_*", "GEVENT_*", "GEVENTHTTPCLIENT_*",
    "GREENLET_*", "UVLOOP_*", "SCRIPT_NAME", "AIOHTTP_*", "FASTAPI_*", "STARLETTE_*", "ZOPE_INTERFACE_*", "PYZMQ_*",
    "MSGPACK_PUREPYTHON", "LIBEV_*", "EVENT_NO*", "UV_USE_IO_URING", "UV_THREADPOOL_SIZE", "GRPC_*",
    "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
    # The other inference servers.
    "BENTOML_*", "MLSERVER_*", "KSERVE_*", "RAY_*", "LITSERVE_*", "LIT_*",
    # Telemetry, profilers and debuggers that settle in every process.
    "OTEL_*", "PROMETHEUS_*", "DD_*", "NEW_RELIC_*", "SENTRY_*", "ELASTIC_APM_*", "COVERAGE_*", "PYDEVD_*", "PYCHARM_*",
    "SQLALCHEMY_*", "PYDANTIC_*", "PSUTIL_*",
    # Python, the allocator and the loader. PYTHONHOME and the encoding are how this very Python runs.
    "PYTHON*", "_PYTHON_*", "PURE_PYTHON", "MALLOC*", "GLIBC_TUNABLES", "JE_*", "MIMALLOC_*", "TCMALLOC_*",
    "LD_*", "DYLD_*", "*SAN_OPTIONS",
    # Threads of numerical libraries, and the runtime of the model.
    "OMP_*", "GOMP_*", "KMP_*", "OPENBLAS_*", "GOTO_*", "MKL_*", "BLIS_*", "NVPL_*", "VECLIB_*", "NUMEXPR_*",
    "NUMPY_*", "NPY_*", "SCIPY_*", "PANDAS_*",
    "TBB_*", "ORT_*", "ONNX_*", "ONNXRUNTIME_*", "CUDA_LAUNCH_BLOCKING", "CUDNN_*", "CUBLAS_*", "NVIDIA_TF32_OVERRIDE",
    "PILLOW_*", "JSIMD_*", "JPEGMEM", "RAYON_*", "ARROW_*",
    # What ciphers cost; names are compared in capitals.
    "OPENSSL_CONF", "OPENSSL_IA32CAP", "OPENSSL_ARMCAP",
    # SQLite, and proxies: everything that is measured is on this machine.
    "SQLITE_*", "*_PROXY", "CURL_*", "SSLKEYLOGFILE",
    # Else git would describe another repository.
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE",
)  # fmt: skip
KEPT = (
    "PYTHONHOME", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONCOERCECLOCALE", "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX", "PYTHONNOUSERSITE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
    "CURL_CA_BUNDLE",
)  # fmt: skip
NETWORK = ("*_PROXY", "CURL_*", "OPENSSL_CONF", "SSLKEYLOGFILE")  # how whoever installs peers reaches a registry
OURS = ("SWEETSPOT_*",)  # settings of the product: `up` hands them on, a run has its own


def matching(names: Iterable[str], patterns: Iterable[str] = FOREIGN) -> list[str]:
    """Return those names that are in the list, whatever their case: proxies are written in both."""
    wanted = tuple(patterns)
    return sorted(
        name
        for name in names
        if name.upper() not in KEPT and any(fnmatchcase(name.upper(), pattern) for pattern in wanted)
    )


def without_foreign(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that what we start may have."""
    dropped = set(matching(variables))
    return {name: value for name, value in variables.items() if name not in dropped}


_forgotten: set[str] = set()


def forget() -> None:
    """Take them from our own process, but for those of the network; to be called before its libraries are imported."""
    for name in set(matching(os.environ)) - set(matching(os.environ, NETWORK)):
        _forgotten.add(name)
        del os.environ[name]


def found() -> list[str]:
    """Return the names of all that there were when we were started."""
    return sorted({*_forgotten, *matching(os.environ)})


def tell(dropped: Iterable[str]) -> None:
    """Say which variables are not handed on, if any are. Names only: a value may be a password."""
    if names := ", ".join(dropped):
        say(f"not handed on to what is started, since they would change what is measured: {names}", err=True)
