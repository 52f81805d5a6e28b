"""Threads that a caller can walk away from, and the driver they share.

A lane is one daemon thread that serves one call at a time and is used again for the next. A call that
outlasts its caller's patience is abandoned with its lane; no more than MOST_LANES threads exist per host,
abandoned ones included, so a host that never answers can cost no more than that.
"""

import contextvars
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Condition, Lock, Thread
from typing import Any

from hosts.hypervisor.errors import HostUnreachable, OutOfTime
from hosts.hypervisor.port import Hypervisor, Progress

MOST_LANES = 8
#: an unused lane ends itself after so many seconds
IDLE_SECONDS = 60.0


@dataclass
class Session:
    """One opened driver and how many calls are in it; when dropped, the last one out closes it."""

    driver: Hypervisor | None = None
    users: int = 0
    dropped: bool = False
    opening: Lock = field(default_factory=Lock)

    def open(self, factory: Callable[[], Hypervisor]) -> Hypervisor:
        with self.opening:
            if self.driver is None:
                self.driver = factory()
            return self.driver


@dataclass
class Job:
    """One call on its way: what to call, and the inbox through which the lane answers its caller."""

    method: str
    args: tuple[Any, ...]
    session: Session
    context: contextvars.Context
    inbox: SimpleQueue[tuple[str, Any]] = field(default_factory=SimpleQueue)
    replies: SimpleQueue[bool] = field(default_factory=SimpleQueue)
    abandoned: bool = False
    finished: bool = False

    def tell(self, done: int, total: int) -> None:
        """Progress, from the lane's thread; goes on once the caller has taken note and wants more."""
        if not self.abandoned:
            self.inbox.put(("progress", (done, total)))
        if self.abandoned or not self.replies.get():
            raise Abandoned


@dataclass(frozen=True)
class Outcome:
    """How a call ended for its caller: an answer, the driver's error, a refused progress, or silence.

    `silent` is for how many seconds; `cut_short`: it was the caller that could not wait any longer.
    """

    value: Any = None
    error: BaseException | None = None
    refused: BaseException | None = None
    silent: float | None = None
    cut_short: bool = False


class Abandoned(Exception):
    """Nobody wants this call to go on."""


class Lane:
    """One thread and the queue that feeds it."""

    def __init__(self, lanes: "Lanes") -> None:
        self.jobs: SimpleQueue[Job | Session | None] = SimpleQueue()
        Thread(target=lanes.serve, args=(self,), daemon=True, name=f"hypervisor-{lanes.name}").start()


