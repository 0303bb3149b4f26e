"""`sweetspot up`: one variant, running until Ctrl-C, with its addresses and what to try."""

import tempfile
from pathlib import Path

import click

from bench.stacks.running import Place, RunningStack
from bench.stacks.stack import Stack

WATCH_S = 0.5


def keep_up(stack: Stack, photos: Path, port: int | None) -> None:
    """Start the stack, say where it is, and watch it. Raises StackFailed when one of its processes ends."""
    with tempfile.TemporaryDirectory(prefix=f"sweetspot-{stack.name}-") as folder:
        place = Place(data=Path(folder) / "data", logs=Path(folder) / "logs", photos=photos, port=port)
        click.echo(f"{stack.title}: starting ...", err=True)
        with RunningStack(stack, place) as running:
            try:
                click.echo("\n".join(words(running)))  # within the try: a reader may press Ctrl-C at the last word
                while True:
                    running.processes[stack.pages.name].wait(WATCH_S)
                    running.check()
            except KeyboardInterrupt:
                click.echo("stopping ...", err=True)


def words(running: RunningStack) -> list[str]:
    """Return address, processes and things to try."""
    url = running.base_url
    rows = [
        f"  {process.name:<12} pid {running.pids[process.name]:<8} port {running.ports[process.name]:<6} "
        f"{', '.join(sorted(process.roles)) or '-'}"
        for process in running.stack.processes
    ]
    return [
        "", f"  {url}/", "", *rows, "", f"  logs in {running.place.logs}", "", "Try:",
        f"  curl {url}/readyz",
        f"  curl '{url}/api/photos?limit=3'",
        f"  curl -i {url}/api/photos/ID/prediction      # an id of the list; look at Server-Timing",
        "", "Ctrl-C stops everything.",
    ]  # fmt: skip
