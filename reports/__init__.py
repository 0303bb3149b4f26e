"""The report: a run folder in, one self-contained page out. Reads files and nothing else."""

from reports.errors import ReportError
from reports.page import render

__all__ = ["ReportError", "render"]
