"""Exit codes, and what is wrong with a command."""

GOOD, BAD_INPUT, NOT_REACHED, INTERRUPTED = 0, 2, 3, 130


class UsageError(ValueError):
    """A command that cannot be carried out; the message says what to write instead."""
