"""The batch job: score what needs scoring into a set of its own, then publish it by moving one pointer row.

    python -m model_in_db.precompute [--every SECONDS] [--rollback]

Killed at any moment it leaves the published set as it was; what it wrote aside is removed by the next run. A rollback
that is killed half-way is finished by the next run. With --every, a keeper starts the job again where it is killed.
"""

import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from model_in_db.keeper import become_keeper, end_with
from model_in_db.scoring import (
    Overtaken,
    Published,
    RolledBack,
    find_work,
    finished,
    publish,
    published_version,
    roll_back,
    score,
    unfinished,
)
from model_in_db.tables import make
from vision.artifact import load_artifact, load_manifest
from vision.classifier import Classifier
from vision.console import DAY_S, Finite, open_streams
from vision.errors import ModelError
from vision.live import read_live, write_live
from webapp.console import forget_unsaid, say
from webapp.database import told
from webapp.photos import PhotoStore
from webapp.settings import Settings, SettingsError, required

ATTEMPTS = 3
# What may end a run, and end no more than that: the next one may find the disk, the database or the memory it needs.
# ImportError: ONNX Runtime is loaded late, and may find no file descriptor or no memory.
FAILURES = (SettingsError, Overtaken, ModelError, SQLAlchemyError, OSError, MemoryError, ImportError)


@dataclass
class Job:
    """The batch job with its model, which is loaded again only when another version has gone live."""

    photos: PhotoStore
    models: Path
    live: Path
    device: str
    classifier: Classifier | None = None

    def run(self) -> Published | None:
        """Score and publish; None where every photo has its answer already, perhaps by a run at the same time."""
        make(self.photos)  # each time: whatever is away when the job starts may be there by the next run
        for _ in range(ATTEMPTS):
            finish_rollback(self.photos.database.writer, self.live)
            version = read_live(self.live)
            sha256 = load_manifest(self.models, version).sha256
            if not find_work(self.photos, sha256).photo_ids:
                return None  # and no model is loaded for it
            if self.classifier is None or self.classifier.sha256 != sha256:
                self.classifier = Classifier.load(self.models, version, device=self.device)
            try:
                draft = score(self.photos, self.classifier)
                return publish(self.photos.database.writer, draft, partial(self._is_live, version)) if draft else None
            except (Overtaken, IntegrityError):  # the other run removes what it overtakes, even while it is written
                continue
        raise Overtaken(
            "other runs have published meanwhile, again and again; is the batch job started more than once?"
        )

    def _is_live(self, version: str) -> bool:
        return unfinished(self.photos.database.writer) is None and read_live(self.live) == version


def finish_rollback(engine: Engine, live: Path) -> RolledBack | None:
    """Make the model of a rollback live whose pointer has moved already; None where none is under way any more."""
    back = unfinished(engine)
    if back is None:
        return None
    try:
        write_live(live, back.model_version)  # else the next run would publish the newer model again
    except ModelError as error:  # an upgrade has removed that version meanwhile: no run could ever finish this
        finished(engine)
        say(f"the rollback to set {back.set_id} is given up: {error}", err=True)
        return None
    finished(engine)
    say(back)
    return back


def go_back(engine: Engine, live: Path, models: Path) -> None:
    """Undo the last deployment, and say so. One that never published anything leaves the published set as it is."""
    if finish_rollback(engine, live):
        return  # it was asked for before, and killed
    served = published_version(engine)
    if served and wanted(live) not in (served, None):
        write_live(live, served)
        say(f"the deployment that was never published is given up; model version {served} stays")
        return
    back = roll_back(engine, partial(load_artifact, models))
    if finish_rollback(engine, live) is None:  # a run at the same time was faster
        say(back)


def wanted(live: Path) -> str | None:
    """Return the version that should be live, None where nothing says so."""
    try:
        return read_live(live)
    except ModelError:
        return None


def run_once(job: Job) -> bool:
    """Run the job and say what came of it; whether every photo could be read."""
    start = time.monotonic()
    done = job.run()
    took = f"in {time.monotonic() - start:.1f} s"
    say(f"{done} {took}" if done else f"nothing to score, looked {took}")
    if not done or not done.refused:
        return True
    photos = "1 photo" if len(done.refused) == 1 else f"{len(done.refused)} photos"
    say(f"left for the next run: {photos} that cannot be read now ({told(done.refused[0])})", err=True)
    return False


def run_every(job: Job, seconds: float) -> None:
    """Run the job at a fixed period, start to start; a failed run is reported and the next one tries again."""
    while True:
        start = time.monotonic()
        try:
            run_once(job)
        except FAILURES as error:
            say(f"run failed, the published set stays: {told(error)}", err=True)
        time.sleep(max(0.0, start + seconds - time.monotonic()))


@click.command()
@click.option("--every", type=Finite(0.1, DAY_S), metavar="SECONDS", help="Run again and again, start to start.")
@click.option("--rollback", is_flag=True, help="Undo the last deployment: the set before, and its model.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--lifeline", type=int, hidden=True)
def command(every: float | None, *, rollback: bool, device: str, lifeline: int | None) -> None:
    """Score the photos of the store in $SWEETSPOT_DATA ahead of time and publish the answers."""
    if lifeline is not None:
        end_with(lifeline)
    elif every is not None and not rollback:
        become_keeper(every, sys.argv[1:])
    live, models = Path(required("SWEETSPOT_LIVE")), Path(required("SWEETSPOT_MODELS"))
    photos = PhotoStore.open(Settings.from_env())
    if rollback:
        make(photos)
        go_back(photos.database.writer, live, models)
        return
    job = Job(photos, models, live, device)
    if every is not None:
        run_every(job, every)
    elif not run_once(job):
        sys.exit(1)


def main() -> None:
    """Run the command; an error is one line, not a traceback."""
    open_streams()
    try:
        command(prog_name="python -m model_in_db.precompute")
    except FAILURES as error:
        sys.exit(f"precompute: {told(error)}")
    finally:
        forget_unsaid()


if __name__ == "__main__":
    main()
