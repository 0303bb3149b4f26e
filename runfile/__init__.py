"""A run as files: what its tables and facts hold, how they are written and read. Imports nothing of ours."""

from runfile.errors import RunFileError
from runfile.reading import Recorded, read

__all__ = ["Recorded", "RunFileError", "read"]
