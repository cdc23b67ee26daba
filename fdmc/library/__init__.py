from ._rows import Row as Row, row as row, rows as rows
from ._scenarios import scenarios as scenarios
