"""What is wrong with a file, in words for its user. The bottom of `runfile`."""


class RunFileError(Exception):
    """A run folder cannot be read or written; the message names the file, what is wrong, and what to do."""
