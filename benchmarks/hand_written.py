"""What someone would write by hand for one device and nothing else: the yardstick for exchangeable parts.

Each kernel asks every cell of an array for its part of a rank-one update, writes it with the random numbers that the device needs, reads it
into the sums of two passes, and counts, where the device can swallow a change, what was asked for and what was swallowed: as the loop does.
There are two ways to go about it. Where a write is cheap, four rows are written and read in one loop (`at_once`). Where it is dear and most
cells stay as they are, a first loop finds those that move, a second one writes them, packed, and a third one reads the rows (`by_turns`).
What a device does is written in scalars, with the numbers of its data sheet as literals, and is copied into the loop by the compiler.

The array is one block of float32, ``cells[row, plane, column]``, the planes in the order of the fields of the cell's state. Only the
arithmetic of logarithms and the like is shared with the parts: their exchange is what is measured, not another exponential function.
"""

import math

import numba
import numpy as np

from hw_models import scalars
from hw_models.cells import floating_point, pulsed
from neurosim.jit import scalar

u4, i4, f4 = np.uint32, np.int32, np.float32
jit = numba.njit(error_model="numpy", nogil=True)
inline = numba.njit(error_model="numpy", forceinline=True)
exp, log, power, normal, binade, geometric = (
    f if hasattr(f, "compilable") else scalar(f)
    for f in (scalars.exp, scalars.log, scalars.power, scalars.normal, floating_point.binade, pulsed.geometric)
)


@inline
def bits(a, b, i, k):
    x = u4(u4(a + u4(u4(i) * u4(0x9E3779B1))) + u4(u4(k) * u4(0x85EBCA77)))
    x = u4(u4(x ^ u4(x >> u4(16))) * u4(0x7FEB352D))
    x = u4(x + b)
    x = u4(u4(x ^ u4(x >> u4(15))) * u4(0x846CA68B))
    return u4(x ^ u4(x >> u4(16)))


@inline
def uniform(key, i, k):
    return (f4(i4(bits(key[0], key[1], i, k) >> u4(9))) + f4(0.5)) * f4(2.0**-23)


@inline
def gauss(key, i, k):
    return normal(uniform(key, i, k))


@inline
def key_of(key, j):
    """The two words that a row's random numbers start from."""
    x = u4(u4(key + u4(u4(j) * u4(0x9E3779B1))) * u4(0x7FEB352D))
    return u4(x ^ u4(x >> u4(15))), u4(u4(x * u4(0x846CA68B)) ^ u4(j))


@inline
def clip(x, low, high):
    return min(max(x, low), high)


@inline
def plain_read(s, i, key):
    return s[0][i]


@inline
def bounded_read(s, i, key):
    return clip(s[0][i], f4(-1), f4(1))


def rows(planes):
    """The function that takes the planes of a row, or of the cells that were packed, apart: of one array, the compiler would not vectorise."""
    return inline(eval(f"lambda block: ({''.join(f'block[{p}], ' for p in range(planes))})"))


# ---------------------------------------------------------------- the two ways


KERNELS = {}  #: by the cell's name: the fields of its state that the kernel works on, and the kernel


def at_once(name, fields="w", swallows=True, read=plain_read):
    """Four rows are written and read in one loop. ``write(s, q, i, d, now, key)`` tells whether the cell at q, of column i, moved."""
    fields = fields.split()
    return lambda write: KERNELS.update({name: (fields, one_loop(inline(write), rows(len(fields)), swallows, read))})


