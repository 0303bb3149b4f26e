"""The one error of the reports, raised where a run folder is read."""


class ReportError(Exception):
    """A run folder cannot be reported. The message says what is wrong and what to do, in plain words."""
