import pytest

from vision.errors import ModelError
from vision.releases import NAMES, RELEASES, find_release, versions_of


def test_models_and_versions():
    assert NAMES == ("efficientnet-lite", "no-op")
    assert versions_of("efficientnet-lite") == ("1", "2")
    assert versions_of("no-op") == ("1",)


def test_a_release_is_found_by_version_and_name():
    assert all(find_release(release.version, release.name) is release for release in RELEASES)
    assert find_release("2").name == "efficientnet-lite"


@pytest.mark.parametrize(
    ("version", "name", "words"),
    [
        ("3", "efficientnet-lite", "no model version '3': there are 1, 2 of efficientnet-lite"),
        ("2", "no-op", "no model version '2': there are 1 of no-op"),
        ("1", "resnet", "no model 'resnet': there are efficientnet-lite, no-op"),
    ],
)
def test_what_there_is_none_of_is_refused(version, name, words):
    with pytest.raises(ModelError, match=words):
        find_release(version, name)
