"""Calls come in the order in which Python evaluates them: shown on sources, and proved by running them."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from farzi_core.data import call_sequences
from farzi_core.data.call_sequences import call_sequences as sequences_of


def calls(body: str, imports: str = "") -> list[str]:
    source = f"{imports}\ndef f(self, x, y, c, z):\n" + "\n".join(f"    {line}" for line in dedent(body).splitlines())
    return dict(sequences_of(source.encode(), "m"))["m.f"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("f(g(x), h(y))", ["g", "h", "f"]),
        ("x.a(b()).c(d())", ["b", ".a", "d", ".c"]),
        ("x[a()] = b()", ["b", "a"]),
        ("[a(i) for i in b() if c(i)]", ["b", "c", "a"]),
        ("{a(): b(), c(): d()}", ["a", "b", "c", "d"]),
        ("for i in a():\n    b()\nelse:\n    c()", ["a", "b", "c"]),
        ("with a() as x:\n    b()", ["a", "b"]),
        ("x = a() if b() else c()", ["b", "a", "c"]),
        ("lambda: a()", []),
        ("g(lambda: a())", ["g"]),
        ("@deco(1)\ndef inner(k=a()):\n    b()", ["deco", "a"]),
        ("class Inner(base()):\n    x = a()\n    def m(self):\n        b()", ["base", "a"]),
        ("x: a() = b()", ["b"]),
        ("f'{a()} {b()}'", ["a", "b"]),
        ("a()(b)", ["a"]),
        ("await_ = [*a(), *b()]", ["a", "b"]),
        ("self.items.append(len(x))", ["len", ".append"]),
        ("g(*a(), k=b(), **c())", ["a", "b", "c", "g"]),
        ("match a():\n    case [b]:\n        c()", ["a", "c"]),
    ],
)
def test_names_in_evaluation_order(body: str, expected: list[str]) -> None:
    assert calls(body) == expected


def test_imported_modules_are_spelt_out() -> None:
    assert calls("os.path.join(x)", "import os.path") == ["os.path.join"]
    assert calls("np.linalg.norm(x)", "import numpy as np") == ["numpy.linalg.norm"]
    assert calls("import a.b as q\nq.g()") == ["a.b.g"]
    assert calls("x.path.join(y)", "import os") == [".join"]
    assert calls("join(x)", "from os.path import join") == ["join"]


def test_every_function_has_a_dotted_name_in_file_order() -> None:
    source = b"def a(): pass\nclass C:\n    def m(self):\n        def inner(): pass\nif a:\n    async def b(): pass\n"
    assert [name for name, _ in sequences_of(source, "pkg.mod")] == [
        "pkg.mod.a",
        "pkg.mod.C.m",
        "pkg.mod.C.m.inner",
        "pkg.mod.b",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "x[a(1)] = b(2)",
        "x[a(1)][b(2)] = c(3)",
        "[a(i) for i in b([1]) if c(i)]",
        "{a(i): b(i) for i in c([1])}",
        "{a(1): b(2), **c({})}",
        "d(a(1), *b([2]), k=c(3))",
        "a(1) if b(1) else c",
        "x[a(0)] += b(1)",
        "(a(1), b(2))[c(0)]",
        "a(1) < b(2) < c(3)",
        "f'{a(1)}{b(2)!r:>{c(5)}}'",
        "y = (w := a(1)) + b(2)",
        "with d(z) as x[a(1)]:\n    b(2)",
        "for x[a(1)] in b([1]):\n    c(1)",
        "def inner(p=a(1), *, q=b(2)): d(1)",
        "@d\n@a\ndef inner(p=b(2)): d(1)",
    ],
)
def test_the_order_is_the_one_in_which_python_runs_them(body: str) -> None:
    """Second road: run the code with tracing functions a, b, c, d and compare what was called when."""
    order: list[str] = []

    def tracer(name: str):
        def call(value, *args, **kwargs):
            order.append(name)
            return value

        return call

    class Anything(dict):
        def __missing__(self, key):
            return Anything()

        def __add__(self, other):
            return self

        def __enter__(self):
            return self

        def __exit__(self, *args):
            return None

    names = {name: tracer(name) for name in "abcd"} | {"x": Anything(), "z": Anything(), "y": 0}
    exec(body, names)
    decorators = body.count("\n@") + body.startswith("@")  # called without parentheses: no call in the source
    assert calls(body) == order[: len(order) - decorators]


def test_the_program_reports_a_bad_file_as_null_and_goes_on(tmp_path) -> None:
    files = {"good.py": "def f():\n    a()\n", "bad.py": "def f(:\n", "nul.py": "x = 1\0", "latin.py": "x = '\xe9'\n"}
    for name, text in files.items():
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    (tmp_path / "deep.py").write_text("x = " + "-" * 50_000 + "1")
    wanted = [*files, "deep.py", "absent.py", "good.py"]
    request = json.dumps([(str(tmp_path / name), "m") for name in wanted])
    command = [sys.executable, "-I", "-S", call_sequences.__file__]
    lines = subprocess.run(command, input=request, capture_output=True, check=True, text=True).stdout.splitlines()
    good = [["m.f", ["a"]]]
    assert [json.loads(line) for line in lines] == [good, None, None, None, None, None, good]


def test_the_whole_standard_grammar_is_walked() -> None:
    """Counting Call nodes another way: outside lambdas and nested functions none is missed."""
    source = Path(ast.__file__).read_bytes()
    found = dict(sequences_of(source, "ast"))
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            nested = [
                one for one in ast.walk(node) if isinstance(one, (ast.FunctionDef, ast.Lambda)) and one is not node
            ]
            if not nested:
                named = [
                    one
                    for statement in node.body
                    for one in ast.walk(statement)
                    if isinstance(one, ast.Call) and isinstance(one.func, (ast.Name, ast.Attribute))
                ]
                assert len(found[f"ast.{node.name}"]) == len(named)
