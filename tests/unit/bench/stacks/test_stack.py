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
        (('"T"', r'"T\u001b[31m"'), "title: must be one line of text"),
        (('"T"', r'"T\nand more"'), "title: must be one line of text"),
        (('"T"', "[" * 9000), "lists within lists within lists"),
        (('"T"', "9" * 9000), "is not valid TOML"),
        (('"T"', "0x" + "F" * 9000), "Exceeds the limit"),
        (("process.web", 'process."../../../x"'), "process: '../../../x' must be up to 64 letters"),
        (("process.web", 'process."a/b"'), "process: 'a/b' must be"),
        (("process.web", 'process.".."'), "process: '..' must be"),
        (("process.web", 'process."prepare-1"'), "process.prepare-1: the log of a command is called so"),
        (("process.web", 'process."Deploy-12"'), "process.Deploy-12: the log of a command is called so"),
        (("[process.web]", '[process.Web]\nrun = ["x"]\n[process.web]'), "process.web: there is a process Web"),
        (("process.web", 'process.""'), "process: '' must be"),
        (("process.web", r'process."a\u0000b"'), r"process: 'a\x00b' must be"),
        (("process.web", 'process."a.b"'), "process: 'a.b' must be"),
        (("process.web", f'process."{"a" * 65}"'), "must be up to 64 letters"),
        (("[process.web]", '[env]\n"A=B" = "x"\n[process.web]'), "env: 'A=B' cannot name a variable"),
        (("[process.web]", '[env]\n"" = "x"\n[process.web]'), "env: '' cannot name a variable"),
        (("[process.web]", '[env]\n"A\\u0000" = "x"\n[process.web]'), r"env: 'A\x00' cannot name a variable"),
        (("[process.web]", '[env]\nA = "x\\u0000"\n[process.web]'), "env.A: must not hold a NUL"),
        (("roles =", 'env = { "A=B" = "x" }\nroles ='), "process.web.env: 'A=B' cannot name a variable"),
        (('"app"', r'"a\u0000pp"'), "process.web.run[2]: must not hold a NUL"),
        (('"{python}", "-m", "app", "{port}"', ""), "process.web.run: must not be empty"),
        (('"{python}"', '""'), "process.web.run: must begin with the program"),
        (("[process.web]", "[prepare]\nrun = [[]]\n[process.web]"), "prepare.run[0]: must not be empty"),
        (("[process.web]", '[deploy]\nrun = [[" "]]\n[process.web]'), "deploy.run[0]: must begin with the program"),
        (('"/readyz"', r'"/readyz\r\nX: y"'), "process.web.ready: must be a path"),
        (('"/readyz"', '"/ready z"'), "process.web.ready: must be a path"),
        (('"/readyz"', '"/bereit/ü"'), "process.web.ready: must be a path"),
        (('"/readyz"', '"/readyz#top"'), "process.web.ready: must be a path"),
        (('"/readyz"', '""'), "process.web.ready: must be a path"),
        (('"/readyz"', '"http://example.org/"'), "process.web.ready: must be a path"),
    ],
)
def test_a_mistake_is_named_with_file_and_place(tmp_path: Path, change: tuple[str, str], place: str):
    with pytest.raises(UsageProblem) as problem:
        variant(tmp_path / "mine", GOOD.replace(*change))
    assert str(tmp_path / "mine" / "stack.toml") in str(problem.value)
    assert place in str(problem.value)


@pytest.mark.parametrize("name", ["raw limit", "a\x1bb", "two\nlines", "\udcff", "n" * 101])
def test_a_folder_whose_name_cannot_be_a_variants_is_refused(tmp_path: Path, name: str):
    with pytest.raises(UsageProblem, match="a variant is called as its folder") as problem:
        variant(tmp_path / name, GOOD)
    assert str(problem.value).isprintable()


def test_a_folder_that_python_cannot_import_from_is_refused(tmp_path: Path):
    with pytest.raises(UsageProblem, match="cannot import from a folder with ':' in its path"):
        variant(tmp_path / "a:b" / "mine", GOOD)


@pytest.mark.parametrize("name", ["with spaces", "a?b", "50%", "it's {x}", "ü", "-v", "[bold]"])
def test_other_odd_names_are_names(tmp_path: Path, name: str):
    assert variant(tmp_path / name, GOOD).name == name


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
