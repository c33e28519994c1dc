"""Exit codes of every command. Nothing is imported here: `make package` runs with a bare Python."""

from __future__ import annotations

DONE, FAILED, WRONG_INPUT, WITH_GAPS = 0, 1, 2, 3
# As shells say that a signal ended a program: 128 and its number.
INTERRUPTED, READER_GONE, TERMINATED = 130, 141, 143
