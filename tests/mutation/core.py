"""The core's files, and of each the tests that should kill its mutants: quick ones first, they are tried in order."""

from __future__ import annotations

from collections.abc import Mapping

_EVALUATION = (
    "tests/unit/test_evaluation.py",
    "tests/unit/test_evaluation_probability.py",
    "tests/unit/test_evaluation_summary.py",
    "tests/unit/test_evaluation_days.py",
)
_GRADING = ("tests/unit/test_grading_grade.py",)
_SYSTEMS = ("tests/unit/test_systems_formulas.py", "tests/unit/test_systems_predict.py")
_EXPORT = ("tests/unit/test_export_files.py", "tests/unit/test_export_order.py", "tests/unit/test_export_pointers.py")
_RESULTS = ("tests/unit/test_export_results.py", *_EXPORT)

CORE: Mapping[str, tuple[str, ...]] = {
    "shared/chain/batches/batches.py": ("tests/unit/test_batches.py",),
    "shared/chain/resilience/circuit_breaker.py": ("tests/unit/test_breaker.py",),
    "shared/chain/resilience/dead_letters.py": ("tests/pipeline/test_dead_letters.py",),
    "shared/science/predictions/eligibility.py": ("tests/unit/test_players.py",),
    "shared/chain/resilience/deferred.py": ("tests/pipeline/test_held.py",),
    "shared/chain/execution/ledger.py": ("tests/unit/test_ledger.py", "tests/pipeline/test_run_history.py"),
    "shared/chain/resilience/locks.py": ("tests/unit/test_locks.py",),
    "shared/chain/messages/dead_letter.py": (
        "tests/unit/test_dead_letter_codec.py",
        "tests/pipeline/test_dead_letters.py",
    ),
    "shared/chain/messages/outbox.py": ("tests/unit/test_outbox.py",),
    "shared/stores/warehouse/staging.py": (
        "tests/unit/test_staging.py",
        "tests/pipeline/test_sweep_staging.py",
        "tests/pipeline/test_consolidation.py",
    ),
    "shared/science/systems/distribution.py": ("tests/unit/test_distribution.py",),
    "shared/science/systems/history.py": _SYSTEMS,
    "shared/science/predictions/lines.py": ("tests/unit/test_systems_lines.py",),
    "shared/science/systems/market.py": ("tests/unit/test_systems_market.py",),
    "shared/science/systems/output.py": _SYSTEMS,
    "shared/science/predictions/predict.py": ("tests/unit/test_systems_predict.py",),
    "shared/science/evaluation/accuracy.py": _EVALUATION,
    "shared/science/evaluation/arrays.py": _EVALUATION,
    "shared/science/evaluation/betting.py": _EVALUATION,
    "shared/science/evaluation/bootstrap.py": ("tests/unit/test_evaluation_days.py",),
    "shared/science/evaluation/counts.py": _EVALUATION,
    "shared/science/evaluation/graded.py": (*_EVALUATION, *_GRADING),
    "shared/science/evaluation/over_time.py": ("tests/unit/test_evaluation_days.py",),
    "shared/science/evaluation/plausibility.py": ("tests/unit/test_evaluation_summary.py",),
    "shared/science/evaluation/probability.py": _EVALUATION,
    "shared/science/evaluation/scored.py": _EVALUATION,
    "shared/science/evaluation/summary.py": _EVALUATION,
    "functions/grading/grade.py": _GRADING,
    "functions/grading/performance.py": _GRADING,
    "functions/grading/sql/games.sql": _GRADING,
    "functions/grading/sql/graded.sql": _GRADING,
    "functions/grading/sql/window.sql": _GRADING,
    "functions/phase5_consolidation/consolidate.py": ("tests/pipeline/test_consolidation.py",),
    "functions/phase5_coordinator/coordinate.py": ("tests/pipeline/test_fan_out.py",),
    "functions/phase5_coordinator/players.py": ("tests/unit/test_players.py",),
    "functions/phase6_export/exporters/best_bets.py": _EXPORT,
    "functions/phase6_export/sql/games.sql": _EXPORT,
    "functions/phase6_export/sql/performance.sql": _RESULTS,
    "functions/phase6_export/sql/results.sql": _RESULTS,
    "functions/phase6_export/validate.py": _EXPORT,
    "functions/phase6_export/writer.py": tuple(reversed(_EXPORT)),
}
