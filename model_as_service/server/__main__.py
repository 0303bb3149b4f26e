"""The inference server's command line.

python -m model_as_service.server --models models --live data/live --port 8001
"""

import logging
import re
import socket
import sys
from pathlib import Path
from typing import Any

import click

from model_as_service.server.options import SIZES, Options
from vision.console import DAY_S, Finite, open_streams
from vision.session import MOST_THREADS

MOST_WAITING, MOST_MB = 1_000_000, 1_000_000  # images, megabytes: beyond any machine


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers from 1, with commas between."""

    name = "N,N,..."

    def convert(
        self, value: object, _parameter: click.Parameter | None, _context: click.Context | None
    ) -> tuple[int, ...]:
        """Read them, ascending; 1 is always among them."""
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if not all(re.fullmatch(r"\s*[1-9][0-9]{0,3}\s*", part) for part in parts):
            self.fail(f"{value!r} must be whole numbers from 1 to 9999 with commas between, like 1,2,4")
        return tuple(sorted({1, *map(int, parts)}))


class Host(click.ParamType[str]):
    """A host; an empty one, such as of a variable that is not set, would stand for every address of the machine."""

    name = "HOST"

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> str:
        """Return it. Fails where it is empty, or where no host can be called so."""
        if not value:
            self.fail("it is empty; give an address, 0.0.0.0 for all", parameter, context)
        try:
            str(value).encode("idna")  # as the socket will
        except UnicodeError:
            self.fail(f"no host can be called {value!r}", parameter, context)
        return str(value)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--models", type=click.Path(path_type=Path), default=Path("models"), show_default=True, help="Folder of the models."
)
@click.option("--model", default="efficientnet-lite", show_default=True, help="The model to serve.")
@click.option(
    "--live",
    type=click.Path(path_type=Path),
    default=None,
    help="File that names the version to serve; SIGHUP reads it again.",
)
@click.option("--version", default="1", show_default=True, help="The version to serve where there is no such file.")
@click.option("--host", type=Host(), default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
              help="cuda: end rather than run on the CPU.")  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(1, MOST_THREADS), default=1, show_default=True, help="Threads of one inference."
)
@click.option("--batch-sizes", "sizes", type=Numbers(), default=",".join(map(str, SIZES)), show_default=True,
              help="Batches are made in these sizes only, which are tried before the server is ready.")  # fmt: skip
@click.option("--deadline-ms", type=Finite(1, DAY_S * 1e3), default=1000.0, show_default=True,
              help="For requests that name none.")  # fmt: skip
@click.option(
    "--queue",
    type=click.IntRange(1, MOST_WAITING),
    default=256,
    show_default=True,
    help="How many images may wait at most, those of batch jobs not counted before people; no request may have more.",
)
@click.option("--body-budget-mb", type=click.IntRange(1, MOST_MB), default=128, show_default=True,
              help="MB that the bodies of all requests may take at once; beyond it is 503.")  # fmt: skip
@click.option("--ready-within", "ready_within_s", type=Finite(1, DAY_S), default=120.0, show_default=True,
              help="Seconds that a new process may take to load; one that takes longer is ended.")  # fmt: skip
@click.option("--repository", is_flag=True, help="Let clients load and unload models of the folder.")
@click.option("--drain-grace", "drain_grace_s", type=Finite(0, DAY_S), default=0.0, show_default=True,
              help="Seconds after SIGTERM in which requests are still served, but readiness is refused.")  # fmt: skip
@click.option("--traces", default=None, metavar="URL", help="Send OpenTelemetry traces to this OTLP/HTTP address.")
@click.option("--inherited", default=None, hidden=True)
@click.option("--before", default=None, hidden=True)
def command(
    host: str, port: int, inherited: str | None, before: str | None, deadline_ms: float, **named: Any,  # noqa: ANN401
) -> None:  # fmt: skip
    """Serve a model on the Open Inference Protocol V2.

    What cannot be answered in time is refused at once: a request says its deadline with X-Request-Timeout-Ms.
    """
    options = Options(deadline_s=deadline_ms / 1e3, **named)
    if inherited is None:
        sys.exit(keep(host, port, options))
    listener, lifeline = (socket.socket(fileno=int(number)) for number in inherited.split(","))
    serve(options, listener, lifeline, before)


def keep(host: str, port: int, options: Options) -> int:
    """Hold the port, and have the same command line served by a process of its own."""
    from model_as_service.server.keeper import Keeper

    try:
        keeper = Keeper(sys.argv[1:], host, port, grace_s=options.drain_grace_s, ready_s=options.ready_within_s)
    except OSError as error:
        sys.exit(f"inference server: {host}:{port} cannot be used ({error.strerror}); choose another --host or --port")
    with keeper:
        return keeper.run()


def serve(options: Options, listener: socket.socket, lifeline: socket.socket, before: str | None) -> None:
    """Be the serving process, after one that served the version `before`; an error is one line, not a traceback."""
    from model_as_service.server.limits import ignore_strays, raise_files

    ignore_strays()
    raise_files()
    from model_as_service.server.serving import Inherited, Serving
    from vision.errors import ModelError

    logging.basicConfig(format="inference server: %(message)s")
    try:
        Serving(options, Inherited(listener, lifeline, before)).run()
    except (ModelError, OSError) as error:
        sys.exit(f"inference server: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    open_streams()
    command(prog_name="python -m model_as_service.server")
