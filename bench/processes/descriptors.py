"""File descriptors: shells give few, all connections and pipes take some, and what we start inherits the limit."""

import resource

from bench.exits import UsageProblem

NEEDED = 128
ENOUGH = 10_000  # what Locust asks for; with millions some programs take their time to close them all


def raise_limit() -> None:
    """Take as many as may be had. Raises UsageProblem where they are too few to work with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < NEEDED:
        raise UsageProblem(
            f"only {most} files and connections may be open at once, and about {NEEDED} are needed; "
            f"raise the limit: ulimit -n {NEEDED}, if need be as root"
        )
