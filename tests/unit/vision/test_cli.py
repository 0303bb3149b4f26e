import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from vision.cli import main
from vision.live import read_live


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_build_says_what_it_did(models, tmp_path):
    assert [line.split(":")[0] for line in invoke("build", "--models", tmp_path).stdout.splitlines()] == ["built"] * 2
    assert "already built" in invoke("build", "--models", models).stdout


def test_describe_shows_both_versions(models):
    shown = invoke("describe", "--models", models).stdout

    assert "efficientnet-lite 1\n" in shown
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


def test_limit_prints_json(models, tmp_path, cat, encode):
    (tmp_path / "cat.jpg").write_bytes(encode(cat, "JPEG"))
    measured = json.loads(invoke("limit", tmp_path, "--models", models, "--seconds", "0.05").stdout)

    assert list(measured) == ["provider", "version", "samples_ns", "decode_ns", "infer_ns", "images"]
    assert measured["images"] == len(measured["samples_ns"])


def test_live_writes_the_file(tmp_path):
    assert invoke("live", "2", "--file", tmp_path / "live").exit_code == 0
    assert read_live(tmp_path / "live") == "2"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["describe", "--models", "nowhere"], 1, "run `python -m vision build --models nowhere`"),
        (["limit", ".", "--models", "nowhere", "--device", "cuda"], 1, "no photos in"),
        (["live", "1", "--file", "nowhere/live"], 1, "nowhere"),
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
    assert all(command in shown for command in ("build", "classify", "describe", "limit", "live"))
