"""Memory that was freed is kept for the next photo: a setting of glibc's allocator, for processes that run the model.

A photo needs a megabyte or two for some milliseconds. By default the allocator gives it back to the kernel each time,
which then clears the same pages again for the next one: a tenth of the image path, and more in threads, whose arenas
are trimmed more eagerly. Other C libraries are left alone.
"""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
KEPT = 32 * 1024 * 1024  # bytes at the end of an arena; also the largest threshold that glibc accepts for mmap


def keep_freed_memory() -> None:
    """Do so for this process; harmless when repeated."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, KEPT)
