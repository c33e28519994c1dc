"""Refuses a plan in which a table loses columns or is made anew: `make plan` pipes it through here.

Terraform drops a column that the schema no longer has in place, with what it holds for all seasons.
Reads `terraform show -json` of the plan on standard input.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from local.console.exit_codes import DONE, FAILED
from local.console.lines import complain, say
from shared.core.errors import Fatal

TABLE = "google_bigquery_table"


def find_losses(plan: Mapping[str, Any]) -> list[str]:
    """What tables with rows would lose, a sentence each; plan: a planned change as Terraform's JSON
    has it (https://developer.hashicorp.com/terraform/internals/json-format).
    """
    changes = [each for each in plan.get("resource_changes", []) if each["type"] == TABLE]
    return [loss for each in changes for loss in _losses(each["address"], each["change"])]


def _losses(address: str, change: Mapping[str, Any]) -> Iterator[str]:
    before, after = change.get("before") or {}, change.get("after") or {}
    if before.get("view"):
        return
    if "delete" in change["actions"]:
        yield f"{address} is deleted"
        return
    lost = sorted(_columns(before) - _columns(after))
    if lost:
        yield f"{address} loses {', '.join(lost)}"


def _columns(resource: Mapping[str, Any]) -> set[str]:
    return {field["name"] for field in json.loads(resource.get("schema") or "[]")}


def main() -> int:
    """Exit 0 nothing is lost, 1 the plan is refused."""
    try:
        losses = find_losses(json.load(sys.stdin))
    except ValueError as error:
        complain(Fatal(f"The plan cannot be read ({error}).", next_step="see what terraform show says above."))
        return FAILED
    if not losses:
        say("No table loses a column.")
        return DONE
    complain(
        Fatal(
            f"The plan is refused, since rows would lose what they hold: {'; '.join(losses)}.",
            next_step='make migrate (docs/deploy.md, "Migrate"), then make plan again.',
        )
    )
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
