"""The command line, `fdmc VERB ...`; `docs/command-line.md` describes it."""

from ._main import main as main
from ._parser import parser as parser
