"""`sweetspot up`: one variant, running until Ctrl-C, with its addresses and what to try."""

from pathlib import Path

from bench.exits import StackFailed
from bench.processes import descriptors, scratch, surroundings
from bench.stacks.photos import photos_left_out
from bench.stacks.running import Place, RunningStack
from bench.stacks.stack import Stack
from bench.terminal import say

WATCH_S = 0.5


def keep_up(stack: Stack, photos: Path, port: int | None) -> None:
    """Start the stack, say where it is, and watch it. Raises StackFailed when one of its processes ends."""
    descriptors.raise_limit()
    with scratch.folder(f"{stack.name}-logs", kept_on=(StackFailed,)) as logs, scratch.folder(stack.name) as folder:
        place = Place(data=folder / "data", logs=logs, photos=photos, port=port)
        surroundings.tell(surroundings.found())
        say(f"{stack.title}: starting ...", err=True)
        with RunningStack(stack, place) as running:
            try:
                say("\n".join(words(running)))  # within the try: a reader may press Ctrl-C at the last word
                while True:
                    running.processes[stack.pages.name].wait(WATCH_S)
                    running.check()
            except KeyboardInterrupt:
                say("stopping ...", err=True)


def words(running: RunningStack) -> list[str]:
    """Return address, processes and things to try."""
    url = running.base_url
    rows = [
        f"  {process.name:<12} pid {running.pids[process.name]:<8} port {running.ports[process.name]:<6} "
        f"{', '.join(sorted(process.roles)) or '-'}"
        for process in running.stack.processes
    ]
    return [
        "", f"  {url}/", "", *photos_left_out(running.left_out), *rows, "",
        f"  logs in {running.place.logs}", "", "Try:",
        f"  curl {url}/readyz",
        f"  curl '{url}/api/photos?limit=3'",
        f"  curl -i {url}/api/photos/ID/prediction      # an id of the list; look at Server-Timing",
        "", "Ctrl-C stops everything.",
    ]  # fmt: skip
