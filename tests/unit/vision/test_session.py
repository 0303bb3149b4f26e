"""Choosing a device: CUDA is taken where it is, and never silently replaced. No GPU is needed; drivers are played."""

import ctypes
from types import SimpleNamespace

import onnxruntime
import pytest

from vision.artifact import load_artifact
from vision.errors import ModelError
from vision.session import CPU, CUDA, choose_provider, nvidia_driver_answers, open_session


@pytest.fixture
def cuda_build(monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)


def driver(status: int, devices: int) -> SimpleNamespace:
    def count_devices(pointer):
        pointer._obj.value = devices
        return 0

    return SimpleNamespace(cuInit=lambda _: status, cuDeviceGetCount=count_devices)


@pytest.mark.parametrize(("status", "devices", "answers"), [(0, 1, True), (0, 0, False), (100, 1, False)])
def test_a_driver_answers_when_it_has_a_device(monkeypatch, status, devices, answers):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver(status, devices))

    assert nvidia_driver_answers() is answers


def test_no_driver_is_no_error(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)

    assert nvidia_driver_answers() is False


@pytest.mark.parametrize(("answers", "provider"), [(True, CUDA), (False, CPU)])
def test_auto_needs_the_driver_too(cuda_build, monkeypatch, answers, provider):
    monkeypatch.setattr("vision.session.nvidia_driver_answers", lambda: answers)

    assert choose_provider("auto") == provider
    assert choose_provider("cpu") == CPU
    assert choose_provider("cuda") == CUDA


def test_cuda_without_a_cuda_build_says_what_to_install(monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])

    assert choose_provider("auto") == CPU
    with pytest.raises(ModelError, match="install the extra `gpu`"):
        choose_provider("cuda")


def test_an_unknown_device_is_refused():
    with pytest.raises(ModelError, match="no device 'tpu': there are cpu, cuda, auto"):
        choose_provider("tpu")


def test_getting_the_cpu_instead_of_cuda_is_an_error(cuda_build, monkeypatch):
    fallen_back = SimpleNamespace(get_providers=lambda: [CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: fallen_back)

    with pytest.raises(ModelError, match=f"asked ONNX Runtime for {CUDA} and got {CPU}"):
        open_session(b"", device="cuda", threads=1)


def test_the_session_is_opened_without_fallback_and_with_our_threads(cuda_build, monkeypatch):
    seen = {}

    def record(model, options, providers, **keywords):
        seen.update(options=options, providers=providers, **keywords)
        return SimpleNamespace(get_providers=lambda: [CUDA, CPU])

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    open_session(b"", device="cuda", threads=3)

    assert seen["enable_fallback"] == 0
    assert seen["providers"] == [(CUDA, {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"})]
    assert (seen["options"].intra_op_num_threads, seen["options"].inter_op_num_threads) == (3, 1)
    assert seen["options"].get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_the_real_session_takes_the_options(models):
    session = open_session(load_artifact(models, "1").model, device="cpu", threads=2)

    assert session.get_providers() == [CPU]
    assert session.get_session_options().intra_op_num_threads == 2
    assert session._enable_fallback is False


def test_a_model_that_does_not_load_is_a_model_error():
    with pytest.raises(ModelError, match="cannot load the model"):
        open_session(b"not a model", device="cpu", threads=1)
