"""The report: a run folder in, one self-contained page out. Reads files and nothing else.

From the top floor down; whoever stands below knows nothing of what stands above:

    page.py  base.html      the page, with what all experiments share
    latency/  peers/        a room for each experiment; they do not know each other
    section.py              what a room hands to the page: sentences, tables, figures
    reading/  drawing/      the rows of a run and what it may claim; how figures are drawn
    wording.py              numbers and lists in words
"""

from reports.page import render
from runfile import RunFileError as ReportError

__all__ = ["ReportError", "render"]
