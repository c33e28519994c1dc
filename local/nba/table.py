"""All commands: what --help lists, in this order, and where each is."""

from __future__ import annotations

from collections.abc import Mapping

from local.nba.lazy import Entry

IS = "What is"
WAITS = "What waits"
AGAIN = "What is done again"
MACHINE = "This machine"

ENTRIES: Mapping[str, Entry] = {
    "status": Entry(
        "local.nba.commands.dates:status", "Say whether a date is fine, what is short, and what happens by itself.", IS
    ),
    "grid": Entry(
        "local.nba.commands.dates:grid", "Show dates by phase: complete, short, running, failed, deferred, not due.", IS
    ),
    "show": Entry(
        "local.nba.commands.dates:show",
        "Show a date, one phase of it (rows, executions, errors), or a --player's way back.",
        IS,
    ),
    "batch": Entry(
        "local.nba.commands.dates:batch", "Show a batch: its units, rows and guards; who supersedes it.", IS
    ),
    "health": Entry(
        "local.nba.commands.reading:health",
        "Run the checks of a morning, of the state store, sources, queues and deployed code.",
        IS,
    ),
    "runs": Entry(
        "local.nba.commands.runs:runs", "List what has run lately beside its usual seconds, and what runs now.", IS
    ),
    "logs": Entry("local.nba.commands.logs:logs", "Show the functions' logs.", IS),
    "slowdown": Entry(
        "local.nba.commands.reading:slowdown",
        "Compare each function's latest run with its last seven days and its time-out.",
        IS,
    ),
    "latency": Entry(
        "local.nba.commands.reading:latency",
        "Show how long games took from their end to their grades, against the six hours' target.",
        IS,
    ),
    "report": Entry(
        "local.nba.commands.reading:report",
        "Report runs, failures and seconds by function, week and month, and the regressions.",
        IS,
    ),
    "picks": Entry("local.nba.commands.reading:picks", "Show tonight's picks as they are exported.", IS),
    "accuracy": Entry(
        "local.nba.commands.reading:accuracy",
        "Show the systems' errors beside the line's and the season average's, on the same rows.",
        IS,
    ),
    "started": Entry(
        "local.nba.commands.reading:list_started",
        "List what people started of a date by hand, with why and what came of it.",
        IS,
    ),
    "audit": Entry(
        "local.nba.commands.reading:audit",
        "List what people and recovery functions did on purpose: who, when, what and why.",
        IS,
    ),
    "dlq": Entry("local.nba.commands.queues:dlq", "List the dead letters; none is taken away.", WAITS),
    "redrive": Entry(
        "local.nba.commands.queues:redrive", "Publish dead letters once more, and see them through.", WAITS
    ),
    "deferred": Entry(
        "local.nba.commands.queues:list_deferred",
        "List the messages that a pause or an open breaker keeps back.",
        WAITS,
    ),
    "release-deferred": Entry(
        "local.nba.commands.queues:release_deferred",
        "Publish the deferred messages that nothing stops any more.",
        WAITS,
    ),
    "switches": Entry(
        "local.nba.commands.switches:switches",
        "Say whether the pipeline is paused or its files halted, by whom and why.",
        WAITS,
    ),
    "pause": Entry("local.nba.commands.switches:pause", "Defer new work, losing none; what runs finishes.", WAITS),
    "resume": Entry(
        "local.nba.commands.switches:resume", "Let work through again, and publish what was deferred.", WAITS
    ),
    "halt": Entry("local.nba.commands.switches:halt", "Have every exported file say that no advice is given.", WAITS),
    "lift-halt": Entry("local.nba.commands.switches:lift_halt", "Have files give advice again.", WAITS),
    "breakers": Entry(
        "local.nba.commands.switches:breakers", "List the circuit breakers that have failures, open or not.", WAITS
    ),
    "reset-breaker": Entry(
        "local.nba.commands.switches:reset_breaker",
        "Close breakers once their cause is mended, and publish what they deferred.",
        WAITS,
    ),
    "alerts": Entry(
        "local.nba.commands.alerts:alerts",
        "Incidents: list them, show one, acknowledge, mute, resolve, note, test a channel.",
        WAITS,
    ),
    "rerun": Entry(
        "local.nba.commands.acting:rerun",
        "Start a phase of a date again, from here on, this phase only, or what is missing.",
        AGAIN,
    ),
    "force": Entry("local.nba.commands.acting:force", "Predict a date again, in a new batch.", AGAIN),
    "consolidate": Entry("local.nba.commands.acting:consolidate", "Merge a date's latest batch again.", AGAIN),
    "export": Entry("local.nba.commands.acting:export", "Write a date's files again.", AGAIN),
    "heal": Entry("local.nba.commands.acting:heal", "Have self-heal restart what a date is short of.", AGAIN),
    "rerun-many": Entry(
        "local.nba.commands.acting:rerun_many", "Start phases of several dates again, each from there on.", AGAIN
    ),
    "fire": Entry(
        "local.nba.commands.acting:fire", "Publish what a schedule did not, as that firing's own run.", AGAIN
    ),
    "backfill": Entry(
        "local.nba.commands.backfills:backfill",
        "Fill dates gone by: what is missing of them, what failed, or all; a sweep goes on with it.",
        AGAIN,
    ),
    "backfills": Entry(
        "local.nba.commands.backfills:backfills", "List the backfills and how far each is, or show one.", AGAIN
    ),
    "cancel-backfill": Entry(
        "local.nba.commands.backfills:cancel_backfill",
        "Publish nothing more of a backfill; what runs finishes.",
        AGAIN,
    ),
    "resume-backfill": Entry(
        "local.nba.commands.backfills:resume_backfill",
        "Go on with a backfill that was cancelled, and try again what failed.",
        AGAIN,
    ),
    "restore": Entry(
        "local.nba.commands.acting:restore",
        "Put a date's rows back as they were in the last seven days (Google Cloud alone).",
        AGAIN,
    ),
    "roll-back-model": Entry(
        "local.nba.commands.acting:roll_back_model",
        "Let an earlier model version serve again; by default the one before.",
        AGAIN,
    ),
    "publish": Entry(
        "local.nba.commands.publishing:publish",
        "Publish a message, such as a phase's trigger, and see it through.",
        AGAIN,
    ),
    "sweep": Entry(
        "local.nba.commands.publishing:sweep",
        "Recover now what stalled, was not sent or was left over, as every ten minutes.",
        AGAIN,
    ),
    "dashboard": Entry(
        "local.nba.commands.dashboard:dashboard",
        "Open the dashboard, of this machine or deployed: say its address, serve until Ctrl-C.",
        MACHINE,
    ),
    "play": Entry(
        "local.nba.commands.playing:play",
        "Play a day of the simulated league or of --archive, from scraping to grading.",
        MACHINE,
    ),
    "compare": Entry(
        "local.nba.commands.playing:compare", "Compare predictions, grades and exports of two state folders.", MACHINE
    ),
    "backtest": Entry(
        "local.nba.commands.playing:backtest",
        "Judge the prediction systems on days gone by, of the simulated league or --archive.",
        MACHINE,
    ),
    "injury-report": Entry(
        "local.nba.commands.reports:injury_report",
        "Read an official injury report (PDF): who is listed, and whose list is not there yet.",
        MACHINE,
    ),
    "completion": Entry(
        "local.nba.completion:completion", "Print what a shell reads to complete this command.", MACHINE
    ),
}
