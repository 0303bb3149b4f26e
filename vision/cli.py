"""`python -m vision`: build the models, look at them, try and prove them, measure them, and say which one is live."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vision.artifact import MODEL, load_artifact, model_folder
from vision.console import DAY_S, Finite
from vision.errors import ModelError, UnreadableImage
from vision.releases import NAME, NAMES, RELEASES, versions_of
from vision.session import DEVICES, MOST_THREADS

EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
ANY_PATH = click.Path(path_type=Path)
MOST_PER_SECOND = 1e6

models_option = click.option(
    "--models", type=ANY_PATH, default="models", show_default=True, help="Folder of the models."
)
version_option = click.option("--version", type=click.Choice(versions_of(NAME)), default="1", show_default=True)
model_option = click.option("--model", "name", type=click.Choice(NAMES), default=NAME, show_default=True)
device_option = click.option("--device", type=click.Choice(DEVICES), default="cpu", show_default=True)
seconds_option = click.option("--seconds", type=Finite(0, DAY_S, min_open=True), default=5.0, show_default=True)
threads_option = click.option("--threads", type=click.IntRange(1, MOST_THREADS), default=1, show_default=True)


class OneLineErrors(click.Group):
    """What we raise on purpose becomes one line on stderr and exit code 1; a bug keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  (click's own)
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (ModelError, UnreadableImage, OSError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=OneLineErrors)
def main() -> None:
    """Build, inspect and run the model. Exit codes: 0 ok, 1 it failed, 2 usage."""


@main.command("build")
@models_option
def build_command(models: Path) -> None:
    """Build every version of every model that is not there yet."""
    from vision.build import build

    for release in RELEASES:
        done = "built" if build(models, release.version, release.name) else "already built"
        click.echo(f"{done}: {model_folder(models, release.version, release.name) / MODEL}")


@main.command()
@models_option
@device_option
def describe(models: Path, device: str) -> None:
    """Say what is built, checking it against its manifest."""
    from vision.session import choose_provider

    for release in RELEASES:
        artifact = load_artifact(models, release.version, release.name)
        manifest = artifact.manifest
        click.echo(f"{manifest.name} {manifest.version}")
        click.echo(f"  input       {manifest.input_size} x {manifest.input_size} pixels")
        click.echo(f"  parameters  {manifest.parameters:,}")
        click.echo(f"  size        {len(artifact.model):,} bytes")
        click.echo(f"  sha256      {manifest.sha256}")
        click.echo(f"  weights     {manifest.weights}")
        click.echo(f"  provider    {choose_provider(device)}")


@main.command()
@click.argument("files", nargs=-1, required=True, type=EXISTING_FILE)
@models_option
@model_option
@version_option
@device_option
@threads_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per file.")
def classify(
    files: tuple[Path, ...], models: Path, name: str, version: str, device: str, threads: int, *, as_json: bool
) -> None:
    """Print the five best classes of each photo."""
    from vision.classifier import Classifier

    classifier = Classifier.load(models, version, name=name, device=device, threads=threads)
    classified = classifier.classify([file.read_bytes() for file in files])
    failed = False
    for file, answer in zip(files, classified.answers, strict=True):
        if isinstance(answer, UnreadableImage):
            click.echo(f"Error: {file}: {answer}", err=True)
            failed = True
        elif as_json:
            click.echo(json.dumps({"file": str(file), "labels": [asdict(score) for score in answer]}))
        else:
            click.echo(click.format_filename(file))
            click.echo("".join(f"  {score.score:7.2%}  {score.label}\n" for score in answer), nl=False)
    raise SystemExit(int(failed))


@main.command()
@models_option
@model_option
@version_option
@device_option
def prove(models: Path, name: str, version: str, device: str) -> None:
    """Load a version and see whether it answers the golden photo as it must."""
    from vision.classifier import Classifier

    provider = Classifier.load(models, version, name=name, device=device).provider
    click.echo(f"proved: {name} {version} on {provider}")


@main.command()
@click.argument("folder", type=EXISTING_FOLDER)
@models_option
@model_option
@version_option
@device_option
@threads_option
@seconds_option
@click.option(
    "--rate", type=Finite(0, MOST_PER_SECOND), default=0.0, help="Photos per second; 0, the default: no pause."
)
@click.option("--turns", is_flag=True, help="Read seconds from stdin, a line for each turn; a rate may follow them.")
def limit(
    folder: Path,
    models: Path,
    name: str,
    version: str,
    *,
    seconds: float,
    rate: float,
    turns: bool,
    **where: Any,  # noqa: ANN401  (see BareLoop)
) -> None:
    """Score the photos of FOLDER in a bare loop and print the nanoseconds of each as JSON, one line for a turn."""
    from vision.limit import BareLoop
    from vision.photos import read_photos

    photos = read_photos(folder)
    loop = BareLoop(load_artifact(models, version, name), photos, **where)
    for seconds_of_turn, rate_of_turn in _asked(rate) if turns else [(seconds, rate)]:
        click.echo(json.dumps(asdict(loop.turn(seconds_of_turn, rate_of_turn))))


def _asked(rate: float) -> Iterator[tuple[float, float]]:
    """Read how long each turn is, and at what rate. Waits for the next line only when the turn before was told."""
    for line in sys.stdin:
        try:
            seconds, own_rate = map(float, (*line.split(), rate)[:2])
        except ValueError:
            seconds, own_rate = 0.0, 0.0
        if not (0 < seconds <= DAY_S and 0 <= own_rate <= MOST_PER_SECOND):
            raise click.UsageError(f"{line.strip()!r} is no number of seconds above 0, with a rate or without")
        yield seconds, own_rate


@main.command("image-path")
@click.argument("folder", type=EXISTING_FOLDER)
@models_option
@version_option
@seconds_option
def image_path(folder: Path, models: Path, version: str, seconds: float) -> None:
    """Prepare the photos of FOLDER by our path and by that of Pillow and NumPy; print the nanoseconds as JSON."""
    from vision.classifier import Classifier
    from vision.image_path import measure_image_path
    from vision.photos import read_photos

    photos = read_photos(folder)
    click.echo(json.dumps(asdict(measure_image_path(Classifier.load(models, version), photos, seconds=seconds))))


@main.command()
@click.argument("version", type=click.Choice(versions_of(NAME)))
@click.option("--file", "path", type=ANY_PATH, required=True, help="The file that holds the live version.")
def live(version: str, path: Path) -> None:
    """Make VERSION the one that should be serving."""
    from vision.live import write_live

    write_live(path, version)
    click.echo(f"live: {version}")
