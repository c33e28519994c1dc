"""Checks of topics, subscriptions, dead letters, grants to publish and to pull, and schedules."""

from __future__ import annotations

import base64
import json

from tests.infra.expected import RAW, Expected, accounts, differences
from tests.infra.terraform_runs import TerraformRun

NEVER = [{"ttl": ""}]


def topic_names(run: TerraformRun) -> dict[str, str]:
    """Id -> name of each topic."""
    return {values["id"]: values["name"] for values in run.all_of("google_pubsub_topic")}


def topics(run: TerraformRun, wanted: Expected) -> list[str]:
    names = {wanted.prefix + topic for topic in wanted.pipeline.topics}
    return differences("topic", set(topic_names(run).values()), names)


def subscribers(run: TerraformRun, wanted: Expected) -> list[str]:
    """Each topic's subscribers: which subscription pushes which topic to which function."""
    names = topic_names(run)
    functions = {
        values["service_config"][0]["uri"]: str(key)
        for key, values in run.of("google_cloudfunctions2_function").items()
    }
    found = {
        (values["name"], names.get(values["topic"]), functions.get(values["push_config"][0]["push_endpoint"]))
        for values in run.of("google_pubsub_subscription", "push").values()
    }
    asked = {
        (wanted.prefix + s.name, wanted.prefix + s.topic, s.function) for s in wanted.pipeline.subscriptions.values()
    }
    return differences("subscription", found, asked)


def authenticated_pushes(run: TerraformRun, wanted: Expected) -> list[str]:
    """Every push bears a token of the one account that may call functions, made out to that very
    function.
    """
    (account,) = run.of("google_service_account", "push").values()
    found = []
    for values in run.of("google_pubsub_subscription", "push").values():
        push = values["push_config"][0]
        token = push["oidc_token"][0] if push["oidc_token"] else {}
        asked = {"service_account_email": account["email"], "audience": push["push_endpoint"]}
        found += differences(f"{values['name']} token", token, asked)
    return found


def retries(run: TerraformRun, wanted: Expected) -> list[str]:
    """Ack deadline, back-off, delivery attempts; no subscription ever expires."""
    found = []
    made = {values["name"]: values for values in run.of("google_pubsub_subscription", "push").values()}
    for subscription in wanted.pipeline.subscriptions.values():
        values = made.get(wanted.prefix + subscription.name)
        if values is None:
            found.append(f"{subscription.name} is missing")
            continue
        asked = {
            "ack_deadline_seconds": subscription.ack_deadline_seconds,
            "retry_policy": [
                {
                    "minimum_backoff": f"{subscription.min_backoff_seconds}s",
                    "maximum_backoff": f"{subscription.max_backoff_seconds}s",
                }
            ],
            "attempts": [subscription.max_delivery_attempts],
        }
        letters = values["dead_letter_policy"]
        have = {key: values[key] for key in ("ack_deadline_seconds", "retry_policy")}
        have["attempts"] = [policy["max_delivery_attempts"] for policy in letters]
        found += differences(subscription.name, have, asked)
    for values in run.all_of("google_pubsub_subscription"):
        found += differences(f"{values['name']} expiry", values["expiration_policy"], NEVER)
    return found


def dead_letters(run: TerraformRun, wanted: Expected) -> list[str]:
    """Each push subscription has a dead-letter topic of its own, each of those one pull
    subscription.
    """
    names = topic_names(run)
    found = {
        (values["name"], *[names.get(policy["dead_letter_topic"]) for policy in values["dead_letter_policy"]])
        for values in run.of("google_pubsub_subscription", "push").values()
    }
    subscriptions = wanted.pipeline.subscriptions.values()
    asked = {(wanted.prefix + s.name, wanted.prefix + s.dead_letter_topic) for s in subscriptions}
    pulls = {
        (values["name"], names.get(values["topic"]), len(values["push_config"]))
        for name in ("dead_letter", "operators")
        for values in run.of("google_pubsub_subscription", name).values()
    }
    pullable = wanted.pipeline.pullable.items()
    asked_pulls = {(wanted.prefix + subscription, wanted.prefix + topic, 0) for subscription, topic in pullable}
    return differences("dead letters of", found, asked) + differences("pull subscription", pulls, asked_pulls)


def publishers(run: TerraformRun, wanted: Expected) -> list[str]:
    """Who may publish where: functions what pipeline.yaml says, Pub/Sub itself to the dead
    letters.
    """
    who = accounts(run)
    grants = run.all_of("google_pubsub_topic_iam_member")
    found = {(who.get(g["member"], g["member"]), g["role"], g["topic"]) for g in grants}
    role = "roles/pubsub.publisher"
    asked = {
        (name, role, wanted.prefix + topic)
        for name, function in wanted.pipeline.functions.items()
        for topic in wanted.sends(function)
    }
    letters = {s.dead_letter_topic for s in wanted.pipeline.subscriptions.values()}
    return differences("publisher", found, asked | {("pubsub-agent", role, wanted.prefix + t) for t in letters})


def pullers(run: TerraformRun, wanted: Expected) -> list[str]:
    """Who may pull: Pub/Sub from what it forwards, functions that redrive from the dead letters,
    and the one that makes incidents of alerts from these.
    """
    who = accounts(run)
    grants = run.all_of("google_pubsub_subscription_iam_member")
    found = {(who.get(g["member"], g["member"]), g["role"], g["subscription"]) for g in grants}
    role = "roles/pubsub.subscriber"
    subscriptions = wanted.pipeline.subscriptions.values()
    asked = {("pubsub-agent", role, wanted.prefix + s.name) for s in subscriptions}
    readers = [name for name, function in RAW["functions"].items() if function.get("pulls_dead_letters")]
    asked |= {(name, role, wanted.prefix + s.dead_letter_subscription) for name in readers for s in subscriptions}
    alerts = RAW["pull_subscriptions"][RAW["alerts_topic"]]
    makers = [name for name, function in RAW["functions"].items() if function.get("pulls_alerts")]
    asked |= {(name, role, wanted.prefix + alerts) for name in makers}
    return differences("puller", found, asked)


def schedules(run: TerraformRun, wanted: Expected) -> list[str]:
    """Jobs: when, in whose time, what is published where, and how it is tried again."""
    names = topic_names(run)
    found = {}
    for values in run.all_of("google_cloud_scheduler_job"):
        target = values["pubsub_target"][0]
        found[values["name"]] = {
            "cron": values["schedule"],
            "time_zone": values["time_zone"],
            "topic": names.get(target["topic_name"]),
            "message": json.loads(base64.b64decode(target["data"])),
            "attributes": target["attributes"],
            "retry": values["retry_config"],
        }
    defaults = RAW["schedule_defaults"]
    retry = {
        "retry_count": defaults["retry_count"],
        "max_retry_duration": f"{defaults['max_retry_seconds']}s",
        "min_backoff_duration": f"{defaults['min_backoff_seconds']}s",
        "max_backoff_duration": f"{defaults['max_backoff_seconds']}s",
        "max_doublings": defaults["max_doublings"],
    }
    asked = {
        wanted.prefix + name: {
            "cron": schedule.cron,
            "time_zone": "America/New_York",
            "topic": wanted.prefix + schedule.topic,
            "message": schedule.message,
            "attributes": {"schedule": name},
            "retry": [retry],
        }
        for name, schedule in wanted.pipeline.schedules.items()
    }
    return differences("schedule", found, asked)
