"""Hypothesis gives the same examples in every run; the first call of compiled code takes longer than it would allow."""

from hypothesis import settings

settings.register_profile("neurosim", deadline=None, derandomize=True)
settings.load_profile("neurosim")
