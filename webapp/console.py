"""What commands say, where a log or a pipe may take nothing more: that ends no command."""

import os
import sys
from contextlib import suppress

import click


def say(line: object, *, err: bool = False) -> None:
    """Print a line, if it can be written: a full disk, under a log, is no reason to stop working."""
    with suppress(OSError):
        click.echo(line, err=err)


def forget_unsaid() -> None:
    """Let what could not be written not be tried again when Python ends, which would turn it into an exit code."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # there may be none
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
