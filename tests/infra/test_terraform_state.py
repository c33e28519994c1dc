"""The state's collections in pipeline.yaml against the code that uses them: names, indexes, and
fields without one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from shared.core.pipeline import load_pipeline
from tests.conftest import ROOT
from tests.house.python_sources import sources
from tests.infra.expected import RAW
from tests.infra.reached import list_imports, list_reached

COLLECTIONS = set(RAW["collections"])
EVERY = set(RAW["every_function"]["collections"])
# Documents are written as collection/id; the units of a batch lie below it.
NAMED = re.compile(rf"^({'|'.join(sorted(COLLECTIONS))})(/|$)")
# A module of shared/ belongs to one kind of document; who imports it touches these.
OWNERS = {
    "shared.chain.resilience.audit_log": {"audit"},
    "shared.chain.batches.reading": {"batches", "batch_dates", "units"},
    "shared.chain.batches.opening": {"batches", "batch_dates"},
    "shared.chain.batches.completion": {"batches", "units"},
    "shared.chain.batches.ending": {"batches"},
    "shared.chain.resilience.dead_letters": {"redrives", "audit"},
    "shared.chain.resilience.locks": {"locks"},
    "shared.operations.contracts.restarts": {"heals"},
    "shared.operations.actions.record": {"operator_actions"},
}
# What looks like a collection and is none: the worker knows its batch and never asks for the
# date's; the exports have a field of that name.
NOT_TOUCHED = {"phase5_worker": {"batch_dates"}, "phase6_export": {"batches"}}


def texts(tree: ast.AST) -> Iterator[str]:
    """Every string, and the beginning of every formatted one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def list_touched(function: str) -> set[str]:
    """Collections whose owners a function imports, or that it names itself."""
    found: set[str] = set()
    for source in list_reached(function):
        for module in (list_imports(source) | {source.module}) & set(OWNERS):
            found |= OWNERS[module]
        for text in texts(source.tree):
            if match := NAMED.match(text):
                found.add(match[1])
    return found - EVERY - NOT_TOUCHED.get(function, set())


def queries() -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """(file, collection expression, fields that it filters by) of every query with a list of
    filters.
    """
    for source in sources(ROOT, ("functions", "shared")):
        for node in ast.walk(source.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in ("query", "count") or len(node.args) < 2 or not isinstance(node.args[1], ast.List):
                continue
            for fields in product(*(_fields(item, source.tree) for item in node.args[1].elts)):
                yield source.path, ast.unparse(node.args[0]), fields


def _fields(item: ast.expr, tree: ast.AST) -> set[str]:
    """The fields that a Filter(...) may be of: given there, or in the same module under a name or
    to a record that has it as an attribute.
    """
    given: list[ast.expr] = [item]
    if isinstance(item, ast.Name):
        given = [n.value for n in ast.walk(tree) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == item.id]
        assert len(given) == 1, f"{item.id} is assigned {len(given)} times"
    elif isinstance(item, ast.Attribute):
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
        arguments = [each for call in calls for each in (*call.args, *(k.value for k in call.keywords))]
        given = [a for a in arguments if isinstance(a, ast.Call) and ast.unparse(a.func) == "Filter"]
        assert given, f"{item.attr} is given nowhere"
    return {_field(each) for each in given}


def _field(item: ast.expr) -> str:
    assert isinstance(item, ast.Call)
    field = item.args[0]
    assert isinstance(field, ast.Constant)
    return str(field.value)


def test_the_queries_are_found() -> None:
    assert len(list(queries())) > 15


def test_there_is_an_index_for_every_query_with_several_filters_and_no_other() -> None:
    asked = {tuple(sorted(fields)) for _, _, fields in queries() if len(fields) > 1}
    made = {tuple(sorted(fields)) for about in RAW["collections"].values() for fields in about.get("indexes", [])}
    assert asked == made


def test_no_field_that_is_asked_for_is_without_an_index() -> None:
    unindexed = {field for about in RAW["collections"].values() for field in about.get("unindexed", [])}
    asked = {field for _, _, fields in queries() for field in fields}
    assert asked & unindexed == set()


@pytest.mark.parametrize("function", sorted(load_pipeline().functions))
def test_a_function_touches_the_collections_that_it_declares(function: str) -> None:
    assert list_touched(function) == set(RAW["functions"][function].get("collections", []))


def test_every_collection_is_of_somebody() -> None:
    declared = {name for function in RAW["functions"].values() for name in function.get("collections", [])}
    assert declared | EVERY == COLLECTIONS


def test_every_collection_that_the_code_names_is_declared() -> None:
    """Constants COLLECTION and LOADS, and paths beginning with a name and a slash that are written
    as documents.
    """
    found = set()
    for source in sources(ROOT, ("functions", "shared")):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("COLLECTION", "LOADS"):
                assert isinstance(node.value, ast.Constant)
                found.add(str(node.value.value))
    assert found
    assert found <= COLLECTIONS
