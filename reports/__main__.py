"""`python -m reports RUN_FOLDER`: write the report of one run and print where it is."""

import sys
from pathlib import Path

from reports import ReportError, render

OK, USAGE = 0, 2


def main(arguments: list[str]) -> int:
    """Render one run folder; return the exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python -m reports RUN_FOLDER\n")
        return USAGE
    try:
        page = render(Path(arguments[0]))
    except ReportError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    sys.stdout.write(f"{page}\n")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