class Lanes:
    """All lanes to one host in this process."""

    def __init__(self, factory: Callable[[], Hypervisor], name: str, most: int = MOST_LANES) -> None:
        self.name = name
        self.most = most
        self._factory = factory
        self._idle: list[Lane] = []
        self._change = Condition()
        self._session = Session()
        self.threads = 0
        self.abandoned = 0

    # the caller's side

    def take(self, until: float) -> Lane:
        """A free lane, waiting for one until a moment of the monotonic clock.

        Raises OutOfTime when others have them all, HostUnreachable when none of them ever came back.
        """
        with self._change:
            while not self._idle and self.threads >= self.most:
                if self.abandoned >= self.most:
                    raise HostUnreachable(f"{self.name}: {self.abandoned} calls never came back.", host=self.name)
                if not self._change.wait(max(0.0, until - time.monotonic())) and until <= time.monotonic():
                    raise OutOfTime(f"{self.name}: all {self.most} lanes are busy.", host=self.name)
            if self._idle:
                return self._idle.pop()
            self.threads += 1
            return Lane(self)

    def put_back(self, lane: Lane) -> None:
        """Return a lane that was taken and not used."""
        with self._change:
            self._idle.append(lane)
            self._change.notify()

    def run(
        self,
        lane: Lane,
        method: str,
        args: tuple[Any, ...],
        patience: float,
        end: float,
        progress: Progress | None,
    ) -> Outcome:
        """Make one call on a lane; waits `patience` seconds for each sign of life, never past the caller's `end`."""
        with self._change:
            self._session.users += 1
            job = Job(method, args, self._session, contextvars.copy_context())
        if progress is not None:
            job.args = (*args, job.tell)
        lane.jobs.put(job)
        try:
            return self._await(job, patience, end, progress)
        except BaseException:
            self._abandon(job)
            raise

    def close(self) -> None:
        """End the idle lanes and close the driver, without waiting for either."""
        with self._change:
            session, idle = self._session, self._idle
            self._drop(session)
            self._idle = []
            if not idle and session.driver is not None and not session.users:
                self.threads += 1
                idle = [Lane(self)]
        for lane in idle:
            lane.jobs.put(session)
            lane.jobs.put(None)

    def _await(self, job: Job, patience: float, end: float, progress: Progress | None) -> Outcome:
        refused: BaseException | None = None
        while True:
            since = time.monotonic()
            left = end - since
            kind, value = self._next_sign(job, min(patience, left))
            if kind == "silence":
                return Outcome(silent=min(patience, left), cut_short=left < patience)
            if kind == "progress":
                refused = refused or self._tell(progress, value)
                job.replies.put(refused is None)
            elif refused is not None:
                return Outcome(refused=refused)
            else:
                return Outcome(**{kind: value})

    def _next_sign(self, job: Job, wait: float) -> tuple[str, Any]:
        try:
            return job.inbox.get(timeout=max(0.0, wait))
        except Empty:
            if self._abandon(job):
                return "silence", None
            return job.inbox.get()

    def _tell(self, progress: Progress | None, value: tuple[int, int]) -> Exception | None:
        """Hand progress on in the caller's thread, and tell what it raised."""
        try:
            if progress is not None:
                progress(*value)
        except Exception as error:
            return error
        return None

    def _abandon(self, job: Job) -> bool:
        """Give up a call with its lane and its driver; False when it has finished in this very moment."""
        with self._change:
            if job.finished:
                return False
            job.finished = job.abandoned = True
            job.replies.put(False)
            self.abandoned += 1
            self._drop(job.session)
            self._change.notify_all()
            return True

    def _drop(self, session: Session) -> None:
        """Let the next call open a new driver; the last call that is in the present one closes it."""
        session.dropped = True
        if session is self._session:
            self._session = Session()

    # the lane's side

    def serve(self, lane: Lane) -> None:
        """A lane's life: calls, one after the other, until it is abandoned, closed or unused for long."""
        while True:
            try:
                work = lane.jobs.get(timeout=IDLE_SECONDS)
            except Empty:
                if self._retire(lane):
                    return
                continue
            if isinstance(work, Session):
                self._close_when_last(work)
            elif work is None or not self._perform(lane, work):
                break
        with self._change:
            self.threads -= 1
            self._change.notify_all()

    def _perform(self, lane: Lane, job: Job) -> bool:
        """Do one call and answer it; False when its caller is gone and this lane with it."""
        sign = job.context.run(self._try, job)
        with self._change:
            if isinstance(sign[1], HostUnreachable):
                self._drop(job.session)
            late = job.finished
            job.finished = True
            job.session.users -= 1
            self.abandoned -= late
            closing = job.session.dropped and not job.session.users
            if not late and not closing:
                # Free before the caller hears of it, or its next call would start another thread.
                self._idle.append(lane)
                self._change.notify()
        job.inbox.put(sign)
        if closing:
            self._close_when_last(job.session)
            if not late:
                self.put_back(lane)
        return not late

    def _try(self, job: Job) -> tuple[str, Any]:
        try:
            driver = job.session.open(self._factory)
            return "value", getattr(driver, job.method)(*job.args)
        except BaseException as error:  # a lane has nobody above it: whatever happens goes to the caller
            return "error", error

    def _close_when_last(self, session: Session) -> None:
        with self._change:
            driver = None if session.users else session.driver
            if driver is not None:
                session.driver = None
        if driver is not None:
            driver.close()

    def _retire(self, lane: Lane) -> bool:
        with self._change:
            if lane not in self._idle:
                return False
            self._idle.remove(lane)
            self.threads -= 1
            return True
