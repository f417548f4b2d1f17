"""What the package's own texts say is run."""

import doctest
import importlib
import os

import pytest


@pytest.mark.parametrize("module", ["", "._breaker", "._guard", "._store", ".testing"])
def test_the_examples_of_each_module_hold(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    results = doctest.testmod(importlib.import_module(f"fuseboard{module}"))
    assert results.attempted > 0 and results.failed == 0


def test_every_public_name_says_what_it_is() -> None:
    fuseboard = importlib.import_module("fuseboard")
    for name in fuseboard.__all__:
        assert getattr(fuseboard, name).__doc__, name
