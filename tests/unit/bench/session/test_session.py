from pathlib import Path

from bench.stacks.verify import Answer, Verified
from tests.unit.bench.session.fakes import session


def test_the_load_asks_for_the_photos_of_the_catalogue_in_its_order_with_the_labels_that_are_right(tmp_path: Path):
    this, model = session(tmp_path), {"name": "lite", "version": "2", "provider": "CPU"}
    answers = {"b/1": Answer(("cat", "dog"), (0.7, 0.1)), "a": Answer(("cup",), (0.9,))}
    this.verified.append(Verified("one", model, answers))
    assert this.targets == [
        {"id": "b/1", "path": "b%2F1", "labels": {"2": ("cat", "dog")}},
        {"id": "a", "path": "a", "labels": {"2": ("cup",)}},
    ]


def test_trials_are_numbered_through_all_experiments(tmp_path: Path):
    this = session(tmp_path)
    assert [this.number(), this.number(), this.number()] == [1, 2, 3]