def one_loop(write, apart, swallows, read):
    @jit
    def kernel(cells, a, pre, rate, now, z, clean, noisy, scratch, key):
        clean[:] = f4(0)
        noisy[:] = f4(0)
        asked, moved = 0, 0
        for j in range(0, cells.shape[0], 4):
            s0, s1, s2, s3 = apart(cells[j]), apart(cells[j + 1]), apart(cells[j + 2]), apart(cells[j + 3])
            c0, c1, c2, c3 = rate * pre[j], rate * pre[j + 1], rate * pre[j + 2], rate * pre[j + 3]
            k0, k1, k2, k3 = key_of(key, j), key_of(key, j + 1), key_of(key, j + 2), key_of(key, j + 3)
            x0, x1, x2, x3 = z[0, j], z[0, j + 1], z[0, j + 2], z[0, j + 3]
            y0, y1, y2, y3 = z[1, j], z[1, j + 1], z[1, j + 2], z[1, j + 3]
            some, went = i4(0), i4(0)
            for i in range(a.shape[0]):
                d0, d1, d2, d3 = c0 * a[i], c1 * a[i], c2 * a[i], c3 * a[i]
                m0, m1 = write(s0, i, i, d0, now, k0), write(s1, i, i, d1, now, k1)
                m2, m3 = write(s2, i, i, d2, now, k2), write(s3, i, i, d3, now, k3)
                w0, w1, w2, w3 = read(s0, i, k0), read(s1, i, k1), read(s2, i, k2), read(s3, i, k3)
                clean[i] = clean[i] + w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3
                noisy[i] = noisy[i] + w0 * y0 + w1 * y1 + w2 * y2 + w3 * y3
                if swallows:
                    some = i4(some + i4(d0 != f4(0)) + i4(d1 != f4(0)) + i4(d2 != f4(0)) + i4(d3 != f4(0)))
                    went = i4(went + i4(m0) + i4(m1) + i4(m2) + i4(m3))
            asked += some
            moved += went
        return asked, asked - moved

    return kernel


def by_turns(name, moves, fields="w up down high low", changing="w", read=bounded_read):
    """Find the cells of a row that move, ``moves(d, key, i)``, pack them, write them, put them back; then read four rows in one loop."""
    fields = fields.split()
    places = tuple(fields.index(field) for field in changing.split())
    return lambda write: KERNELS.update({name: (fields, three_loops(moves, inline(write), rows(len(fields)), len(fields), places, read))})


def three_loops(moves, write, apart, planes, changing, read):
    @jit
    def kernel(cells, a, pre, rate, now, z, clean, noisy, scratch, key):
        hit, where, d, h = scratch
        packed, n, words = apart(h), a.shape[0], hit.view(np.uint64)
        clean[:] = f4(0)
        noisy[:] = f4(0)
        asked, moved = 0, 0
        for j in range(0, cells.shape[0], 4):
            for k in range(4):
                s, c, own = cells[j + k], rate * pre[j + k], key_of(key, j + k)
                some, went, m = i4(0), i4(0), 0
                for i in range(n):
                    x = c * a[i]
                    hit[i] = moves(x, own, i)
                    some = i4(some + i4(x != f4(0)))
                for q in range(words.shape[0]):
                    if words[q] != 0:
                        for i in range(8 * q, 8 * q + 8):
                            where[m] = i
                            m += hit[i]
                if m > 0:
                    for p in range(planes):
                        for q in range(m):
                            h[p, q] = s[p, where[q]]
                    for q in range(m):
                        d[q] = c * a[where[q]]
                    for q in range(m):
                        went = i4(went + i4(write(packed, q, where[q], d[q], now, own)))
                    for p in changing:
                        for q in range(m):
                            s[p, where[q]] = h[p, q]
                asked += some
                moved += went
            s0, s1, s2, s3 = apart(cells[j]), apart(cells[j + 1]), apart(cells[j + 2]), apart(cells[j + 3])
            k0, k1, k2, k3 = key_of(key, j), key_of(key, j + 1), key_of(key, j + 2), key_of(key, j + 3)
            x0, x1, x2, x3 = z[0, j], z[0, j + 1], z[0, j + 2], z[0, j + 3]
            y0, y1, y2, y3 = z[1, j], z[1, j + 1], z[1, j + 2], z[1, j + 3]
            for i in range(n):
                w0, w1, w2, w3 = read(s0, i, k0), read(s1, i, k1), read(s2, i, k2), read(s3, i, k3)
                clean[i] = clean[i] + w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3
                noisy[i] = noisy[i] + w0 * y0 + w1 * y1 + w2 * y2 + w3 * y3
        return asked, asked - moved

    return kernel


