"""What someone would write by hand for one cell and nothing else: the yardstick for exchangeable parts.

Each kernel applies a rank-one update to every cell of an array and reads it into the sums of two passes, row by row, with the random
numbers that the cell needs. Where a cell can swallow a write it counts writes and swallowed writes, as the loop does.
"""

import numba
import numpy as np

u4, f4 = np.uint32, np.float32
jit = numba.njit(error_model="numpy", nogil=True)
inline = numba.njit(error_model="numpy", forceinline=True)


@inline
def bits(a, b, i):
    x = u4(a + u4(u4(i) * u4(0x9E3779B1)))
    x = u4(u4(x ^ u4(x >> u4(16))) * u4(0x7FEB352D))
    x = u4(x + b)
    x = u4(u4(x ^ u4(x >> u4(15))) * u4(0x846CA68B))
    return u4(x ^ u4(x >> u4(16)))


@inline
def uniform(a, b, i):
    return (f4(np.int32(bits(a, b, i) >> u4(9))) + f4(0.5)) * f4(2.0**-23)


@inline
def normal(u):
    """Inverse normal distribution function, Giles 2012, with a logarithm by halvings: all in float32."""
    p = f4(4.0) * u * (f4(1.0) - u)
    e = f4(0.0)
    for power, factor in ((-16, 16), (-8, 8), (-4, 4), (-2, 2), (-1, 1)):
        small = p < f4(2.0**power)
        p = p * (f4(2.0**factor) if small else f4(1.0))
        e = e - (f4(factor) if small else f4(0.0))
    small = p < f4(0.70710678)
    p = p * (f4(2.0) if small else f4(1.0))
    e = e - (f4(1.0) if small else f4(0.0))
    t = (p - f4(1.0)) / (p + f4(1.0))
    y = t * t
    w = -(f4(2.0) * t * (f4(1.0) + y * (f4(1 / 3) + y * (f4(0.2) + y * (f4(1 / 7) + y * f4(1 / 9))))) + e * f4(0.6931471805599453))
    tail = w > f4(5.0)
    c = (np.sqrt(w) if tail else w) - (f4(3.0) if tail else f4(2.5))
    q = f4(-0.000200214257) if tail else f4(2.81022636e-08)
    q = (f4(0.000100950558) if tail else f4(3.43273939e-07)) + q * c
    q = (f4(0.00134934322) if tail else f4(-3.5233877e-06)) + q * c
    q = (f4(-0.00367342844) if tail else f4(-4.39150654e-06)) + q * c
    q = (f4(0.00573950773) if tail else f4(0.00021858087)) + q * c
    q = (f4(-0.0076224613) if tail else f4(-0.00125372503)) + q * c
    q = (f4(0.00943887047) if tail else f4(-0.00417768164)) + q * c
    q = (f4(1.00167406) if tail else f4(0.246640727)) + q * c
    q = (f4(2.83297682) if tail else f4(1.50140941)) + q * c
    return f4(1.4142135) * q * (f4(2.0) * u - f4(1.0))


@inline
def products(w, z, j, sums):
    for q in range(2):
        out, x0, x1, x2, x3 = sums[q], z[q, j], z[q, j + 1], z[q, j + 2], z[q, j + 3]
        w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
        for i in range(out.shape[0]):
            out[i] = out[i] + w0[i] * x0 + w1[i] * x1 + w2[i] * x2 + w3[i] * x3


@jit
def ideal(planes, a, pre, lr, reward, z, sums, seen, key):
    (W,) = planes
    sums[:] = f4(0)
    for j in range(0, W.shape[0], 4):
        for k in range(4):
            w, c = W[j + k], lr * reward * pre[j + k]
            s = seen[k]
            for i in range(w.shape[0]):
                v = w[i] + c * a[i]
                w[i] = v
                s[i] = v
        products(seen, z, j, sums)
    return 0, 0


@jit
def fixed_point(planes, a, pre, lr, reward, z, sums, seen, key):
    (W,) = planes
    lsb, low, asked, swallowed = f4(2.0**-7), f4(-1.0), np.int32(0), np.int32(0)
    high = f4(1.0) - lsb
    sums[:] = f4(0)
    for j in range(0, W.shape[0], 4):
        for k in range(4):
            w, c, ka, kb = W[j + k], lr * reward * pre[j + k], u4(key * u4(j + k + 1)), u4(key ^ u4(j + k))
            s = seen[k]
            for i in range(w.shape[0]):
                d = c * a[i]
                v = min(max(np.floor((w[i] + d) / lsb + uniform(ka, kb, i)) * lsb, low), high)
                asked = np.int32(asked + np.int32(d != f4(0.0)))
                swallowed = np.int32(swallowed + np.int32((d != f4(0.0)) & (v == w[i])))
                w[i] = v
                s[i] = v
        products(seen, z, j, sums)
    return asked, swallowed


@jit
def analog(planes, a, pre, lr, reward, z, sums, seen, key):
    W, G = planes
    noise, low, high = f4(0.3), f4(-1.0), f4(1.0)
    sums[:] = f4(0)
    for j in range(0, W.shape[0], 4):
        for k in range(4):
            w, g, c, ka, kb = W[j + k], G[j + k], lr * reward * pre[j + k], u4(key * u4(j + k + 1)), u4(key ^ u4(j + k))
            s = seen[k]
            for i in range(w.shape[0]):
                v = min(max(w[i] + g[i] * (c * a[i]) * (f4(1.0) + noise * normal(uniform(ka, kb, i))), low), high)
                w[i] = v
                s[i] = v
        products(seen, z, j, sums)
    return 0, 0


KERNELS = {"ideal": ideal, "fixed-point": fixed_point, "analog": analog}
