"""Play the seven nights and print their transcripts: python -m tests.pipeline.nights."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-s", "-m", "", "-p", "no:logging", str(Path(__file__).parent), *sys.argv[1:]]))
