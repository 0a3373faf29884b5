"""Hypothesis gives the same examples in every run; the first call of compiled code takes longer than it would allow."""

import pytest
from hypothesis import settings

settings.register_profile("neurosim", deadline=None, derandomize=True)
settings.load_profile("neurosim")


@pytest.fixture
def uncompiled(monkeypatch):
    """The loop runs in plain Python, with the same bits: for a short run whose parts no other test compiles (25 s of compiling)."""
    monkeypatch.setattr("neurosim.simulator.compiled", lambda function, *kinds: function)
    monkeypatch.setattr("neurosim.simulator.Placed", lambda course: course)


@pytest.fixture
def own_rule():
    """The source of a rule of one's own, ``Mine``: node perturbation by hand."""
    return OWN_RULE


OWN_RULE = '''
from typing import NamedTuple
from hw_models import Nothing

class Mine(NamedTuple):
    """Node perturbation by hand."""
    lr: float = 0.01
    site = "current"
    needs = ()
    Register = Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * pre * a
'''
