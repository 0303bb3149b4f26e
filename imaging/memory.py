"""What the allocator does with freed memory, in processes that read photos. glibc only; others are left alone.

An ordinary photo needs a megabyte or two for some milliseconds. By default the allocator gives it back to the kernel
each time, which then clears the same pages again for the next one: a tenth of the image path, and more in threads,
whose arenas are trimmed more eagerly. A large photo leaves hundreds of megabytes, which nobody needs soon.
"""

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
KEPT = 32 * 1024 * 1024  # bytes at the end of an arena; also the largest threshold that glibc accepts for mmap


def keep_freed_memory() -> None:
    """Keep what ordinary photos free, in this process; harmless when repeated."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, KEPT)


def give_back() -> None:
    """Give all freed memory of this process back to the kernel: some milliseconds, which a large photo is worth."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
