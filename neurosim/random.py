"""Random numbers as functions of a counter: (seed, stream, step, pass, replica, row, column, draw) gives the same number always.

Nothing is stored and nothing advances, so results do not depend on threads, on the order of a batch, or on a pause. A 64-bit key is
folded from the slow counters once a row; a 32-bit hash keyed by both halves makes each number of the row, which a compiler
vectorises (a `Generator` costs ten times as much). The plain forms compute on masked Python integers, the compiled ones on
unsigned machine words; tests hold them equal.
"""

import numpy as np

from hw_models.scalars import normal
from neurosim.jit import drawer, passage, scalar, twin

u4, u8 = np.uint32, np.uint64
LOW, ALL = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF

# Streams: what a number is for. A new purpose gets a new number, so that adding one never moves another.
MAKE, PROGRAM, WRITE, READ, AGE, TILE, COLUMN, DAC, ADC = range(1, 10)
NOISE, WEIGHT_NOISE, WIRE, SEND, NEURON, NOISE_STATE, PHASE, CIRCUIT, RULE, BEFORE, AFTER = range(10, 21)
REFERENCE_READ, REFERENCE_TILE, REFERENCE_AGE, TRAINS = range(28, 32)
INITIAL_WEIGHTS, TRAIN, EVALUATE, CHIP, LOOK, FEEDBACK, EPISODE = range(32, 39)
WIRING = 2**20  #: and from here on, one a projection

# Arrays are numbered too: decorrelating matrices and reference columns from here on, so that another layer never moves their random numbers.
MATRICES, REFERENCES = 1000, 2000


def _fold(key, word):
    x = u8(key) + u8(0x9E3779B97F4A7C15) * (u8(word) + u8(1))
    x = (x ^ (x >> u8(30))) * u8(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> u8(27))) * u8(0x94D049BB133111EB)
    return x ^ (x >> u8(31))


@twin(_fold)
def fold(key, word):
    """A new 64-bit key from a key and a counter: one step of SplitMix64 (Steele et al. 2014, doi:10.1145/2660193.2660195)."""
    x = (int(key) + 0x9E3779B97F4A7C15 * (int(word) + 1)) & ALL
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & ALL
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & ALL
    return x ^ (x >> 31)


def _halves(key):
    return u4(u8(key) & u8(LOW)), u4(u8(key) >> u8(32))


@twin(_halves)
def halves(key):
    """The two 32-bit words of a key, from which `uniform` starts."""
    return int(key) & LOW, int(key) >> 32


def _bits(a, b, column, draw):
    # Numba widens uint32 arithmetic to 64 bits, so that every intermediate result is narrowed again: 64 against 146 us a sweep
    x = u4(u4(u4(a) + u4(u4(column) * u4(0x9E3779B1))) + u4(u4(draw) * u4(0x85EBCA77)))
    x = u4(u4(x ^ u4(x >> u4(16))) * u4(0x7FEB352D))
    x = u4(x + u4(b))
    x = u4(u4(x ^ u4(x >> u4(15))) * u4(0x846CA68B))
    return u4(x ^ u4(x >> u4(16)))


@twin(_bits)
def bits(a, b, column, draw):
    """32 random bits; the second half of the key enters between the two rounds, so that equal sums of counters do not meet."""
    x = (int(a) + int(column) * 0x9E3779B1 + int(draw) * 0x85EBCA77) & LOW
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & LOW
    x = (x + int(b)) & LOW
    x = ((x ^ (x >> 15)) * 0x846CA68B) & LOW
    return x ^ (x >> 16)


GRID = 2**23  #: numbers that `uniform` can be


def _whole32(a, b, column, draw, one):
    return np.float32(np.int32(bits(a, b, column, draw) >> u4(9)))


def _whole64(a, b, column, draw, one):
    return np.float64(np.int32(bits(a, b, column, draw) >> u4(9)))


@twin(_whole32, _whole64)
def whole(a, b, column, draw, one):
    """A whole number from 0 to 2**23 - 1, of the type of `one`; `uniform` is (it + 1/2) * 2**-23."""
    return type(one)(bits(a, b, column, draw) >> 9)


def _uniform32(a, b, column, draw, one):
    return (whole(a, b, column, draw, one) + np.float32(0.5)) * np.float32(2.0**-23)


def _uniform64(a, b, column, draw, one):
    return (whole(a, b, column, draw, one) + 0.5) * 2.0**-23


@twin(_uniform32, _uniform64)
def uniform(a, b, column, draw, one):
    """A number strictly between 0 and 1, an odd multiple of 2**-24 (the same in float32 and float64), of the type of `one`."""
    number = type(one)
    return (whole(a, b, column, draw, one) + number(0.5)) * number(2.0**-23)


@passage
def stream(key, purpose, number, step):
    """The key of one purpose, one population or projection, one step."""
    return fold(fold(fold(key, purpose), number), step)


scalar(normal)
draws = {
    method: drawer(method, uniform, normal)
    for method in ("make", "program", "write", "read", "age", "finish", "convert", "next", "send", "settle")
}


def root(seed, stream):
    """The key from which all numbers of one purpose follow."""
    return fold(fold(0, seed), stream)


def generator(seed, stream):
    """A NumPy generator for what is drawn once, outside the loop (initial weights, a task's series)."""
    return np.random.default_rng(np.random.SeedSequence([int(seed), int(stream)]))
