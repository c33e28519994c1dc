"""Which archive the days of a state folder come from: one for good, since two would mix two worlds
in one warehouse.
"""

from __future__ import annotations

from pathlib import Path

from local.host.simulated_clock import SimulationNotes
from shared.core.errors import ConfigError

NOTE = "archive"


class OtherArchive(ConfigError):
    """The state folder holds the days of another archive than the one given."""


def read_kept_archive(simulation: SimulationNotes, folder: Path) -> Path | None:
    """The archive that this state folder's days come from; None before its first day."""
    kept = simulation.get(NOTE)
    # within the folder it is kept as a relative path: a copy of the folder brings its league along
    return folder.resolve() / kept if kept else None


def keep_archive(simulation: SimulationNotes, folder: Path, archive: Path) -> None:
    """Note the archive.

    Raises OtherArchive where the days kept come from another that is still there.

    One that is gone was moved, as far as anybody can tell: its new place is taken.
    """
    kept, archive, folder = read_kept_archive(simulation, folder), archive.resolve(), folder.resolve()
    if kept is not None and kept.is_dir() and kept.resolve() != archive:
        raise OtherArchive(
            f"{folder} holds days of the archive {kept}; days of {archive} would mix two worlds in one warehouse.",
            next_step="give that archive, forget its days with `make clean-local`, or use another LOCAL_DIR.",
        )
    simulation.set(NOTE, str(archive.relative_to(folder) if archive.is_relative_to(folder) else archive))
