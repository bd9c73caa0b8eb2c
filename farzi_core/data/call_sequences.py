"""Python source -> one sequence of called names a function, in evaluation order (arguments before the call).

Standard library only, and nothing of the project: `python_calls` runs this file as a program in child processes, so
that the parser's memory and the disabled garbage collector stay out of the server. Input (stdin): one JSON document,
a list of [path, module]. Output: one JSON line a file, a list of [function, [names]].

What a call is called: the name as written (`len`, `DataFrame`); dotted if its root is an imported module
(`np.dot` under `import numpy as np` is `numpy.dot`); `.append` for a method of anything else. Bodies of lambdas and of
nested functions are left out of the outer sequence: they run at another time. Annotations are not evaluated.
Cost: O(nodes); about 4 MB of source a second and core.
"""

import ast
import gc
import json
import sys
import warnings
from collections.abc import Iterator

Named = tuple[str, list[str]]  # function (module.Class.method), names of its calls
Function = ast.FunctionDef | ast.AsyncFunctionDef

# Where Python evaluates in another order than it stores, or stores what is not evaluated at that point.
_REORDERED: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Assign: ("value", "targets"),
    ast.AnnAssign: ("value", "target"),
    ast.For: ("iter", "target", "body", "orelse"),
    ast.AsyncFor: ("iter", "target", "body", "orelse"),
    ast.comprehension: ("iter", "ifs"),
    ast.ListComp: ("generators", "elt"),
    ast.SetComp: ("generators", "elt"),
    ast.GeneratorExp: ("generators", "elt"),
    ast.DictComp: ("generators", "key", "value"),
    ast.ClassDef: ("decorator_list", "bases", "keywords", "body"),
    ast.Lambda: (),
    ast.FunctionDef: ("decorator_list", "args"),
    ast.AsyncFunctionDef: ("decorator_list", "args"),
    ast.arguments: ("defaults", "kw_defaults"),
}
_WITHOUT_CALLS = {"ctx", "op", "ops", "id", "attr", "name", "names", "arg", "kind", "conversion", "is_async", "lineno"}
_WITHOUT_CALLS |= {"type_comment", "module", "level", "simple", "type_params", "rest", "kwd_attrs"}
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    kind: _REORDERED.get(kind, tuple(field for field in kind._fields if field not in _WITHOUT_CALLS))
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST) and kind not in (ast.Constant, ast.Name)
}


def call_sequences(source: bytes, module: str) -> Iterator[Named]:
    """Every function of `source` in file order with the names it calls; raises `SyntaxError` or `ValueError`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's strings
        tree = ast.parse(source)
    imports: dict[str, str] = {}
    functions = list(_functions(tree, module, imports))
    for name, function in functions:
        calls = _Calls(dict(imports))
        for statement in function.body:
            calls.visit(statement)
        yield name, calls.names


def _functions(node: ast.AST, path: str, imports: dict[str, str]) -> Iterator[tuple[str, Function]]:
    """Functions, methods and nested functions with their dotted names; notes the imports outside of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{path}.{child.name}", child
            yield from _functions(child, f"{path}.{child.name}", {})
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{path}.{child.name}", imports)
        elif isinstance(child, ast.Import):
            _note(child, imports)
        elif isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case)):  # if, try, with ... around definitions
            yield from _functions(child, path, imports)


def _note(node: ast.Import, imports: dict[str, str]) -> None:
    """Local name -> module, for `import a.b` and `import a.b as c`."""
    for alias in node.names:
        top = alias.name.partition(".")[0]
        imports[alias.asname or top] = alias.name if alias.asname else top


class _Calls:
    """The names called by the statements visited, in evaluation order."""

    def __init__(self, imports: dict[str, str]) -> None:
        self.names: list[str] = []
        self._imports = imports

    def visit(self, node: ast.AST) -> None:
        kind = type(node)
        if kind is ast.Dict:
            self._visit_dict(node)  # type: ignore[arg-type]
            return
        for field in _FIELDS.get(kind, ()):
            value = getattr(node, field)
            if value.__class__ is list:
                for one in value:
                    if one is not None:
                        self.visit(one)
            elif value is not None:
                self.visit(value)
        if kind is ast.Call:
            self._add(node.func)  # type: ignore[attr-defined]
        elif kind is ast.Import:
            _note(node, self._imports)  # type: ignore[arg-type]

    def _visit_dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):  # key, value, key, value; no key in {**value}
            if key is not None:
                self.visit(key)
            self.visit(value)

    def _add(self, function: ast.expr) -> None:
        name = _name(function, self._imports)
        if name:
            self.names.append(name)


def _name(function: ast.expr, modules: dict[str, str]) -> str:
    """What the call is called; "" for a call of something without a name, like `f(x)(y)`."""
    if isinstance(function, ast.Name):
        return function.id
    if not isinstance(function, ast.Attribute):
        return ""
    path = [function.attr]
    root: ast.expr = function.value
    while isinstance(root, ast.Attribute):
        path.append(root.attr)
        root = root.value
    if isinstance(root, ast.Name) and root.id in modules:
        return ".".join([modules[root.id], *reversed(path)])
    return f".{function.attr}"


def main() -> None:
    """Read the list of files, write their sequences; a file that cannot be read or parsed gives null."""
    gc.disable()  # syntax trees are acyclic and short-lived; collecting costs a third of the time
    sys.setrecursionlimit(10_000)
    for path, module in json.load(sys.stdin):
        try:
            with open(path, "rb") as file:
                found: list[Named] | None = list(call_sequences(file.read(), module))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            found = None
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
