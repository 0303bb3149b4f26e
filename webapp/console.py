"""What commands say, where a log or a pipe may take nothing more: that ends no command."""

import os
import sys
from contextlib import suppress

import click


def say(line: object, *, err: bool = False) -> None:
    """Print a line, if it can be written: a full disk, under a log, is no reason to stop working."""
    with suppress(OSError):
        click.echo(line, err=err)


def open_streams() -> None:
    """Open those standard streams that were closed, on nothing: else the next file would be one of them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode)  # noqa: PTH123, SIM115  (it stays; gets the lowest free number, its own)
            setattr(sys, name, stream)


def forget_unsaid() -> None:
    """Let what could not be written not be tried again when Python ends, which would turn it into an exit code."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # there may be none
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