def scratch_of(planes, n):
    """What `by_turns` needs beside the array: who moves, as whole words of eight; places, changes and cells of those that do."""
    hit = np.zeros((n + 7) // 8 * 8, np.uint8)
    return hit, np.zeros(n + 8, np.int32), np.zeros(n + 8, np.float32), np.zeros((planes, n + 8), np.float32)


# ---------------------------------------------------------------- numbers: exact, words, floating point


@at_once("ideal", swallows=False)
def ideal(s, q, i, d, now, key):
    s[0][q] += d
    return True


@at_once("fixed-point")
def fixed_point(s, q, i, d, now, key):
    r = f4(0.5) - uniform(key, i, 0)
    was = s[0][q]
    s[0][q] = clip(was + np.floor(d * f4(128) + (f4(0.5) + (r if d > f4(0) else -r))) * f4(1 / 128), f4(-1), f4(127 / 128))
    return s[0][q] != was


@at_once("single-step")
def single_step(s, q, i, d, now, key):
    was = s[0][q]
    step = (f4(1 / 128) if d > f4(0) else f4(-1 / 128)) if uniform(key, i, 0) < abs(d) * f4(128) else f4(0)
    s[0][q] = clip(was + step, f4(-1), f4(127 / 128))
    return s[0][q] != was


@inline
def signed_read(s, i, key):
    return s[1][i] * s[0][i] * f4(1 / 7)


@at_once("fixed-sign", "level sign", read=signed_read)
def fixed_sign(s, q, i, d, now, key):
    was = s[0][q]
    step = (f4(1) if s[1][q] * d > f4(0) else f4(-1)) if uniform(key, i, 0) < abs(d) * f4(7) else f4(0)
    s[0][q] = clip(was + step, f4(0), f4(7))
    return s[0][q] != was


@at_once("floating-point")
def floating_point(s, q, i, d, now, key):
    was = s[0][q]
    x = was + d
    ulp = max(binade(abs(x)), f4(2.0**-30)) * f4(2.0**-10)
    x = x / ulp
    below = np.floor(x)
    s[0][q] = clip((below + (f4(1) if x - below > uniform(key, i, 0) else f4(0))) * ulp, f4(2.0**-11 - 1), f4(1 - 2.0**-11))
    return s[0][q] != was


@at_once("analog", "w gain", swallows=False)
def analog(s, q, i, d, now, key):
    s[0][q] = clip(s[0][q] + s[1][q] * d * (f4(1) + f4(0.3) * gauss(key, i, 0)), f4(-1), f4(1))
    return True


# ---------------------------------------------------------------- pulses; planes: w, up, down, high, low


@inline
def pulses(d, u, per_step):
    return min(np.floor(abs(d) * per_step + (f4(1) - u)), f4(31))


@inline
def linear_train(w, step, slope, noise, n, normal):
    q = clip(f4(1) - step * slope, f4(0), f4(1))
    return step * ((f4(1) - slope * w) * geometric(q, n) + noise * np.sqrt(geometric(q * q, n)) * normal)


@inline
def train(first, second, noise, n, normal):
    q = clip(second / first, f4(0), f4(2)) if first != f4(0) else f4(0)
    return first * geometric(q, n) * (f4(1) + noise * normal / np.sqrt(max(n, f4(1))))


def pulse(per_step):
    per_step = f4(per_step)
    return inline(lambda d, key, i: uniform(key, i, 0) < abs(d) * per_step)


@by_turns("constant-step", pulse(500))
def constant_step(s, q, i, d, now, key):
    n, step = pulses(d, uniform(key, i, 0), f4(500)), s[1][q] if d > f4(0) else -s[2][q]
    s[0][q] = clip(s[0][q] + step * (n + f4(0.3) * np.sqrt(n) * gauss(key, i, 1)), s[4][q], s[3][q])
    return n > f4(0)


@by_turns("linear-step", pulse(500), "w up down high low up_slope down_slope")
def linear_step(s, q, i, d, now, key):
    w, up, down, high, low, up_slope, down_slope = s[0][q], s[1][q], s[2][q], s[3][q], s[4][q], s[5][q], s[6][q]
    n, step, slope = pulses(d, uniform(key, i, 0), f4(500)), up if d > f4(0) else -down, up_slope if d > f4(0) else down_slope
    s[0][q] = clip(w + linear_train(w, step, slope, f4(0.3), n, gauss(key, i, 1)), low, high)
    return n > f4(0)


@by_turns("soft-bounds", pulse(500))
def soft_bounds(s, q, i, d, now, key):
    w, up, down, high, low = s[0][q], s[1][q], s[2][q], s[3][q], s[4][q]
    n, step, bound = pulses(d, uniform(key, i, 0), f4(500)), up if d > f4(0) else -down, high if d > f4(0) else low
    s[0][q] = clip(w + linear_train(w, step, f4(1) / bound, f4(0.3), n, gauss(key, i, 1)), low, high)
    return n > f4(0)


@inline
def shown_read(s, i, key):
    return clip(s[5][i], f4(-1), f4(1))


@by_turns("soft-bounds-reference", pulse(50), "w up down high low shown reference", "w shown", shown_read)
def soft_bounds_reference(s, q, i, d, now, key):
    w, up, down, high, low, shown, reference = s[0][q], s[1][q], s[2][q], s[3][q], s[4][q], s[5][q], s[6][q]
    n, step, bound = pulses(d, uniform(key, i, 0), f4(50)), up if d > f4(0) else -down, high if d > f4(0) else low
    w = clip(w + linear_train(w, step, f4(1) / bound, f4(0.3), n, gauss(key, i, 1)), low, high)
    s[0][q] = w
    s[5][q] = w - reference + (f4(0.02) * gauss(key, i, 2) if high > low else f4(0)) if n > f4(0) else shown
    return n > f4(0)


def curved(shape):
    """Write in pulses whose step is a curve."""

    @inline
    def write(s, q, i, d, now, key, per_step):
        w, up, down, high, low = s[0][q], s[1][q], s[2][q], s[3][q], s[4][q]
        n, rising = pulses(d, uniform(key, i, 0), per_step), d > f4(0)
        step = up if rising else -down
        first = step * shape(w, low, high, rising)
        second = step * shape(clip(w + first, low, high), low, high, rising)
        s[0][q] = clip(w + train(first, second, f4(0.3), n, gauss(key, i, 1)), low, high)
        return n > f4(0)

    return write


@curved
@inline
def exponential(w, low, high, rising):
    z = -w / max(high - low, f4(0.01)) - f4(0.5)
    grown = (f4(1.18445) if rising else f4(0.081404)) * exp(clip(f4(5) * z if rising else f4(-5) * z, f4(-30), f4(30)))
    return f4(1) + grown


@by_turns("exponential-step", pulse(500), "w up down high low shown", "w shown", shown_read)
def exponential_step(s, q, i, d, now, key):
    high, low, shown = s[3][q], s[4][q], s[5][q]
    moved = exponential(s, q, i, d, now, key, f4(500))
    s[5][q] = s[0][q] + (f4(0.002) * gauss(key, i, 2) if high > low else f4(0)) if moved else shown
    return moved


@curved
@inline
def power_curve(w, low, high, rising):
    left = (high - w if rising else w - low) / max(high - low, f4(0.01))
    return exp(f4(1.5) * log(clip(left, f4(2.0**-30), f4(1)))) if left > f4(0) else f4(0)


@by_turns("power-step", pulse(250))
def power_step(s, q, i, d, now, key):
    return power_curve(s, q, i, d, now, key, f4(250))


@curved
@inline
def lines(w, low, high, rising):
    at = f4(4) * (w - low) / max(high - low, f4(0.01))
    at = at if rising else f4(4) - at
    y = f4(1.5) - f4(0.25) * clip(at, f4(0), f4(1)) - f4(0.25) * clip(at - f4(1), f4(0), f4(1))
    return y - f4(0.25) * clip(at - f4(2), f4(0), f4(1)) - f4(0.25) * clip(at - f4(3), f4(0), f4(1))


@by_turns("piecewise-step", pulse(500))
def piecewise_step(s, q, i, d, now, key):
    return lines(s, q, i, d, now, key, f4(500))


@inline
def filling(g, high):
    return f4(1) + f4(27.235) * exp(clip(f4(-5) * g / max(high, f4(0.01)), f4(-30), f4(30)))


@inline
def pair_read(s, i, key):
    return clip(s[0][i] - s[1][i], f4(-1), f4(1))


@by_turns("one-sided-pair", pulse(100), "plus minus plus_step minus_step plus_high minus_high", "plus minus", pair_read)
def one_sided_pair(s, q, i, d, now, key):
    plus, minus, plus_step, minus_step, plus_high, minus_high = s[0][q], s[1][q], s[2][q], s[3][q], s[4][q], s[5][q]
    n, rising = pulses(d, uniform(key, i, 0), f4(100)), d > f4(0)
    g, step, high = plus if rising else minus, plus_step if rising else minus_step, plus_high if rising else minus_high
    first = step * filling(g, high)
    mean = train(first, step * filling(clip(g + first, f4(0), high), high), f4(0), n, f4(0))
    noise = mean / np.sqrt(max(n, f4(1))) + np.sqrt(n) * (f4(0.042) + f4(0.108) * g)
    ended = clip(g + mean + f4(0.6) * noise * gauss(key, i, 1), f4(0), high)
    plus, minus = ended if rising else plus, minus if rising else ended
    again = max(plus, minus) > f4(1.5) and min(plus, minus) > f4(0.5) and n > f4(0)
    w = plus - minus
    s[0][q] = clip(f4(0.01) + max(w, f4(0)), f4(0), plus_high) if again else plus
    s[1][q] = clip(f4(0.01) + max(-w, f4(0)), f4(0), minus_high) if again else minus
    return n > f4(0)


# ---------------------------------------------------------------- programmed anew, unless the change is too small


@inline
def beyond_deadband(d, key, i):
    return abs(d) > f4(0.05)


def programmed(name, fields, read):
    return by_turns(name, beyond_deadband, fields, fields, read)


@inline
def last_of_two(s, i, key):
    return s[1][i]


@inline
def last_of_five(s, i, key):
    return s[4][i]


PCM_NOISE = f4(math.sqrt(math.log((20 + 250e-9) / 500e-9)))


@inline
def pcm_noise(g):
    return PCM_NOISE * min(f4(0.0088) / max(power(clip(g, f4(1e-7), f4(1)), f4(0.65)), f4(1e-3)), f4(0.2))


@programmed("pcm", "target plus minus since seen", last_of_five)
def pcm(s, q, i, d, now, key):
    was, plus_was, minus_was, since, seen = s[0][q], s[1][q], s[2][q], s[3][q], s[4][q]
    w = clip(was + d, f4(-1), f4(1))
    up, down, moved = max(w, f4(0)), max(-w, f4(0)), w != was
    plus = max(up + (f4(0.26348) + up * (f4(1.965) - up * f4(1.1731))) * f4(1 / 25) * gauss(key, i, 0), f4(0))
    minus = max(down + (f4(0.26348) + down * (f4(1.965) - down * f4(1.1731))) * f4(1 / 25) * gauss(key, i, 1), f4(0))
    one = max(plus * (f4(1) + pcm_noise(plus) * gauss(key, i, 2)), f4(0))
    other = max(minus * (f4(1) + pcm_noise(minus) * gauss(key, i, 3)), f4(0))
    s[0][q] = w
    s[1][q] = plus if moved else plus_was
    s[2][q] = minus if moved else minus_was
    s[3][q] = now if moved else since
    s[4][q] = clip(one - other, f4(-1), f4(1)) if moved else seen
    return moved


@inline
def wan_spread(r):
    return (f4(0.348) + r * (f4(16.03) + r * (f4(-43.853) + r * (f4(45.393) - r * f4(16.815))))) * f4(1 / 40)


@programmed("reram-wan", "target z_plus z_minus since seen", last_of_five)
def reram_wan(s, q, i, d, now, key):
    was, plus_was, minus_was, since, seen = s[0][q], s[1][q], s[2][q], s[3][q], s[4][q]
    w, z_plus, z_minus = clip(was + d, f4(-1), f4(1)), gauss(key, i, 0), gauss(key, i, 1)
    up, down, moved = max(w, f4(0)), max(-w, f4(0)), w != was
    shown = max(up + wan_spread(up) * z_plus, f4(0)) - max(down + wan_spread(down) * z_minus, f4(0))
    s[0][q] = w
    s[1][q] = z_plus if moved else plus_was
    s[2][q] = z_minus if moved else minus_was
    s[3][q] = now if moved else since
    s[4][q] = clip(shown, f4(-1), f4(1)) if moved else seen
    return moved


HFOX_NOISE = f4(0.0277316483 * math.log10(math.e) * math.sqrt(math.log((1 + 1e-6) / 2e-6)))


@programmed("reram-hfox", "target g z since seen", last_of_five)
def reram_hfox(s, q, i, d, now, key):
    was, g_was, z_was, since, seen = s[0][q], s[1][q], s[2][q], s[3][q], s[4][q]
    w = clip(was + d, f4(-1), f4(1))
    target, z, moved = f4(9) + (w + f4(1)) * f4(39.6), gauss(key, i, 1), w != was
    g = clip(target + (f4(0.01129027) * target + f4(0.01121854)) * gauss(key, i, 0), f4(9), f4(88.2))
    level = clip(g + f4(0.41183342) * z, f4(9), f4(88.2))
    level = clip(level - HFOX_NOISE * log(f4(1) / level) * gauss(key, i, 2), f4(9), f4(88.2))
    s[0][q] = w
    s[1][q] = g if moved else g_was
    s[2][q] = z if moved else z_was
    s[3][q] = now if moved else since
    s[4][q] = (level - f4(9)) * f4(1 / 39.6) - f4(1) if moved else seen
    return moved


@inline
def sonos_spread(a, b, current):
    return a * (f4(1) - exp(max(current * f4(-1 / b), f4(-40))))


@inline
def sonos_read(s, i, key):
    return s[4][i] + s[5][i] * gauss(key, i, 3)


@programmed("sonos", "target z_plus z_minus since seen noise", sonos_read)
def sonos(s, q, i, d, now, key):
    was, plus_was, minus_was, since, seen, noise = s[0][q], s[1][q], s[2][q], s[3][q], s[4][q], s[5][q]
    w, z_plus, z_minus = clip(was + d, f4(-1), f4(1)), gauss(key, i, 0), gauss(key, i, 1)
    up, down, moved = f4(1800) * max(w, f4(0)), f4(1800) * max(-w, f4(0)), w != was
    plus = max(up + sonos_spread(f4(19.88665), 176.3115, up) * z_plus, f4(0))
    minus = max(down + sonos_spread(f4(19.88665), 176.3115, down) * z_minus, f4(0))
    one, other = sonos_spread(f4(12.58037), 215.36557, plus), sonos_spread(f4(12.58037), 215.36557, minus)
    s[0][q] = w
    s[1][q] = z_plus if moved else plus_was
    s[2][q] = z_minus if moved else minus_was
    s[3][q] = now if moved else since
    s[4][q] = clip((plus - minus) * f4(1 / 1800), f4(-1), f4(1)) if moved else seen
    s[5][q] = np.sqrt(one * one + other * other) * f4(1 / 1800) if moved else noise
    return moved


STATES, MEANS, SPREADS = np.linspace(-1, 1, 8), np.linspace(-1, 1, 8), np.full(8, 0.02)
WIDTHS, FIRST = np.diff(STATES).astype(f4), STATES.astype(f4)
MEAN_SLOPES, SPREAD_SLOPES = ((np.diff(y) / np.diff(STATES)).astype(f4) for y in (MEANS, SPREADS))


@programmed("table", "target seen", last_of_two)
def table(s, q, i, d, now, key):
    was, seen = s[0][q], s[1][q]
    w, mean, spread = clip(was + d, f4(-1), f4(1)), f4(-1), f4(0.02)
    for k in range(7):
        along = clip(w - FIRST[k], f4(0), WIDTHS[k])
        mean, spread = mean + MEAN_SLOPES[k] * along, spread + SPREAD_SLOPES[k] * along
    moved = w != was
    s[0][q] = w
    s[1][q] = clip(mean + spread * gauss(key, i, 0), f4(-1), f4(1)) if moved else seen
    return moved
