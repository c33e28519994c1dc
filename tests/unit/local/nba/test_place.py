"""Which pipeline a command is about: options win over the environment."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from local.nba.place import ROOT, place_of
from shared.core.errors import ConfigError
from tests.support.cloud_run import Gcloud


def test_the_projects_own_folder_wherever_the_caller_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place_of({}).folder == ROOT / ".local"
    monkeypatch.chdir(ROOT)
    assert place_of({}).folder == Path(".local")


def test_a_relative_folder_is_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place_of({}, folder="state").folder == Path("state")
    assert place_of({"LOCAL_DIR": "other"}).folder == Path("other")


def test_an_option_wins_over_the_environment() -> None:
    environment = {"LOCAL_DIR": "a", "RUNTIME": "gcp", "PROJECT_ID": "p"}
    place = place_of(environment, folder="b")
    assert (place.on_google, place.folder, place.options) == (False, Path("b"), " --dir b")
    place = place_of({"LOCAL_DIR": "a"}, project="q", prefix="dev-")
    assert (place.on_google, place.project, place.name_prefix) == (True, "q", "dev-")
    assert place.options == " --project q --prefix dev-"


def test_the_environment_alone_may_name_google_cloud() -> None:
    place = place_of({"RUNTIME": "gcp", "GOOGLE_CLOUD_PROJECT": "p"})
    assert (place.on_google, place.project, place.options) == (True, "p", "")


def test_an_archive_has_its_own_folder(tmp_path: Path) -> None:
    """Also where LOCAL_DIR is set for another; the same one that `make` takes for it."""
    place = place_of({"LOCAL_DIR": "a"}, archive=str(tmp_path))
    assert place.folder.name.startswith(f".local-{tmp_path.name[:20]}")
    assert place.environment["ARCHIVE"] == str(tmp_path)


def test_two_places_at_once_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"--project p and --dir name two places\. Next: say one of them\."):
        place_of({}, folder="a", project="p")


def test_a_further_command_names_the_place_as_a_shell_reads_it() -> None:
    assert place_of({}, folder="my state").options == " --dir 'my state'"


def test_what_is_of_one_machine_is_refused_on_google_cloud() -> None:
    place_of({}, folder="a").local_only("play", "x")
    with pytest.raises(ConfigError, match=r"play works on a state folder, not on Google Cloud\. Next: x"):
        place_of({}, project="p").local_only("play", "x")


def test_who_acts_is_this_machines_user_and_on_google_cloud_gclouds_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gcloud = Gcloud.write(tmp_path / "bin")
    gcloud.print_account("ada@example.com")
    monkeypatch.setenv("PATH", gcloud.path(os.environ["PATH"]))
    assert place_of({}, folder="a").find_user() == getpass.getuser()
    assert gcloud.calls == []
    assert place_of({}, project="p").find_user() == "ada@example.com"
    assert [place_of({"WHO": "bob"}, **where).find_user() for where in ({"folder": "a"}, {"project": "p"})] == [
        "bob"
    ] * 2
    assert len(gcloud.calls) == 1
