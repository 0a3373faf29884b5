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
