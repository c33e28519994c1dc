"""Codes of what happened: every outcome and every error carries one, and every log line about them
tells it.

Few states drive the chain (`status`: success, partial, no_data ...), these codes report. Metrics,
alerts and tools match a code, never a sentence: sentences are for people and may be worded anew.
"""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Event(StrEnum):
    """Stable codes.

    One may be added; none is renamed or given another meaning, for alerts and notes rely on it.
    """

    # --- how any execution ends -------------------------------------------------------------------
    DONE = "done"  # all that was asked for was done
    DONE_WITH_GAPS = "done_with_gaps"  # done as far as it could be; the reason says what is missing
    BEYOND_MODE = "beyond_mode"  # the run's mode ends before this phase
    DEFERRED = "deferred"  # the pause switch or a circuit breaker keeps the message for later

    BREAKER_OPENED = "breaker_opened"  # failures of several executions opened a circuit breaker

    # --- dates and their games --------------------------------------------------------------------
    NO_SCHEDULE = "no_schedule"  # no schedule is loaded around the date: nobody knows whether there are games
    NO_GAMES = "no_games"  # the schedule has no game on the date
    GAMES_POSTPONED = "games_postponed"  # every game of the date is postponed
    GAMES_CALLED_OFF = "games_called_off"  # no game of the date takes place; not all of them are merely postponed
    NO_FINAL_GAMES = "no_final_games"  # none of the date's games is final yet
    NO_SUCH_SEASON = "no_such_season"  # a message names a season that the source does not know

    # --- scraping and loading ---------------------------------------------------------------------
    ALL_BEGUN = "all_begun"  # every game has begun: nothing is left to predict
    NO_DATA_UPSTREAM = "no_data_upstream"  # the phase before had nothing, so neither has this one
    NO_RAW_FILES = "no_raw_files"  # the bucket has no raw file of the dates

    # --- features and predictions -----------------------------------------------------------------
    NO_ROSTERS = "no_rosters"  # there are games, and nobody is known to play in them
    NO_PLAYER_CONTEXT = "no_player_context"  # phase 3 has written no context to compute features from
    NOBODY_TO_PREDICT = "nobody_to_predict"  # everybody on the rosters was left out, each with his reason
    NO_MODELS = "no_models"  # no trained model of any statistic is there: the systems that need one predict nobody
    JOINED_BATCH = "joined_batch"  # another run's batch of the date is in progress

    # --- batches ----------------------------------------------------------------------------------
    UNKNOWN_BATCH = "unknown_batch"  # a message names a batch, or a unit of it, that does not exist
    INVALID_BATCH_ID = "invalid_batch_id"  # a batch id that no coordinator can have written
    BATCH_PARTIAL = "batch_partial"  # the sweep closed a batch without some of its units
    BATCH_FORGOTTEN = "batch_forgotten"  # a batch was closed and announced, and nobody consolidated it
    CONSOLIDATION_FAILED = "consolidation_failed"  # alert of an attempt whose own line has the code of what failed
    NO_BATCH = "no_batch"  # no batch was opened for the date
    UNIT_SPLIT = "unit_split"  # each player of a unit that failed is tried alone
    BATCH_OPEN = "batch_open"  # units of the batch are still at work
    BATCH_SUPERSEDED = "batch_superseded"  # a later batch of the date counts
    ALREADY_CONSOLIDATED = "already_consolidated"  # a repeat: everything is in place
    ALL_FROZEN = "all_frozen"  # all staged rows are of games that have tipped off
    NOTHING_STAGED = "nothing_staged"  # no unit of the batch staged a row
    STAGING_MISSING = "staging_missing"  # a unit reported rows and its staging table is not there
    STAGED_ROWS_WRONG = "staged_rows_wrong"  # staged rows are not as many as reported, or of another batch or date
    ZERO_ROW_MERGE = "zero_row_merge"  # the MERGE affected no row although rows were staged
    MERGED_ROWS_WRONG = "merged_rows_wrong"  # the MERGE affected another number of rows than were staged
    ROWS_IN_PLACE_WRONG = "rows_in_place_wrong"  # after the MERGE the table does not hold what it should

    # --- exports ----------------------------------------------------------------------------------
    EXPORT_HALTED = "export_halted"  # exported, with the operator's halt said in every file
    NO_PREDICTIONS = "no_predictions"  # the date has no current predictions
    PREDICTED_AFTER_TIPOFF = "predicted_after_tipoff"  # predictions from after their game's tip-off: none is exported
    UNEXPECTED_PLAYERS = "unexpected_players"  # predictions of players whom no batch expected
    LOW_COVERAGE = "low_coverage"  # too few of the expected players have a prediction

    # --- grading ----------------------------------------------------------------------------------
    NOTHING_GRADED = "nothing_graded"  # no prediction of the date, or of any before it, has a grade
    IMPLAUSIBLE = "implausible"  # a system's figures are too good to be true
    NOT_GRADABLE = "not_gradable"  # no game of the date is final with whole box scores

    # --- training ---------------------------------------------------------------------------------
    TOO_FEW_ROWS = "too_few_rows"  # too little history to train on
    MODEL_HELD_BACK = "model_held_back"  # the new version is clearly worse and does not serve
    ROLLED_BACK = "rolled_back"  # an earlier version serves again
    ALREADY_SERVING = "already_serving"  # the version asked for serves already
    NO_PREVIOUS_VERSION = "no_previous_version"  # nothing served before the version that serves now
    UNKNOWN_VERSION = "unknown_version"  # the bucket has no such version
    VERSION_DOES_NOT_FIT = "version_does_not_fit"  # the deployed code cannot use that version
    POINTER_DAMAGED = "pointer_damaged"  # which version of a statistic serves cannot be read

    # --- self-heal and sweep ----------------------------------------------------------------------
    COMPLETE = "complete"  # nothing that should exist for the date is missing
    IN_PROGRESS = "in_progress"  # something is short, and somebody is at work on it
    RESTARTED = "restarted"  # the earliest short phase was started again
    GAVE_UP = "gave_up"  # three restarts of a phase did not mend the date
    LOST = "lost"  # rows are gone that no run can make again
    NOTHING_TO_SWEEP = "nothing_to_sweep"  # the sweep found everything in order
    SWEPT = "swept"  # the sweep closed, released, sent or dropped something
    SWEEP_INCOMPLETE = "sweep_incomplete"  # the sweep could not mend all that it found

    # --- operations -------------------------------------------------------------------------------
    HEARTBEAT = "heartbeat"  # monitor has looked at everything, or said that it could not

    # --- messages that can never succeed ----------------------------------------------------------
    BAD_MESSAGE = "DataError"  # the message can never succeed (its older name, which stored dead letters have)
    NAME_TOO_LONG = "NameTooLong"  # the same: it asks for an object name that no bucket takes
    NOT_AN_ENVELOPE = "not_an_envelope"  # the request is no push of Pub/Sub's
    NOT_JSON = "not_json"  # the data is no JSON object
    TOO_LARGE = "too_large"  # a field is longer than it may be
    INVALID_MESSAGE = "invalid_message"  # a field is missing, of a wrong type or out of bounds
    BAD_DOCUMENT = "bad_document"  # a document of the state lacks a field, or holds what this release does not know

    # --- failures of an attempt -------------------------------------------------------------------
    NOTHING_TO_DO = "nothing_to_do"  # an error that says so; the outcome's status tells more
    LEASE_HELD = "lease_held"  # another instance works on the same
    STORE_UNAVAILABLE = "store_unavailable"  # a store did not answer
    WRITE_CONFLICT = "write_conflict"  # somebody else wrote at the same time
    SOURCE_UNAVAILABLE = "source_unavailable"  # a source outside did not give what it should
    STAGING_MISMATCH = "staging_mismatch"  # staged or merged rows are not what was reported
    STORAGE_FAULT = "storage_fault"  # what a store lies on needs somebody to mend it: full, denied or damaged
    RETRIED = "retried"  # another failure that may pass by itself
    BAD_SETTING = "bad_setting"  # a setting is missing or wrong
    SCHEMA_MISMATCH = "schema_mismatch"  # columns or features are not those declared
    MODEL_DAMAGED = "model_damaged"  # a file of a trained model is not the one that was saved
    DEFECT = "defect"  # anything else that a retry cannot mend: an error of the project's own
