"""Checks of log metrics, alert policies, channels, budget and the dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.infra.expected import RAW, Expected, differences
from tests.infra.terraform_runs import TerraformRun

OLDEST = "pubsub.googleapis.com/subscription/oldest_unacked_message_age"
# What each alert looks at: log metrics of ours, and Google's.
WATCHED = {
    "oldest-unacked-message": (OLDEST,),
    "function-errors": ("nba_function_errors",),
    "latency-above-target": ("run.googleapis.com/request_latencies",),
    "monitor-silent": ("nba_heartbeat",),
}

# Cloud Monitoring takes no longer one.
LONGEST_FILTER = 2048


def queries(values: dict) -> list[str]:
    """What the conditions of a policy look at: filters and PromQL."""
    found = []
    for condition in values["conditions"]:
        found += [threshold["filter"] for threshold in condition["condition_threshold"]]
        found += [promql["query"] for promql in condition["condition_prometheus_query_language"]]
    return found


def alerts(run: TerraformRun, wanted: Expected) -> list[str]:
    """One policy per alert of pipeline.yaml: its severity, what it watches, what it says to do,
    whom it tells.
    """
    made = run.of("google_monitoring_alert_policy")
    found = differences("alert", set(made), set(wanted.alerts)) + differences("alert", set(RAW["alerts"]), set(WATCHED))
    for name, values in made.items():
        about = wanted.alerts.get(str(name), {})
        found += differences(f"{name} severity", values["severity"], about.get("severity"))
        found += differences(f"{name} channels", len(values["notification_channels"]), wanted.channels)
        if values["enabled"] is False:
            found.append(f"{name} is switched off")
        if about.get("next", "?") not in values["documentation"][0]["content"]:
            found.append(f"{name} does not say what to do next")
        watched = queries(values)
        if not watched or len(watched) > 6:
            found.append(f"{name} has {len(watched)} conditions; a policy takes 1 to 6")
        metrics = WATCHED[str(name)]
        found += [f"{name} looks at {query}" for query in watched if not any(each in query for each in metrics)]
        found += [f"{name} looks at no {each}" for each in metrics if not any(each in query for query in watched)]
        found += [f"{name} has a filter of {len(query)} characters" for query in watched if len(query) > LONGEST_FILTER]
    return found


def thresholds(run: TerraformRun, wanted: Expected) -> list[str]:
    """Anything above 0 is told at once; waiting and latency above the bounds of pipeline.yaml."""
    share = RAW["alerts"]["latency-above-target"]["share_of_timeout"]
    functions = [wanted.pipeline.functions[name] for name in RAW["alerts"]["latency-above-target"]["functions"]]
    bounds = {
        "oldest-unacked-message": {float(RAW["alerts"]["oldest-unacked-message"]["seconds"])},
        "latency-above-target": {function.timeout_seconds * 1000 * share for function in functions},
    }
    found = []
    for name, values in run.of("google_monitoring_alert_policy").items():
        tests = [test for condition in values["conditions"] for test in condition["condition_threshold"]]
        if tests:
            have = {test["threshold_value"] or 0.0 for test in tests}
            found += differences(f"{name} threshold", have, bounds.get(str(name), {0.0}))
        found += [f"{name} fires {test['comparison']}" for test in tests if test["comparison"] != "COMPARISON_GT"]
    return found


def everybody_is_watched(run: TerraformRun, wanted: Expected) -> list[str]:
    """Alerts look at every function and subscription of this environment that they are about, and
    at none of another.
    """
    policies = run.of("google_monitoring_alert_policy")
    metrics = run.of("google_logging_metric")
    subscriptions = wanted.pipeline.subscriptions.values()
    slugs = {wanted.slug(name) for name in wanted.pipeline.functions}
    watched = {
        "oldest-unacked-message": {wanted.prefix + s.name for s in subscriptions},
        "latency-above-target": {wanted.slug(name) for name in RAW["alerts"]["latency-above-target"]["functions"]},
    }
    found = []
    for name, asked in watched.items():
        listed = re.findall(r"one_of\(([^)]*)\)", " ".join(queries(policies[name]))) if name in policies else []
        found += differences(f"{name} watches", set(re.findall(r'"([^"]+)"', " ".join(listed))), asked)
    for key, values in metrics.items():
        listed = re.findall(r"service_name=\(([^)]*)\)", values["filter"])
        have = set(re.findall(r'"([^"]+)"', " ".join(listed)))
        found += differences(f"{key} counts", have, slugs)
    return found


def find_deaf(values: dict[str, Any]) -> list[str]:
    """Ways in which a policy about silence would not fire when it should: the query's look-back and
    the time that its answer has to last together are the silence, and each outlasts two runs.
    """
    (promql,) = [each for c in values["conditions"] for each in c["condition_prometheus_query_language"]]
    looks = [int(minutes) for minutes in re.findall(r"\[(\d+)m\]", promql["query"])]
    lasts = int(promql["duration"].removesuffix("s")) // 60
    found = differences("silence", [look + lasts for look in looks], [RAW["alerts"]["monitor-silent"]["minutes"]])
    # where no line was ever counted, the right side of unless is empty, and so is no alert
    if not promql["query"].startswith("vector(1) unless on () (sum(increase("):
        found.append(f"silence is not what is asked for: {promql['query']}")
    if promql["disable_metric_validation"] is not True:
        found.append("refused before the first heartbeat")
    return found + [f"{each} minutes are less than a run and a late one" for each in (*looks, lasts) if each < 20]


def silence(run: TerraformRun, wanted: Expected) -> list[str]:
    """The alert about the monitor's silence, where there is a monitor."""
    made = run.of("google_monitoring_alert_policy")
    return find_deaf(made["monitor-silent"]) if "monitor-silent" in made else []


