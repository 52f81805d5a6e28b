"""How fast the bytes of a step go, and when they all have gone: from the last samples kept with it. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.naming import format_size

#: (seconds on some clock, bytes done, bytes in all)
Sample = Sequence[float]

#: seconds between two samples that are kept, how far back they go, and how many it takes to say anything of an end
SPACING, WINDOW, ENOUGH = 1.0, 20.0, 3.0
#: after so many seconds without a sample nothing is said of speed: whoever took them may be dead
STALE = 15.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Bytes done and in all; bytes per second, and seconds left, where they are known.

    `converging` is False when the rest has not become less within the window: a guest that changes its memory as fast
    as it is copied has no end that could be told.
    """

    done: int
    total: int
    rate: float | None = None
    left: float | None = None
    converging: bool = True

    def words(self) -> str:
        """ "1.2 GiB of 3 GiB · 110 MiB/s · about 40 s left"."""
        parts = [f"{format_size(self.done)} of {format_size(self.total)}" if self.total else format_size(self.done)]
        if self.rate is not None:
            parts.append(f"{format_size(int(self.rate))}/s")
        if not self.converging:
            parts.append("not converging: the rest does not become less")
        elif self.left is not None:
            parts.append(about(self.left))
        return " · ".join(parts)


def kept(samples: Sequence[Sample], now: float, done: int, total: int) -> list[Sample]:
    """The samples to keep when one more is taken; they begin anew when what was done has become less."""
    if samples and done < samples[-1][1]:
        samples = ()
    recent = [sample for sample in samples if now - WINDOW <= sample[0] <= now]
    # The newest one always counts; of those before it, one in every SPACING.
    if len(recent) > 1 and recent[-1][0] - recent[-2][0] < SPACING:
        recent.pop()
    return [*recent, (now, done, total)]


def pace(samples: Sequence[Sample], now: float) -> Pace | None:
    """What the samples say at the time `now`; None without any."""
    if not samples:
        return None
    (began, had, all_then), (at, done, total) = samples[0], samples[-1]
    span = at - began
    known = Pace(int(done), int(total))
    if span < ENOUGH or now - at > STALE or done >= total:
        return known
    rest, shrunk = total - done, (all_then - had) - (total - done)
    rate = (done - had) / span
    if shrunk <= 0:
        return Pace(known.done, known.total, rate, None, converging=False)
    return Pace(known.done, known.total, rate, max(rest * span / shrunk - (now - at), 0.0))


def about(seconds: float) -> str:
    """ "about 40 s left": no more exact than anybody can know."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 95:
        return f"about {round(seconds / 10) * 10} s left"
    if seconds < 95 * 60:
        return f"about {round(seconds / 60)} min left"
    return f"about {round(seconds / 3600)} h left"
