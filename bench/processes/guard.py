"""The guard: a small process between the harness and everything it starts. It imports only the standard library.

    harness  <--socket-->  guard  --fork, setsid-->  child, and whatever the child starts

It runs as `python -I -S guard.py FD 0,1 argv...`: file descriptor of the socket, cores of the child (may be empty), its
command. The socket is the lifeline: when it reaches end of file the harness is gone, even by SIGKILL, and the guard
ends the child's whole family. It tells the harness, a line each: `pid N` once the child runs, `exit N` when the child
has ended (negative: by that signal), `done` after an order: `rest` and `wake` stop and continue the whole family, which
does not notice.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

GRACE_S = 2.0
KILL_POLL_S = 0.02
ORDERS = {"rest": signal.SIGSTOP, "wake": signal.SIGCONT}
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER of linux/prctl.h
_SET_CHILD_SUBREAPER = 36


def control(option: int, value: int) -> None:
    """Call Linux's prctl; on other systems the process group alone must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def spawn(argv: Sequence[str], cores: Sequence[int]) -> int:
    """Start argv as the leader of a new session on the given cores; return its pid, which is also its group's id."""
    control(_SET_CHILD_SUBREAPER, 1)  # orphans of the family come back to us, so a daemon cannot slip away
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        control(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(127)
        if cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(argv[0], list(argv))  # noqa: S606 - argv comes from our own files, there is no shell
    except OSError as error:
        os.write(2, f"cannot start {argv[0]}: {error.strerror}\n".encode())
    os._exit(127)


def descendants() -> set[int]:
    """Return the pids of all children of this process, however deep: the family, also what left the session.

    None where there is no /proc.
    """
    parent_of = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end while we look
            parent_of[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    family = {os.getpid()}
    while grown := {pid for pid, parent in parent_of.items() if parent in family} - family:
        family |= grown
    return family - {os.getpid()}


def tell_family(leader: int, number: int) -> bool:
    """Send a signal (0: only look) to the leader's group and to descendants outside it; say if anybody was there."""
    try:
        os.killpg(leader, number)
        reached = True
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        reached = False
    for pid in descendants():
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(pid) != leader:  # the group has it already, and some servers take a second SIGTERM as "now!"
                os.kill(pid, number)
                reached = True
    return reached


def reap(leader: int) -> int | None:
    """Collect every child that has ended; return the leader's exit code if it was among them."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == leader:
            code = os.waitstatus_to_exitcode(status)


def end_family(leader: int, code: int | None) -> int:
    """SIGTERM, after GRACE_S seconds SIGKILL, until nobody is left; return the leader's exit code, known or not yet."""
    kill_at = time.monotonic() + GRACE_S
    tell_family(leader, signal.SIGTERM)
    somebody = tell_family(leader, signal.SIGCONT)  # who rests hears nothing else
    while somebody:
        select.select([], [], [], KILL_POLL_S)
        ended = reap(leader)
        code = code if ended is None else ended
        somebody = tell_family(leader, signal.SIGKILL if time.monotonic() >= kill_at else 0)
    return -signal.SIGKILL if code is None else code


def wait_for_end(leader: int, lifeline: socket.socket, wake: socket.socket) -> int | None:
    """Obey until the child ends (return its code) or the harness asks or is gone (None). Costs no CPU meanwhile."""
    while True:
        code = reap(leader)
        if code is not None:
            return code
        readable, _, _ = select.select([lifeline, wake], [], [])
        if lifeline in readable and not obey(leader, lifeline):
            return None
        if wake in readable:
            wake.recv(4096)


def obey(leader: int, lifeline: socket.socket) -> bool:
    """Do what the harness orders; it waits for each order to be done. False: it wants the end, or is gone itself."""
    try:
        order = lifeline.recv(4096).decode().strip()
    except OSError:
        return False
    if order:
        tell_family(leader, ORDERS[order])
        tell(lifeline, "done")
    return bool(order)


def tell(lifeline: socket.socket, line: str) -> None:
    """Report to the harness; it may be gone, and that is no reason to leave a family behind."""
    with contextlib.suppress(OSError):
        lifeline.sendall(f"{line}\n".encode())


def main(descriptor: str, cores: str, *argv: str) -> None:
    """Run one command under guard until it ends or the harness does."""
    lifeline = socket.socket(fileno=int(descriptor))
    lifeline.set_inheritable(False)
    wake, alarm = socket.socketpair()
    alarm.setblocking(False)  # noqa: FBT003 - set_wakeup_fd asks for it
    signal.signal(signal.SIGCHLD, lambda *_: None)  # to be woken up is all
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # only the lifeline ends us, so that a stray signal orphans nobody
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # what whoever started the harness blocks, the child would, too
    signal.set_wakeup_fd(alarm.fileno())
    leader = spawn(argv, [int(core) for core in cores.split(",") if core])
    tell(lifeline, f"pid {leader}")
    code = wait_for_end(leader, lifeline, wake)
    tell(lifeline, f"exit {end_family(leader, code)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
