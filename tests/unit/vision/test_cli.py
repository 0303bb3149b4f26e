import json
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from vision.cli import main
from vision.live import read_live


def invoke(*arguments, stdin=None):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def test_build_says_what_it_did(models, tmp_path):
    assert [line.split(":")[0] for line in invoke("build", "--models", tmp_path).stdout.splitlines()] == ["built"] * 3
    assert "already built" in invoke("build", "--models", models).stdout


def test_describe_shows_all_versions(models):
    shown = invoke("describe", "--models", models).stdout

    assert "efficientnet-lite 1\n" in shown
    assert "no-op 1\n" in shown
    assert "240 x 240" in shown
    assert "4,631,000" in shown
    assert "CPUExecutionProvider" in shown


def test_classify_prints_the_top_five(models, photos):
    result = invoke("classify", photos / "chelsea.png", "--models", models)

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 6
    assert "%  tiger cat" in result.stdout.splitlines()[1]


def test_classify_prints_json(models, photos):
    result = invoke("classify", photos / "coffee.png", "--models", models, "--version", "2", "--json")

    assert json.loads(result.stdout)["labels"][0]["label"] == "espresso"


def test_classify_reports_a_bad_file_and_scores_the_rest(models, photos, tmp_path):
    (tmp_path / "bad.jpg").write_text("nothing")
    result = invoke("classify", tmp_path / "bad.jpg", photos / "coffee.png", "--models", models)

    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path / 'bad.jpg'}: not an image: neither JPEG, PNG nor WebP\n"
    assert "espresso" in result.stdout


@pytest.fixture
def catalogue_of_one(tmp_path, cat, encode):
    (tmp_path / "cat.jpg").write_bytes(encode(cat, "JPEG"))
    return tmp_path


def test_limit_prints_json(models, catalogue_of_one):
    measured = json.loads(invoke("limit", catalogue_of_one, "--models", models, "--seconds", "0.05").stdout)

    assert list(measured) == ["provider", "version", "samples_ns", "decode_ns", "infer_ns", "images"]
    assert measured["images"] == len(measured["samples_ns"])


def test_limit_has_a_turn_for_each_line_until_there_is_none(models, catalogue_of_one):
    shown = invoke("limit", catalogue_of_one, "--models", models, "--turns", stdin="0.05\n0.1\n0.05\n")

    turns = [json.loads(line) for line in shown.stdout.splitlines()]
    assert (shown.exit_code, len(turns)) == (0, 3)
    assert all(turn["images"] == len(turn["samples_ns"]) > 0 for turn in turns)
    assert invoke("limit", catalogue_of_one, "--models", models, "--turns", stdin="").stdout == ""


def test_a_turn_may_have_a_rate_of_its_own_and_else_has_that_of_the_command(models, catalogue_of_one):
    arguments = ("limit", catalogue_of_one, "--models", models, "--model", "no-op", "--turns")

    def images(lines, *more):
        return [json.loads(line)["images"] for line in invoke(*arguments, *more, stdin=lines).stdout.splitlines()]

    paced, free = images("0.3 10\n0.3\n")
    assert paced <= 4 < free
    paced, free = images("0.3\n0.3 0\n", "--rate", "10")
    assert paced <= 4 < free


@pytest.mark.parametrize("line", ["", "soon", "0", "-1", "nan", "inf", "1 fast", "1 -1", "1 nan", "1 inf", "1e300"])
def test_limit_refuses_a_turn_that_is_no_positive_number_or_has_no_rate(models, catalogue_of_one, line):
    shown = invoke(
        "limit", catalogue_of_one, "--models", models, "--model", "no-op", "--turns", stdin=f"0.01\n{line}\n1\n"
    )

    assert shown.exit_code == 2
    assert len(shown.stdout.splitlines()) == 1, "the turn before it was had"
    message = f"Error: {line!r} is no number of seconds above 0, with a rate or without"
    assert shown.stderr.splitlines()[-1] == message


