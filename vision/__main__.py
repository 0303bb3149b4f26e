"""`python -m vision` starts here."""

from vision.cli import main
from vision.console import open_streams

if __name__ == "__main__":
    open_streams()
    main(prog_name="python -m vision")
