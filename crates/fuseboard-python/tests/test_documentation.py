"""What the package's own texts say is run."""

import ast
import doctest
import importlib
import inspect
import os
from pathlib import Path

import pytest

import fuseboard


@pytest.mark.parametrize("module", ["", "._breaker", "._guard", "._store", ".testing"])
def test_the_examples_of_each_module_hold(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    results = doctest.testmod(importlib.import_module(f"fuseboard{module}"))
    assert results.attempted > 0 and results.failed == 0


def test_every_public_name_says_what_it_is() -> None:
    for name in fuseboard.__all__:
        assert getattr(fuseboard, name).__doc__, name


def test_the_stub_says_what_the_objects_themselves_say() -> None:
    stub = Path(fuseboard.__file__).with_name("_native.pyi")
    documented = 0
    for kind in ast.parse(stub.read_text()).body:
        if not isinstance(kind, ast.ClassDef) or kind.name not in fuseboard.__all__:
            continue
        real = getattr(fuseboard, kind.name)
        assert ast.get_docstring(kind) == inspect.getdoc(real), kind.name
        for each in kind.body:
            if isinstance(each, ast.FunctionDef) and not each.name.startswith("__"):
                assert ast.get_docstring(each) == inspect.getdoc(getattr(real, each.name)), f"{kind.name}.{each.name}"
                documented += 1
    assert documented > 30
