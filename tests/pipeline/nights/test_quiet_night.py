"""A night in which nothing breaks: nobody is told anything."""

from __future__ import annotations

import pytest

from tests.pipeline.nights.night import Night
from tests.pipeline.nights.operator import Operator

pytestmark = pytest.mark.heavy  # a night is played


def test_a_quiet_night_opens_no_incident(early: Night) -> None:
    early.until(8, 1)
    assert (early.incidents(), early.list_posts(), early.list_mails()) == ([], [], [])
    operator = Operator(early)
    assert operator.command("health").code == 0
    assert "players predicted, exported" in operator.open("/").sentence
    operator.close()
