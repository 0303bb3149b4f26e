"""ONNX Runtime, set up the same way for every variant: this file alone knows its options. Below `vision.classifier`.

`onnxruntime` is imported when a session is opened, after the fork and in the processes that need it.
"""

import ctypes
import sys
from typing import TYPE_CHECKING, Any

from imaging.memory import keep_freed_memory
from vision.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
DEVICES = ("cpu", "cuda", "auto")
MOST_THREADS = 1024  # of one inference; more than cores only cost memory


def open_session(model: bytes, *, device: str, threads: int) -> "InferenceSession":
    """Load a serialised model on `cpu`, `cuda` or `auto`; raise `ModelError` rather than run it anywhere else.

    `threads` is what one run may use; callers that run at the same time share them.
    """
    import onnxruntime

    keep_freed_memory()
    onnxruntime.disable_telemetry_events()  # a model server tells nobody but its owner what it does
    provider = choose_provider(device)
    if provider == CUDA:
        onnxruntime.preload_dlls()
    try:
        # Without `enable_fallback=0`, a GPU that fails, now or later, is replaced by the CPU and a line on stdout.
        session = onnxruntime.InferenceSession(model, _options(threads), [_tuned(provider)], enable_fallback=0)
    except Exception as error:
        raise ModelError(f"ONNX Runtime cannot load the model on {provider}: {error}") from error
    if session.get_providers()[0] != provider:
        raise ModelError(f"asked ONNX Runtime for {provider} and got {session.get_providers()[0]}")
    return session


def choose_provider(device: str) -> str:
    """Return the execution provider for `cpu`, `cuda` or `auto`; raise `ModelError` where CUDA cannot be had at all."""
    import onnxruntime

    if device not in DEVICES:
        raise ModelError(f"no device {device!r}: there are {', '.join(DEVICES)}")
    offered = CUDA in onnxruntime.get_available_providers()
    if device == "cuda" and not offered:
        raise ModelError("CUDA was asked for, and the installed ONNX Runtime has none: install the extra `gpu`")
    return CUDA if device == "cuda" or (device == "auto" and offered and nvidia_driver_answers()) else CPU


def nvidia_driver_answers() -> bool:
    """Tell whether there is an NVIDIA driver with a device; ONNX Runtime lists CUDA on machines that have neither."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def _options(threads: int) -> "SessionOptions":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # A thread that spins while it waits takes the core from whatever else runs there: web workers, the database.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _tuned(provider: str) -> tuple[str, dict[str, Any]]:
    if provider != CUDA:
        return provider, {}
    # EXHAUSTIVE, the default, times every algorithm anew for each batch size it meets. TF32, on by default, would
    # round to ten bits: the variants must give the same answers, whichever of them has a GPU.
    return provider, {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
