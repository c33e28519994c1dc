"""The replay: an archive folder, and a server that answers as the sources would have at a simulated
time.
"""

from __future__ import annotations

from local.replay.app import create_replay_app
from local.replay.archive import Archive, ArchiveError

__all__ = ["Archive", "ArchiveError", "create_replay_app"]
