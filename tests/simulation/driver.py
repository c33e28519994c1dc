"""Plays a seed: the day's schedule, faults and people in their windows, then recovery until
everything is settled.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from shared.chain.resilience import dead_letters, deferred, pause_switch
from shared.core.clock import at_new_york
from shared.core.errors import PipelineError
from shared.core.pipeline import load_pipeline
from shared.stores.ports import Filter
from tests.simulation.plan import Event, Plan, sweep_at
from tests.simulation.process import Killed, Process, running
from tests.simulation.world import SimulatedPipeline

# Longer than any lease, back-off or ack deadline: what has not ended by then does not end by
# itself.
_ROUND = timedelta(minutes=35)
_ROUNDS = 12
# Abandoned executions are recognised when no delivery can follow any more; stalled batches earlier.
_PATIENCE = timedelta(minutes=95)


class Unsettled(AssertionError):
    """Recovery did not come to an end."""


class Player:
    """One play of a plan on a world."""

    def __init__(self, world: SimulatedPipeline, plan: Plan, spared: frozenset[str] = frozenset()) -> None:
        self.world = world
        self.plan = plan
        self._spared = spared
        self.settled_before_tipoff = False
        self.rounds = 0
        self.redriven: set[str] = set()
        self.heal_asked = 0

    def play(self) -> None:
        """From before the same-day run to the day after the next."""
        for event in self.plan.events:
            if f"event {event.name}" not in self._spared:
                self.world.hub.at(event.at, self._happens(event))
        for stop in self._stops():
            self.world.run_until(stop)
            self._settle()
            if stop < self.world.base.first_tipoff:
                self.settled_before_tipoff = self.world.hub.now() < self.world.base.first_tipoff
        # a day later, orphaned staging tables are old enough to be looked at
        self.world.run_until(self.world.hub.now() + timedelta(hours=26))
        self._sweep()
        if self.world.pending:
            raise Unsettled(f"{self.world.pending} deliveries are still under way a day later")

    def _stops(self) -> list[datetime]:
        """When each stretch of the day is over and is to be recovered: after its faults and its
        schedule.
        """
        day, following = self.plan.game_date, self.plan.game_date + timedelta(days=1)
        noon, evening = at_new_york(day, time(13, 1)), at_new_york(day, time(17, 31))
        morning = at_new_york(following, time(11, 16))
        ends = sorted(window.end for window in self.plan.windows)
        first = max([noon, *(end for end in ends if end < evening)])
        stops = [first]
        late = [end for end in ends if evening <= end < at_new_york(following, time(6))]
        if late or self.plan.second_run:
            stops = [first, max([evening, *late])] if first < evening else [max([first, *late])]
        return [*stops, max([morning, *ends])]

    # --- what happens on purpose ---

    def _happens(self, event: Event) -> Callable[[], None]:
        def happen() -> None:
            world = self.world
            world.log(f"--- {event.name}")
            if event.kind == "schedule":
                schedule = event.name.partition(" ")[0]
                world.publish(event.name, event.topic, event.message, schedule=schedule)
            elif event.kind == "trigger":
                world.publish(event.name, event.topic, event.message)
            elif event.kind == "poison":
                world.publish(event.name, event.topic, event.data)
            elif event.kind == "copy":
                published = world.seen.get(event.topic, [])
                if published:
                    chosen = published[int(world.faults.uniform(event.name) * len(published))]
                    attributes = {k: v for k, v in chosen.attributes.items() if k != "outbox_id"}
                    world.publish(f"{event.name} of {chosen.name}", event.topic, chosen.data, **attributes)
            elif event.kind == "pause":
                pause_switch.pause(world.state, who="operator", reason="maintenance", now=world.hub.now())
            elif event.kind == "resume":
                self._resume()
            elif event.kind == "redrive":
                process = world.process(event.name)
                process.task = world.hub.spawn(lambda: self._redrive_by(process))

        return happen

    def _resume(self) -> None:
        pause_switch.resume(self.world.state, who="operator", reason="done", now=self.world.hub.now())
        deferred.release_deferred(self.world.calm_runtime())

    def _redrive_by(self, process: Process) -> None:
        """An operator's redrive in the midst of the faults: his process may die, his stores may
        fail.
        """
        world = self.world
        runtime = world.runtime(process)
        try:
            letters = [
                letter
                for letter in dead_letters.list_dead_letters(runtime.bus, load_pipeline(), world.hub.now())
                if letter.redrivable and letter.reason == "max_delivery_attempts"
            ]
            with running(process):
                dead_letters.redrive(runtime, letters, who="operator", reason="as soon as possible")
        except (Killed, PipelineError) as failed:
            world.log(f"the operator's redrive came to an end: {failed}")

    # --- recovery ---

    def _settle(self) -> None:
        """Redrive, sweep and self-heal until a round in which nothing was left to do."""
        world = self.world
        world.log("=== recovery")
        self._resume()
        world.run_until_quiet(_ROUND)
        for _ in range(_ROUNDS):
            self.rounds += 1
            before = len(world.bus.published)
            self._redrive()
            self._sweep()
            healed = self._heal()
            held_still = world.state.count("held", [Filter("released_at", "==", None)])
            if healed != "skipped" and not held_still and self._only_looked(before):
                return
        self._finish()

    def _finish(self) -> None:
        """Wait until what was abandoned must have been found. Raises Unsettled."""
        world = self.world
        world.run_until(world.hub.now() + _PATIENCE)
        self._sweep()
        if world.pending:
            raise Unsettled(f"{world.pending} deliveries are still under way after {self.rounds} rounds of recovery")

    def _redrive(self) -> None:
        """Every dead letter once more; poison only once."""
        world = self.world
        letters = [
            letter
            for letter in dead_letters.list_dead_letters(world.bus, load_pipeline(), world.hub.now())
            if letter.redrivable
            and (letter.reason == "max_delivery_attempts" or letter.origin_message_id not in self.redriven)
        ]
        if not letters:
            return
        world.log(f"the operator redrives {len(letters)} dead letters")
        self.redriven |= {letter.origin_message_id for letter in letters}
        dead_letters.redrive(world.calm_runtime(), letters, who="operator", reason="the faults have stopped")
        world.run_until_quiet(_ROUND)

    def _sweep(self) -> None:
        """The sweep, at the next of its minutes."""
        world = self.world
        now = world.hub.now()
        at = now.replace(minute=now.minute // 10 * 10, second=0, microsecond=0) + timedelta(minutes=10)
        event = sweep_at(at)
        world.run_until(at)
        world.publish(event.name, event.topic, event.message, schedule="batch-sweep")
        world.run_until_quiet(_ROUND)

    def _heal(self) -> str:
        """Self-heal, asked by hand; returns the status it answered."""
        world = self.world
        self.heal_asked += 1
        run_id = f"{self.plan.game_date}-asked-{self.heal_asked}"
        message = {"game_date": str(self.plan.game_date), "run_id": run_id}
        world.publish(f"self-heal {self.heal_asked}", "nba-self-heal-trigger", message)
        world.run_until_quiet(_ROUND)
        execution = world.state.get(f"executions/self_heal.{run_id}")
        return str(execution.data["result"]["status"]) if execution and execution.data.get("result") else "skipped"

    def _only_looked(self, before: int) -> bool:
        """Whether all that was published since is what recovery itself publishes to look."""
        looks = ("nba-batch-sweep-trigger", "nba-self-heal-trigger")
        return all(message.topic in looks for message in self.world.bus.published[before:])
