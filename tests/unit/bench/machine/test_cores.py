import pytest

from bench.machine import cores
from bench.machine.cores import Split, split


@pytest.mark.parametrize(
    ("cores", "sut", "generator"),
    [([0], (0,), (0,)), ([0, 1], (0,), (1,)), ([2, 3, 5], (2,), (3, 5)), ([0, 1, 2, 3], (0, 1), (2, 3))],
)
def test_the_first_half_serves_and_the_rest_generates(
    cores: list[int], sut: tuple[int, ...], generator: tuple[int, ...]
):
    assert (split(cores, pinned=True).sut, split(cores, pinned=True).generator) == (sut, generator)


def test_a_single_core_is_shared_and_this_is_known():
    assert split([0], pinned=True) == Split((0,), (0,), pinned=True)
    assert split([0, 1], pinned=True) == Split((0,), (1,), pinned=True)


def test_the_fingerprint_names_the_machine():
    found, machine = cores.split_cores(), cores.fingerprint(cores.split_cores())
    assert machine.cpu
    assert machine.memory_bytes
    assert (machine.sut_cores, machine.generator_cores, machine.pinned) == (found.sut, found.generator, found.pinned)
    assert "locust" in cores.versions()
