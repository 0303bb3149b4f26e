import sys
from pathlib import Path

import pytest

from bench.exits import UsageProblem
from bench.stacks import stack
from tests.unit.bench.variants import TOY, variant

GOOD = """
title = "T"
[process.web]
run = ["{python}", "-m", "app", "{port}"]
ready = "/readyz"
roles = ["pages"]
"""


def test_the_toy_says_what_it_runs():
    toy = stack.load(TOY)
    assert (toy.name, toy.pages.name, toy.pages.ready) == ("toy_variant", "web", "/readyz")
    assert toy.pages.roles == {"pages", "model"}
    assert len(toy.prepare) == len(toy.deploy) == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("title =", "titel ="), "title is missing; titel is not known here"),
        (('"T"', "3"), "title: must be a valid string"),
        (('"/readyz"', '"readyz"'), "process.web.ready: must be a path"),
        (('ready = "/readyz"', ""), "process.web.ready: the process that answers users"),
        (('"pages"', '"page"'), "process.web.roles[0]: must be 'pages', 'model' or 'refresh'"),
        (('"pages"', '"model"'), "exactly one process needs roles"),
        (('"{port}"', '"{prot}"'), "process.web.run: unknown field {prot}"),
        (('"{port}"', '"{web.pid}"'), "process.web.run: unknown field {web.pid}"),
        (('"{port}"', '"{port!r}"'), "process.web.run: '{port!r}' may only hold plain fields"),
        (('"{port}"', '"{"'), "process.web.run: '{' is not a valid template"),
        (('"{port}"', "8000"), "process.web.run[3]: must be a valid string"),
        (("ready =", "raedy ="), "process.web.raedy is not known here"),
        (("[process.web]", "[prepare]\nrun = 3\n[process.web]"), "prepare.run: must be a valid array"),
        (("[process.web]", '[env]\nX = "{nowhere}"\n[process.web]'), "env.X: unknown field {nowhere}"),
        (("[process.web]", "[env]\nX = 3\n[process.web]"), "env.X: must be a valid string"),
        (("[process.web]", "env = 3\n[process.web]"), "env: must be a"),
        (("[process.web]", '[deploy]\nrun = [["{version}", "{port}"]]\n[process.web]'), "deploy.run: unknown field"),
        (("[process.web]", "[process.bare]\nrun = []\n[process.web]"), "process.bare.run: must not be empty"),
        (("title", "title title"), "is not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_place(tmp_path: Path, change: tuple[str, str], place: str):
    with pytest.raises(UsageProblem) as problem:
        variant(tmp_path / "mine", GOOD.replace(*change))
    assert str(tmp_path / "mine" / "stack.toml") in str(problem.value)
    assert place in str(problem.value)


def test_variants_are_found_by_their_file_and_chosen_by_name_or_path(tmp_path: Path):
    for name in ("b", "a"):
        variant(tmp_path / name, GOOD)
    (tmp_path / "c").mkdir()
    assert [each.name for each in stack.find(root=tmp_path)] == ["a", "b"]
    assert [each.name for each in stack.find(["b", str(TOY)], root=tmp_path)] == ["b", "toy_variant"]


def test_an_unknown_variant_is_told_what_is_known(tmp_path: Path):
    variant(tmp_path / "a", GOOD)
    with pytest.raises(UsageProblem, match=r"unknown variant 'x': known are a; or give the path of a folder"):
        stack.find(["x"], root=tmp_path)


def test_no_variant_at_all_and_two_of_the_same_name_are_said(tmp_path: Path):
    with pytest.raises(UsageProblem, match="no variant found"):
        stack.find(root=tmp_path)
    for parent in ("one", "two"):
        variant(tmp_path / parent / "same", GOOD)
    with pytest.raises(UsageProblem, match="two variants have the same folder name"):
        stack.find([str(tmp_path / parent / "same") for parent in ("one", "two")], root=tmp_path)


def test_reading_stacks_does_not_import_the_load_generator():
    assert "locust" not in sys.modules
