"""All checks of a deployment by name: each takes a run and what is wanted, and says what is
wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.infra import checks_alerts, checks_data, checks_functions, checks_messages
from tests.infra.expected import Expected
from tests.infra.terraform_runs import TerraformRun

Check = Callable[[TerraformRun, Expected], list[str]]

_CHECKS: tuple[Check, ...] = (
    checks_messages.topics,
    checks_messages.subscribers,
    checks_messages.authenticated_pushes,
    checks_messages.retries,
    checks_messages.dead_letters,
    checks_messages.publishers,
    checks_messages.pullers,
    checks_messages.schedules,
    checks_functions.functions,
    checks_functions.archive,
    checks_functions.environment,
    checks_functions.own_accounts,
    checks_functions.invokers,
    checks_functions.nothing_public,
    checks_functions.least_privilege,
    checks_functions.services,
    checks_functions.deployers,
    checks_functions.audit,
    checks_functions.build_source,
    checks_data.datasets,
    checks_data.tables,
    checks_data.views,
    checks_data.dataset_grants,
    checks_data.state,
    checks_data.collections,
    checks_data.buckets,
    checks_data.bucket_grants,
    checks_data.secrets,
    checks_alerts.alerts,
    checks_alerts.thresholds,
    checks_alerts.everybody_is_watched,
    checks_alerts.silence,
    checks_alerts.budget,
    checks_alerts.charts,
    checks_alerts.dashboard,
)
CHECKS: dict[str, Check] = {check.__name__: check for check in _CHECKS}
