"""The lock names a package with its extras apart: pip takes `google-auth[pyopenssl]` for a package
of its own.
"""

from __future__ import annotations

import re

import pytest

from local.package.lock import blocks, plain, with_pairs
from tests.conftest import ROOT

HASHES = " \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb"


def test_a_package_with_an_extra_is_there_plain_and_with_it() -> None:
    text = f"attrs==1{HASHES}\ngoogle-auth[pyopenssl]==2.62.2{HASHES}\n"
    assert with_pairs(text) == (
        f"attrs==1{HASHES}\ngoogle-auth==2.62.2{HASHES}\ngoogle-auth[pyopenssl]==2.62.2{HASHES}\n"
    )


def test_of_two_extras_each_alone_and_both_together() -> None:
    names = re.findall(r"(?m)^\S+", with_pairs("a[y,x]==1 ; sys_platform == 'linux' \\\n    --hash=sha256:aa\n"))
    assert names == ["a==1", "a[x]==1", "a[y]==1", "a[x,y]==1"]


def test_a_constraint_has_no_extras() -> None:
    assert plain(with_pairs(f"a==1{HASHES}\nb[x]==2{HASHES}\n")) == f"a==1{HASHES}\nb==2{HASHES}\n"


def test_making_pairs_of_the_plain_lock_is_no_change() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = plain(lock.read_text(encoding="utf-8"))
        assert with_pairs(text) == text


def test_an_entry_without_an_exact_version_is_refused() -> None:
    with pytest.raises(ValueError, match="b>=2"):
        with_pairs("a==1\nb>=2\n")


def test_every_locked_package_has_hashes_and_extras_never_stand_alone() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        entries = blocks(lock.read_text(encoding="utf-8"))
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
        names = [entry.split("==")[0] for entry in entries]
        assert [name for name in names if "[" in name and name.split("[")[0] not in names] == []
    assert "google-auth[pyopenssl]==" in (ROOT / "requirements" / "functions.txt").read_text(encoding="utf-8")
