"""Which pipeline a command is about: a state folder, or a project on Google Cloud.

Options win over the environment. As the older commands read it: LOCAL_DIR or ARCHIVE name a state
folder; RUNTIME=gcp and PROJECT_ID a deployed pipeline, NAME_PREFIX and FIRESTORE_DATABASE another
environment of it than the first.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.host.folder_lock import state_folder
from shared.core.errors import ConfigError

# The project's own folder: where ./nba lies, whatever folder it is called from.
ROOT = Path(__file__).resolve().parents[2]
GCP = "gcp"


@dataclass(frozen=True)
class Place:
    """The environment of the older commands with the options in it, and what names this place on a
    command line.
    """

    environment: Mapping[str, str]
    options: str = ""
    """What a further command has to say to mean the same place; begins with a space."""

    @property
    def on_google(self) -> bool:
        return self.environment.get("RUNTIME") == GCP

    @property
    def folder(self) -> Path:
        """The state folder."""
        return Path(self.environment["LOCAL_DIR"])

    @property
    def project(self) -> str:
        """The project on Google Cloud, empty where none is named."""
        return self.environment.get("PROJECT_ID") or self.environment.get("GOOGLE_CLOUD_PROJECT") or ""

    @property
    def name_prefix(self) -> str:
        return self.environment.get("NAME_PREFIX", "")

    def find_user(self) -> str:
        """Who acts here: WHO; on Google Cloud the account that gcloud is signed in with, as no
        machine's user is known there; else this machine's user.

        Raises ConfigError where gcloud knows nobody, StoreUnavailable where it does not answer.
        """
        named = self.environment.get("WHO", "").strip()
        if named or not self.on_google:
            return named or getpass.getuser()
        from local.cloud.gcloud import find_account  # only who acts there asks it

        return find_account()

    def local_only(self, command: str, instead: str) -> None:
        """Raises ConfigError on Google Cloud, with what does the same there."""
        if self.on_google:
            raise ConfigError(f"{command} works on a state folder, not on Google Cloud.", next_step=instead)


def place_of(
    environment: Mapping[str, str], *, folder: str = "", archive: str = "", project: str = "", prefix: str = ""
) -> Place:
    """The place that options and environment name; by default the state folder .local of the
    project.

    Raises ConfigError for a folder and a project at once, or what is no path.
    """
    if project and (folder or archive):
        raise ConfigError(
            f"--project {project} and --{'dir' if folder else 'archive'} name two places.",
            next_step="say one of them.",
        )
    chosen = dict(environment)
    given = {"dir": folder, "archive": archive, "project": project, "prefix": prefix}
    if folder or archive:
        chosen = {name: value for name, value in chosen.items() if name != "RUNTIME"}
        # an archive has a folder of its own, which a LOCAL_DIR of the environment would hide
        chosen.pop("LOCAL_DIR", None)
    if project:
        chosen |= {"RUNTIME": GCP, "PROJECT_ID": project}
    chosen |= {"LOCAL_DIR": folder} if folder else {}
    chosen |= {"ARCHIVE": archive} if archive else {}
    chosen |= {"NAME_PREFIX": prefix} if prefix else {}
    chosen["LOCAL_DIR"] = str(_folder(chosen))
    options = "".join(f" --{name} {_quote(value)}" for name, value in given.items() if value)
    return Place(chosen, options)


def _folder(environment: Mapping[str, str]) -> Path:
    """The state folder; one that nobody named lies in the project, wherever the caller is."""
    found = state_folder(environment)
    return found if environment.get("LOCAL_DIR") or Path.cwd() == ROOT else ROOT / found


def _quote(value: str) -> str:
    import shlex

    return shlex.quote(value)
