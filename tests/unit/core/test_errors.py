"""An error's text: what failed and what to do next, put together and taken apart in one place."""

from __future__ import annotations

import pytest

from shared.core.errors import DataError, split_next_step


@pytest.mark.parametrize("step", ["", "look at it. Next: or leave it."])
def test_what_an_error_says_is_taken_apart_again(step: str) -> None:
    assert split_next_step(str(DataError("7 is no day.", next_step=step))) == ("7 is no day.", step)
