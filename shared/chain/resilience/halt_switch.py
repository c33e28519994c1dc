"""The operator's halt, document control/halt: {"halted": true, "reason": "off-season"}. While it is
on, exports say that nobody shall act on them.
"""

from __future__ import annotations

from shared.stores.ports import State

PATH = "control/halt"


def read_halt(state: State) -> str | None:
    """The reason of the halt; None while there is none. A person writes the document by hand, so
    whatever is true in it counts.
    """
    document = state.get(PATH)
    if document is None or not document.data.get("halted"):
        return None
    return str(document.data.get("reason") or "no reason given")