@pytest.mark.parametrize("option", ["--seconds", "--rate"])
def test_limit_refuses_what_is_no_finite_number(option, models, catalogue_of_one):
    for value in ("nan", "inf"):
        assert invoke("limit", catalogue_of_one, "--models", models, option, value).exit_code == 2


def test_limit_ends_in_time_at_a_rate_that_has_no_reciprocal(models, catalogue_of_one):
    options = ("--models", models, "--model", "no-op", "--seconds", "0.1", "--rate", "1e-310")
    assert len(json.loads(invoke("limit", catalogue_of_one, *options).stdout)["infer_ns"]) <= 2


def test_the_limit_of_the_no_op_model_leaves_the_model_out(models, catalogue_of_one):
    def infer_ns(name):
        shown = invoke("limit", catalogue_of_one, "--models", models, "--model", name, "--seconds", "0.2").stdout
        return min(json.loads(shown)["infer_ns"])

    assert infer_ns("no-op") * 5 < infer_ns("efficientnet-lite")


def test_image_path_prints_json(models, catalogue_of_one):
    measured = json.loads(invoke("image-path", catalogue_of_one, "--models", models, "--seconds", "0.05").stdout)

    assert list(measured) == ["reference_ns", "ours_ns", "photos", "same"]
    assert (measured["photos"], measured["same"]) == (1, 1)


@pytest.mark.parametrize(("name", "version"), [("no-op", "1"), ("efficientnet-lite", "2")])
def test_prove_says_what_it_proved(models, name, version):
    result = invoke("prove", "--models", models, "--model", name, "--version", version)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"proved: {name} {version} on CPUExecutionProvider\n"


def test_prove_refuses_a_model_that_answers_wrongly(models, tmp_path):
    # A graph that loads and runs, in the place of another, with a manifest to match: only its answer gives it away.
    wrong, right = tmp_path / "efficientnet-lite" / "1", models / "no-op" / "1"
    shutil.copytree(right, wrong)

    result = invoke("prove", "--models", tmp_path)

    assert result.exit_code == 1
    assert "the golden photo with tench (0.500), not with espresso (at least 0.900)" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_live_writes_the_file(tmp_path):
    assert invoke("live", "2", "--file", tmp_path / "live").exit_code == 0
    assert read_live(tmp_path / "live") == "2"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["describe", "--models", "nowhere"], 1, "run `python -m vision build --models nowhere`"),
        (["limit", ".", "--models", "nowhere", "--device", "cuda"], 1, "no photos in"),
        (["live", "1", "--file", "nowhere/live"], 1, "nowhere"),
        (["prove", "--models", "nowhere"], 1, "run `python -m vision build --models nowhere`"),
        (["prove", "--model", "no-op", "--version", "2"], 1, "no model version '2': there are 1 of no-op"),
        (["image-path", "."], 1, "no photos in"),
        (["live", "9", "--file", "live"], 2, "'9' is not one of"),
        (["classify"], 2, "Missing argument"),
        (["classify", "none.jpg"], 2, "does not exist"),
    ],
)
def test_bad_input_is_one_clear_error(arguments, code, words):
    result = invoke(*arguments)

    assert result.exit_code == code
    assert words in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("Error:")]) == 1


def test_the_command_line_loads_no_heavy_library_before_it_needs_one():
    script = "import sys, vision.cli, vision.classifier; print({'onnx', 'onnxruntime', 'torch'} & set(sys.modules))"

    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "set()\n"
    )


def test_it_runs_as_a_module():
    shown = subprocess.run(
        [sys.executable, "-m", "vision", "--help"], capture_output=True, text=True, check=True
    ).stdout

    assert shown.startswith("Usage: python -m vision")
    assert all(
        command in shown for command in ("build", "classify", "describe", "image-path", "limit", "live", "prove")
    )
