"""The bridge to `reports`: a run folder in, the path of its report out. Apart from `finish`, which needs pandas."""

from pathlib import Path

from bench.exits import UsageProblem


def render(folder: Path) -> Path:
    """Make the report of a run folder. Raises UsageProblem with what is wrong with the folder and what to do."""
    import reports

    try:
        return reports.render(folder)
    except reports.ReportError as error:
        raise UsageProblem(str(error)) from error
