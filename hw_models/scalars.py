"""Arithmetic that parts share: one source, the same bits in plain Python and compiled, in float32 and float64.

Only + - * / comparisons, `min`, `max`, `abs`, `np.floor` and `np.sqrt` appear here: library functions such as `tanhf` differ in their
last bits between NumPy, the C library and a vectorising compiler, and they stop the compiler from vectorising a loop.
"""

import math

import numpy as np


def scalar(function):
    """Mark a function of numbers as shared by parts, so that compiled code may call it; it stays plain Python otherwise."""
    function.scalar = True
    return function


def piece(function):
    """Mark lines that methods share: compiled like a function of numbers, but counted as the operations that stand in them."""
    function.piece = True
    return scalar(function)


def in_double(exact):
    """Use `exact`, a function of the C library, instead of the marked one when the run computes in float64."""

    def mark(function):
        function.exact = exact
        return scalar(function)

    return mark


@in_double(lambda x: math.tanh(x))
def tanh(x):
    """Hyperbolic tangent; in float32 a rational function fitted on +-8.5, largest error 4e-7."""
    x = min(max(x, -8.5), 8.5)
    y = x * x
    above = 0.9999999882039042 + y * (
        0.13413287109810998 + y * (0.0035340741810403055 + y * (2.1251805722930063e-05 + y * 1.4270248115725485e-08))
    )
    below = 1.0 + y * (0.46746609864598565 + y * (0.02602293243843674 + y * (0.0003348941462913432 + y * 8.145548450037999e-07)))
    return min(max(x * above / below, -1.0), 1.0)


@scalar
def sigmoid(x):
    """Logistic function, 1 / (1 + exp(-x))."""
    return 0.5 + 0.5 * tanh(0.5 * x)


@scalar
def halved(x):
    """m and a whole e from -32 to 0 with ``x = m * 2**e`` and m between the roots of 1/2 and 2, if such an e exists; 0 for a larger x, else -32."""
    e = 0.0
    if x < 0.0000152587890625:
        x, e = x * 65536.0, e - 16.0
    if x < 0.00390625:
        x, e = x * 256.0, e - 8.0
    if x < 0.0625:
        x, e = x * 16.0, e - 4.0
    if x < 0.25:
        x, e = x * 4.0, e - 2.0
    if x < 0.5:
        x, e = x * 2.0, e - 1.0
    if x < 0.7071067811865476:
        x, e = x * 2.0, e - 1.0
    return x, e


@scalar
def log(x):
    """Natural logarithm for 2**-31 < x <= 1, absolute error below 1e-9, in float32 2e-6: a series in (m-1)/(m+1), and e times ln 2."""
    m, e = halved(x)
    t = (m - 1.0) / (m + 1.0)
    y = t * t
    series = 2.0 * t * (1.0 + y * (1.0 / 3.0 + y * (0.2 + y * (1.0 / 7.0 + y * (1.0 / 9.0)))))
    return series + e * 0.6931471805599453


@scalar
def normal(u):
    """Standard normal number from a uniform one in (0, 1): the inverse of its distribution function.

    Polynomials of Giles, M., "Approximating the erfinv function", GPU Computing Gems Jade Edition (2012), pp. 109-116,
    doi:10.1016/B978-0-12-385963-1.00010-1 (single precision: 23-bit uniforms reach +-5.3).
    """
    w = -log(4.0 * u * (1.0 - u))
    # one polynomial whose coefficients are selected: half the work of both, and no branch in a vectorised loop
    tail = w > 5.0
    root = np.sqrt(w)
    t = (root if tail else w) - (3.0 if tail else 2.5)
    p = -0.000200214257 if tail else 2.81022636e-08
    p = (0.000100950558 if tail else 3.43273939e-07) + p * t
    p = (0.00134934322 if tail else -3.5233877e-06) + p * t
    p = (-0.00367342844 if tail else -4.39150654e-06) + p * t
    p = (0.00573950773 if tail else 0.00021858087) + p * t
    p = (-0.0076224613 if tail else -0.00125372503) + p * t
    p = (0.00943887047 if tail else -0.00417768164) + p * t
    p = (1.00167406 if tail else 0.246640727) + p * t
    p = (2.83297682 if tail else 1.50140941) + p * t
    return 1.4142135623730951 * p * (2.0 * u - 1.0)


@scalar
def doubled(k):
    """``2**k`` for a whole k from -126 to 127, by its binary digits."""
    m, scale = abs(k), 1.0
    if m >= 64.0:
        m, scale = m - 64.0, scale * 18446744073709551616.0
    if m >= 32.0:
        m, scale = m - 32.0, scale * 4294967296.0
    if m >= 16.0:
        m, scale = m - 16.0, scale * 65536.0
    if m >= 8.0:
        m, scale = m - 8.0, scale * 256.0
    if m >= 4.0:
        m, scale = m - 4.0, scale * 16.0
    if m >= 2.0:
        m, scale = m - 2.0, scale * 4.0
    if m >= 1.0:
        scale = scale * 2.0
    return scale if k >= 0.0 else 1.0 / scale


@scalar
def exp(x):
    """Exponential function for -87 <= x <= 88 (held there beyond), relative error below 1e-11, in float32 3e-7.

    ``x = k ln 2 + r`` with a whole k and abs(r) <= ln(2) / 2: a series in r, times 2**k.
    """
    x = min(max(x, -87.0), 88.0)
    k = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - k * 0.693145751953125) - k * 1.4286068203094173e-6  # ln 2 in two parts: the first product is exact in float32
    series = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0 + r * (1.0 / 40320.0 + r * (1.0 / 362880.0))))
    series = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * series))))
    return series * doubled(k)


@scalar
def power(x, p):
    """``x**p`` for 2**-31 < x <= 1, relative error below (|p| + 0.1) 1e-9, in float32 (|p| + 0.5) 3e-6; it ends at exp(-40) and exp(40)."""
    return exp(min(max(p * log(x), -40.0), 40.0))
