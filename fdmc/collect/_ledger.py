"""What a run has counted so far, on disk: killed at any moment, it goes on from the last entry."""

import dataclasses
import json
import os
from pathlib import Path

from ..tally import Tally


class LedgerError(ValueError):
    """A ledger that does not belong to this run."""


@dataclasses.dataclass
class Ledger:
    """The tally of replicas [0, done) of one scenario and seed."""

    fingerprint: str
    seed: int
    bins: int
    done: int
    seconds: float
    reruns: int
    tally: Tally

    def save(self, path: Path):
        """Write the ledger; a reader sees the old one or the new one, never half of it."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        values["tally"] = self.tally.to_dict()
        part = path.with_suffix(".part")
        with part.open("w") as file:
            json.dump(values, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    @staticmethod
    def load(path: Path) -> "Ledger":
        """Read a ledger.

        **Raises:** `LedgerError` when there is none or it is not one.
        """
        try:
            values = json.loads(path.read_text())
            values["tally"] = Tally.from_dict(values["tally"])
            return Ledger(**values)
        except FileNotFoundError:
            raise LedgerError(f"{path}: no ledger to resume; run without --resume.") from None
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise LedgerError(f"{path}: not a ledger of fdmc ({error}).") from error

    def check(self, fingerprint: str, seed: int, bins: int):
        """Refuse to go on with another scenario or seed."""
        for name, mine, theirs in (
            ("scenario", self.fingerprint, fingerprint),
            ("seed", self.seed, seed),
            ("time bins", self.bins, bins),
        ):
            if mine != theirs:
                raise LedgerError(f"the ledger has another {name}: {mine}, not {theirs}.")
