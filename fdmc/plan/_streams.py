"""Names of random streams as numbers."""

import hashlib


def stream(name: str) -> int:
    """Return the 32-bit number of a named stream; a name means the same stream for ever.

    Streams are named by what they drive (`tray/fan`), so adding one never moves the others, and two
    scenarios that share a class share its failures: common random numbers come for nothing.
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
