"""Every mutant of a file's text, Python or SQL: one operator, number, condition, argument or
statement changed.

Positions are the syntax tree's own, so that the rest of the file stays as it is, line by line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.stores.warehouse.sql import STRINGS_AND_COMMENTS

_OPERATORS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
# Of the first word that fits: longer ones first.
_SQL_WORDS = {
    "IS NOT NULL": "IS NULL",
    "IS NULL": "IS NOT NULL",
    "INNER JOIN": "LEFT JOIN",
    "NOT IN": "IN",
    "AND": "OR",
    "OR": "AND",
    "DESC": "ASC",
    "MAX": "MIN",
    "MIN": "MAX",
    "<=": "<",
    ">=": ">",
    "!=": "=",
    "<": "<=",
    ">": ">=",
    "=": "!=",
}
_SQL = re.compile(
    f"(?:{STRINGS_AND_COMMENTS})"
    r"|(?P<word>\bIS NOT NULL\b|\bIS NULL\b|\bINNER JOIN\b|\bNOT IN\b|\b(?:AND|OR|DESC|MAX|MIN)\b|<=|>=|!=|[<>=])"
    r"|(?P<number>(?<![\w.])\d+(?![\w.]))",
    re.DOTALL,
)
# The AND that follows is no logical one.
_BETWEEN = re.compile(r"\bBETWEEN\b(?:(?!\bAND\b)[^\n])*$")


@dataclass(frozen=True, order=True)
class Mutant:
    """`before`, at an offset of a file's text, becomes `after`."""

    file: str
    line: int
    start: int
    before: str
    after: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.after + text[self.start + len(self.before) :]

    def __str__(self) -> str:
        shown = (" ".join(part.split()) or "nothing" for part in (self.before, self.after))
        return f"{self.file}:{self.line}: {' -> '.join(shown)}"


def mutants_of(file: str, text: str) -> list[Mutant]:
    """The mutants of a file, by position; none of them is the same program, as far as its tree
    tells.
    """
    if file.endswith(".sql"):
        return sorted(_of_sql(file, text))
    whole = ast.dump(ast.parse(text))
    found = {Mutant(file, *change) for change in _Finder(text).changes()}
    return sorted(mutant for mutant in found if _differs(mutant.apply(text), whole))


def _differs(text: str, whole: str) -> bool:
    try:
        return ast.dump(ast.parse(text)) != whole
    except SyntaxError:
        return False


def _of_sql(file: str, text: str) -> Iterator[Mutant]:
    for match in _SQL.finditer(text):
        found, line = match[0], text.count("\n", 0, match.start()) + 1
        if match["number"]:
            yield Mutant(file, line, match.start(), found, str(int(found) + 1))
        elif match["word"]:
            before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if not (found == "AND" and _BETWEEN.search(before)):
                yield Mutant(file, line, match.start(), found, _SQL_WORDS[found])


class _Finder:
    """Walks a tree; annotations, docstrings and type aliases are left out, since nothing runs
    them.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0]
        for line in text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._source = text.splitlines(keepends=True)

    def changes(self) -> Iterator[tuple[int, int, str, str]]:
        """(line, offset, before, after) of every mutant."""
        for node in self._nodes(ast.parse(self._text)):
            for start, before, after in self._of(node):
                yield self._text.count("\n", 0, start) + 1, start, before, after

    def _nodes(self, node: ast.AST) -> Iterator[ast.AST]:
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "bases", "decorator_list"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self._nodes(child)

    def _span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        # a tree counts a line's bytes
        return self._lines[line - 1] + len(self._source[line - 1].encode()[:column].decode())

    def _whole(self, node: ast.expr | ast.stmt, after: str) -> tuple[int, str, str]:
        start, end = self._span(node)
        return start, self._text[start:end], after

    def _of(self, node: ast.AST) -> Iterable[tuple[int, str, str]]:
        match node:
            case ast.Compare():
                for left, operator, right in zip(
                    [node.left, *node.comparators], node.ops, node.comparators, strict=False
                ):
                    yield from self._operator(left, operator, right)
            case ast.BinOp():
                yield from self._operator(node.left, node.op, node.right)
            case ast.BoolOp():
                for left, right in zip(node.values, node.values[1:], strict=False):
                    yield from self._operator(left, node.op, right)
            case ast.AugAssign():
                yield from self._operator(node.target, node.op, node.value)
                yield self._whole(node, "pass")
            case ast.UnaryOp():
                start, _ = self._span(node)
                until, _ = self._span(node.operand)
                signs = {ast.Not: "not ", ast.USub: "-", ast.Invert: "~"}
                sign = signs.get(type(node.op), "")
                if sign and self._text[start:until].startswith(sign):
                    yield start, sign, ""
            case ast.Constant(value=bool(value)):
                yield self._whole(node, str(not value))
            case ast.Constant(value=int() | float() as number):
                yield self._whole(node, repr(number + 1))
            case ast.Call():
                yield from self._call(node)
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                yield self._whole(value, "None")
            case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Delete():
                yield self._whole(node, "pass")
            case ast.Continue():
                yield self._whole(node, "break")
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                yield from self._condition(test)
            case ast.comprehension(ifs=ifs):
                for test in ifs:
                    yield from self._condition(test)

    def _condition(self, test: ast.expr) -> Iterator[tuple[int, str, str]]:
        """A condition that nothing else turns round."""
        if not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            start, end = self._span(test)
            yield start, self._text[start:end], f"(not ({self._text[start:end]}))"

    def _operator(self, left: ast.expr, operator: ast.AST, right: ast.expr) -> Iterator[tuple[int, str, str]]:
        before, after = _OPERATORS.get(type(operator), ("", ""))
        if not before:
            return
        start, end = self._span(left)[1], self._span(right)[0]
        word = re.escape(before).replace(r"\ ", r"\s+")
        found = re.search(rf"\b{word}\b" if before[0].isalpha() else word, self._text[start:end])
        if found:
            yield start + found.start(), found[0], after

    def _call(self, node: ast.Call) -> Iterator[tuple[int, str, str]]:
        if (
            isinstance(node.func, ast.Name)
            and node.func.id in _CALLS
            and not (node.func.id == "sorted" and node.keywords)
        ):
            yield self._whole(node.func, _CALLS[node.func.id])
        for keyword in node.keywords:
            start, end = self._span(keyword)
            rest = re.match(r"\s*,[ \t]*", self._text[end:])
            if rest:
                yield start, self._text[start : end + rest.end()], ""
            else:
                comma = re.search(r",\s*$", self._text[:start])
                first = comma.start() if comma else start
                yield first, self._text[first:end], ""


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
