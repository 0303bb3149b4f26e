from bench.session.targets import targets_of
from bench.stacks.verify import Answer, Verified


def test_the_generator_gets_ids_as_parts_of_paths_and_the_right_labels_of_the_version():
    verified = Verified("v", {"version": "2"}, {"a/b c": Answer(("tabby", "lynx"), (0.5, 0.25))})
    assert targets_of(verified) == [{"id": "a/b c", "path": "a%2Fb%20c", "labels": {"2": ("tabby", "lynx")}}]
