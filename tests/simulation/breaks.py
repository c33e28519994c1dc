"""Every break the simulation has to find: the checker is checked.

Not among them is what something else makes good, so that no end of a day shows it: a sweep that
sends no unsent outbox (redeliveries send it), a lease that never ends (the sweep makes the
execution final, the dead letter is redriven), a unit staged again after its batch was consolidated
(the sweep drops it), a superseded batch consolidated again (its staging is gone).
"""

from __future__ import annotations

from tests.simulation import breaks_batches, breaks_messages, breaks_readers
from tests.simulation.patching import Break

BREAKS: dict[str, Break] = {
    each.name: each for part in (breaks_messages, breaks_batches, breaks_readers) for each in part.TABLE.breaks
}
