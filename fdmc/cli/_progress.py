"""How far a run is, on standard error; and how it is interrupted without losing a history."""

import signal
import sys
import threading
import time

from rich.progress import BarColumn, Progress as Bar, TextColumn

from ..collect import Progress
from ..report import number
from ._output import console, say


_EVERY_SECONDS = 10.0  # between lines when standard error is no terminal


class Listener:
    """Tells of the progress: a bar on a terminal, lines elsewhere, nothing when quiet."""

    def __init__(self, quiet: bool):
        self.quiet = quiet
        self.bar: Bar | None = None
        self.began = self.said = time.perf_counter()
        self.first: tuple[float, float, int] | None = None

    def __enter__(self):
        if not self.quiet and sys.stderr.isatty():
            columns = (BarColumn(bar_width=10), TextColumn("{task.description}"))
            self.bar = Bar(*columns, console=console(error=True), transient=True)
            self.task = self.bar.add_task("compiling", total=1.0)
            self.bar.start()
        elif not self.quiet:
            say("fdmc: compiling")
        return self

    def __exit__(self, *error):
        if self.bar:
            self.bar.stop()

    def __call__(self, progress: Progress, fraction: float):
        now = time.perf_counter()
        if self.quiet:
            return
        if self.first is None:
            self.first = (now, fraction, progress.replicas)
        if self.bar:
            self.bar.update(
                self.task, completed=fraction, description=self._text(now, progress, fraction)
            )
        elif now - self.said >= _EVERY_SECONDS:
            self.said = now
            say(f"fdmc: {100 * fraction:.0f} %, {self._text(now, progress, fraction)}")

    def _text(self, now: float, progress: Progress, fraction: float) -> str:
        """Return histories, rate, time left and what is known so far."""
        began, fraction_then, replicas_then = self.first or (now, fraction, progress.replicas)
        seconds = max(now - began, 1e-9)
        text = f"{progress.replicas:,} histories"
        if progress.replicas > replicas_then:
            text += f", {number((progress.replicas - replicas_then) / seconds)}/s"
        if fraction > fraction_then:
            left = seconds * (1 - fraction) / (fraction - fraction_then)
            text += f", {_clock(left)} left"
        lost = progress.lost
        if progress.replicas > 1 and lost.best > 0:
            text += f", lost goodput {100 * lost.best:.4g} ± {50 * lost.width:.2g} %"
        return text


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02d} min"
        if hours
        else f"{minutes} min {rest:02d} s"
        if minutes
        else f"{rest} s"
    )


class Interrupt:
    """Turns the first Ctrl-C (or SIGTERM) into a stop after the chunk at hand.

    A chunk that is cut through would be counted half, so the run is only left where `check` is
    called; the second signal stops at once.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, quiet: bool):
        self.quiet, self.asked, self.before = quiet, False, {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self.before = {n: signal.signal(n, self._hear) for n in self._SIGNALS}
        return self

    def __exit__(self, *error):
        for signum, handler in self.before.items():
            signal.signal(signum, handler)

    def _hear(self, signum, frame):
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if not self.quiet:
            say("fdmc: stopping after the chunk at hand; once more to stop at once")

    def check(self):
        """Leave the run if that was asked for.

        **Raises:** `KeyboardInterrupt`.
        """
        if self.asked:
            raise KeyboardInterrupt


class Fractions:
    """Says now and then how far the work is, and leaves it when that was asked for."""

    _EVERY_SECONDS = 5.0

    def __init__(self, quiet: bool, interrupt: Interrupt, done: str):
        self.quiet, self.interrupt, self.done = quiet, interrupt, done
        self.began = self.said = time.perf_counter()

    def __call__(self, fraction: float) -> None:
        self.interrupt.check()
        now = time.perf_counter()
        if self.quiet or now - self.said < self._EVERY_SECONDS or fraction >= 1:
            return
        self.said, left = now, (now - self.began) * (1 - fraction) / fraction
        say(f"fdmc: {100 * fraction:.0f} % {self.done}, {number(left)} s left")