def budget(run: TerraformRun, wanted: Expected) -> list[str]:
    """A budget tells channels of the type email alone: it is refused with Slack, SMS or a
    webhook.
    """
    kinds = {values["id"]: values["type"] for values in run.all_of("google_monitoring_notification_channel")}
    found = []
    for values in run.all_of("google_billing_budget"):
        channels = {c for rule in values["all_updates_rule"] for c in rule["monitoring_notification_channels"] or []}
        found += [
            f"the budget tells {channel}: {kinds.get(channel)}" for channel in channels if kinds.get(channel) != "email"
        ]
        found += differences("budget tells", len(channels), list(kinds.values()).count("email"))
    return found


def find_left_out(value: Any, path: str = "") -> Iterator[str]:
    """Where a page has a 0 or something empty: Monitoring gives neither back, and every plan would
    want it again.
    """
    if value in (0, "", None) or value == [] or value == {}:
        yield f"{path} is {value!r}"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from find_left_out(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from find_left_out(inner, f"{path}[{index}]")


def charts(run: TerraformRun, wanted: Expected) -> list[str]:
    """Charts show this environment alone: our log metrics, or Google's of what is ours (BigQuery's
    has no less than a project).
    """
    (values,) = run.all_of("google_monitoring_dashboard")
    tiles = json.loads(values["dashboard_json"])["mosaicLayout"]["tiles"]
    series = [data for tile in tiles for data in tile["widget"].get("xyChart", {}).get("dataSets", [])]
    filters = [data["timeSeriesQuery"]["timeSeriesFilter"]["filter"] for data in series]
    subscriptions = wanted.pipeline.subscriptions.values()
    pushes = {wanted.prefix + s.name for s in subscriptions}
    letters = {wanted.prefix + s.dead_letter_subscription for s in subscriptions}
    ours = {
        "run": {frozenset(wanted.slug(name) for name in wanted.pipeline.functions)},
        "pubsub": {frozenset(pushes), frozenset(letters)},
        "firestore": {frozenset({wanted.database})},
        "bigquery": {frozenset[str]()},
    }
    own = f'"logging.googleapis.com/user/{wanted.prefix.replace("-", "_")}nba_'
    found, shown = [], set()
    for each in filters:
        if f"metric.type={own}" in each:
            continue
        (service,) = re.findall(r'metric\.type="(\w+)\.googleapis\.com/', each)
        (narrowed,) = re.findall(r'resource\.labels\.\w+=(?:one_of\(([^)]*)\)|("[^"]*"))', each) or [("", "")]
        names = frozenset(re.findall(r'"([^"]+)"', "".join(narrowed)))
        shown.add((service, names))
        if len(each) > LONGEST_FILTER:
            found.append(f"a filter of {len(each)} characters")
    return found + differences(
        "chart of", shown, {(service, names) for service, sets in ours.items() for names in sets}
    )


def dashboard(run: TerraformRun, wanted: Expected) -> list[str]:
    """The page shows the alerts and its charts do not lie on each other."""
    (values,) = run.all_of("google_monitoring_dashboard")
    tiles = json.loads(values["dashboard_json"])["mosaicLayout"]["tiles"]
    taken: set[tuple[int, int]] = set()
    found = []
    for tile in tiles:
        x, y = tile.get("xPos", 0), tile.get("yPos", 0)
        cells = {(x + i, y + j) for i in range(tile["width"]) for j in range(tile["height"])}
        if cells & taken or x + tile["width"] > 12:
            found.append(f"{tile['widget']['title']} lies on another")
        taken |= cells
    policies = {policy["name"] for policy in run.all_of("google_monitoring_alert_policy")}
    (shown,) = [tile["widget"]["incidentList"]["policyNames"] for tile in tiles if "incidentList" in tile["widget"]]
    found += find_left_out(json.loads(values["dashboard_json"]))
    return found + differences("alert shown", set(shown), policies)
