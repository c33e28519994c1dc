"""The core's files, and of each the tests that should kill its mutants: quick ones first, they are
tried in order.
"""

from __future__ import annotations

from collections.abc import Mapping

_EVALUATION = (
    "tests/unit/science/evaluation/test_evaluation.py",
    "tests/unit/science/evaluation/test_probability.py",
    "tests/unit/science/evaluation/test_summary.py",
    "tests/unit/science/evaluation/test_days.py",
)
_GRADING = ("tests/unit/functions/grading/test_grade.py",)
_SYSTEMS = ("tests/unit/science/systems/test_formulas.py", "tests/unit/science/predictions/test_predict.py")
_EXPORT = (
    "tests/unit/functions/phase6_export/test_files.py",
    "tests/unit/functions/phase6_export/test_order.py",
    "tests/unit/functions/phase6_export/test_pointers.py",
)
_RESULTS = ("tests/unit/functions/phase6_export/test_results.py", *_EXPORT)

CORE: Mapping[str, tuple[str, ...]] = {
    "shared/chain/batches/completion.py": ("tests/unit/chain/batches/test_batches.py",),
    "shared/chain/batches/ending.py": ("tests/unit/chain/batches/test_batches.py",),
    "shared/chain/batches/opening.py": ("tests/unit/chain/batches/test_batches.py",),
    "shared/chain/batches/reading.py": ("tests/unit/chain/batches/test_batches.py",),
    "shared/chain/batches/records.py": ("tests/unit/chain/batches/test_batches.py",),
    "shared/chain/resilience/circuit_breaker.py": ("tests/unit/chain/resilience/test_circuit_breaker.py",),
    "shared/chain/resilience/dead_letters.py": ("tests/pipeline/test_dead_letters.py",),
    "shared/science/predictions/eligibility.py": ("tests/unit/functions/phase5_coordinator/test_players.py",),
    "shared/chain/resilience/deferred.py": ("tests/pipeline/test_deferred.py",),
    "shared/chain/execution/ledger.py": (
        "tests/unit/chain/execution/test_ledger.py",
        "tests/pipeline/test_run_history.py",
    ),
    "shared/chain/resilience/locks.py": ("tests/unit/chain/resilience/test_locks.py",),
    "shared/chain/messages/dead_letter.py": (
        "tests/unit/chain/messages/test_dead_letter.py",
        "tests/pipeline/test_dead_letters.py",
    ),
    "shared/chain/messages/outbox.py": ("tests/unit/chain/messages/test_outbox.py",),
    "shared/stores/warehouse/staging.py": (
        "tests/unit/stores/warehouse/test_staging.py",
        "tests/pipeline/test_sweep_staging.py",
        "tests/pipeline/test_consolidation.py",
    ),
    "shared/science/systems/distribution.py": ("tests/unit/science/systems/test_distribution.py",),
    "shared/science/systems/history.py": _SYSTEMS,
    "shared/science/predictions/lines.py": ("tests/unit/science/predictions/test_lines.py",),
    "shared/science/systems/market.py": ("tests/unit/science/systems/test_market.py",),
    "shared/science/systems/output.py": _SYSTEMS,
    "shared/science/predictions/outputs.py": ("tests/unit/science/predictions/test_predict.py",),
    "shared/science/predictions/predict.py": ("tests/unit/science/predictions/test_predict.py",),
    "shared/science/predictions/prediction_row.py": ("tests/unit/science/predictions/test_predict.py",),
    "shared/science/evaluation/accuracy.py": _EVALUATION,
    "shared/science/evaluation/arrays.py": _EVALUATION,
    "shared/science/evaluation/betting.py": _EVALUATION,
    "shared/science/evaluation/bootstrap.py": ("tests/unit/science/evaluation/test_days.py",),
    "shared/science/evaluation/counts.py": _EVALUATION,
    "shared/science/evaluation/graded.py": (*_EVALUATION, *_GRADING),
    "shared/science/evaluation/over_time.py": ("tests/unit/science/evaluation/test_days.py",),
    "shared/science/evaluation/plausibility.py": ("tests/unit/science/evaluation/test_summary.py",),
    "shared/science/evaluation/probability.py": _EVALUATION,
    "shared/science/evaluation/scored.py": _EVALUATION,
    "shared/science/evaluation/summary.py": _EVALUATION,
    "functions/grading/grade.py": _GRADING,
    "functions/grading/performance.py": _GRADING,
    "functions/grading/sql/games.sql": _GRADING,
    "functions/grading/sql/graded.sql": _GRADING,
    "functions/grading/sql/window.sql": _GRADING,
    "functions/phase5_consolidation/consolidate.py": ("tests/pipeline/test_consolidation.py",),
    "functions/phase5_consolidation/guards.py": (
        "tests/unit/functions/phase5_consolidation/test_guards.py",
        "tests/pipeline/test_consolidation.py",
    ),
    "functions/phase5_coordinator/coordinate.py": ("tests/pipeline/test_fan_out.py",),
    "functions/phase5_coordinator/players.py": ("tests/unit/functions/phase5_coordinator/test_players.py",),
    "functions/phase6_export/exporters/best_bets.py": _EXPORT,
    "functions/phase6_export/rows.py": ("tests/unit/functions/phase6_export/test_rows.py",),
    "functions/phase6_export/sql/games.sql": _EXPORT,
    "functions/phase6_export/sql/performance.sql": _RESULTS,
    "functions/phase6_export/sql/results.sql": _RESULTS,
    "functions/phase6_export/validate.py": _EXPORT,
    "functions/phase6_export/writer.py": tuple(reversed(_EXPORT)),
}
