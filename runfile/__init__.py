"""A run as files: what its tables and facts hold, how they are written and read. Imports nothing of ours."""

from runfile.reading import Recorded, read
from runfile.rows import RunFileError

__all__ = ["Recorded", "RunFileError", "read"]
