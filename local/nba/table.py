"""All commands: what --help lists, in this order, and where each is."""

from __future__ import annotations

from collections.abc import Mapping

from local.nba.lazy import Entry

IS, WAITS, AGAIN, MACHINE = "What is", "What waits", "What is done again", "This machine"
_COMMANDS = "local.nba.commands"

ENTRIES: Mapping[str, Entry] = {
    "status": Entry(
        f"{_COMMANDS}.reading:status", "Say whether a date is fine, what is short, and what happens by itself.", IS
    ),
    "grid": Entry(
        f"{_COMMANDS}.reading:grid", "Show dates by phase: complete, short, running, failed, deferred, not due.", IS
    ),
    "show": Entry(
        f"{_COMMANDS}.reading:show", "Show a date, or one phase of it: rows, executions, errors, messages.", IS
    ),
    "health": Entry(
        f"{_COMMANDS}.reading:health",
        "Run the checks of a morning, of the state store, sources, queues and deployed code.",
        IS,
    ),
    "runs": Entry(
        f"{_COMMANDS}.runs:runs", "List what has run lately beside its usual seconds, and what runs now.", IS
    ),
    "logs": Entry(f"{_COMMANDS}.logs:logs", "Show the functions' logs.", IS),
    "slowdown": Entry(
        f"{_COMMANDS}.reading:slowdown",
        "Compare each function's latest run with its last seven days and its time-out.",
        IS,
    ),
    "latency": Entry(
        f"{_COMMANDS}.reading:latency",
        "Show how long games took from their end to their grades, against the six hours' target.",
        IS,
    ),
    "report": Entry(
        f"{_COMMANDS}.reading:report",
        "Report runs, failures and seconds by function and week, and the regressions.",
        IS,
    ),
    "audit": Entry(
        f"{_COMMANDS}.reading:audit", "List what people did: who, when, what, why, and what came of it.", IS
    ),
    "dlq": Entry(f"{_COMMANDS}.queues:dlq", "List the dead letters; none is taken away.", WAITS),
    "redrive": Entry(f"{_COMMANDS}.queues:redrive", "Publish dead letters once more, and see them through.", WAITS),
    "deferred": Entry(
        f"{_COMMANDS}.queues:list_deferred", "List the messages that a pause or an open breaker keeps back.", WAITS
    ),
    "pause": Entry(f"{_COMMANDS}.switches:pause", "Defer new work, losing none; what runs finishes.", WAITS),
    "resume": Entry(f"{_COMMANDS}.switches:resume", "Let work through again, and publish what was deferred.", WAITS),
    "breakers": Entry(
        f"{_COMMANDS}.switches:breakers", "List the circuit breakers that have failures, open or not.", WAITS
    ),
    "reset-breaker": Entry(
        f"{_COMMANDS}.switches:reset_breaker",
        "Close a breaker once its cause is mended, and publish what it deferred.",
        WAITS,
    ),
    "alerts": Entry(
        f"{_COMMANDS}.alerts:alerts", "Incidents: list them, acknowledge, mute, resolve, send a test.", WAITS
    ),
    "rerun": Entry(
        f"{_COMMANDS}.acting:rerun",
        "Start a phase of a date again, from here on, this phase only, or what is missing.",
        AGAIN,
    ),
    "force": Entry(f"{_COMMANDS}.acting:force", "Predict a date again, in a new batch.", AGAIN),
    "consolidate": Entry(f"{_COMMANDS}.acting:consolidate", "Merge a date's latest batch again.", AGAIN),
    "export": Entry(f"{_COMMANDS}.acting:export", "Write a date's files again.", AGAIN),
    "heal": Entry(f"{_COMMANDS}.acting:heal", "Have self-heal restart what a date is short of.", AGAIN),
    "backfill": Entry(
        f"{_COMMANDS}.acting:backfill", "Fill dates gone by: what is missing of them, what failed, or all.", AGAIN
    ),
    "roll-back-model": Entry(
        f"{_COMMANDS}.acting:roll_back_model",
        "Let an earlier model version serve again; by default the one before.",
        AGAIN,
    ),
    "halt": Entry(f"{_COMMANDS}.acting:halt", "Have every exported file say that no advice is given.", AGAIN),
    "lift-halt": Entry(f"{_COMMANDS}.acting:lift_halt", "Have files give advice again.", AGAIN),
    "publish": Entry(
        f"{_COMMANDS}.switches:publish", "Publish a message, such as a phase's trigger, and see it through.", AGAIN
    ),
    "sweep": Entry(
        f"{_COMMANDS}.switches:sweep",
        "Recover now what stalled, was not sent or was left over, as every ten minutes.",
        AGAIN,
    ),
    "dashboard": Entry(
        f"{_COMMANDS}.playing:dashboard",
        "Open the dashboard: start the runtime, say its address, serve until Ctrl-C.",
        MACHINE,
    ),
    "play": Entry(
        f"{_COMMANDS}.playing:play",
        "Play a day of the simulated league or of --archive, from scraping to grading.",
        MACHINE,
    ),
    "compare": Entry(
        f"{_COMMANDS}.playing:compare", "Compare predictions, grades and exports of two state folders.", MACHINE
    ),
    "backtest": Entry(
        f"{_COMMANDS}.playing:backtest",
        "Judge the prediction systems on days gone by, of the simulated league or --archive.",
        MACHINE,
    ),
    "completion": Entry(
        "local.nba.completion:completion", "Print what a shell reads to complete this command.", MACHINE
    ),
}
