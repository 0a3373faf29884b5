"""How alike two sets of spike trains are."""

import numpy as np


def coincidence(a, b, step_s: float, window: float = 2e-3) -> float:
    """Coincidence factor of two spike trains: 1 if each spike has a partner within a window, 0 if no more than chance gives.

    Parameters
    ----------
    a, b : (step,) arrays of 0 and 1
    step_s : float, s
    window : float, s
        How far partners may be apart.

    References
    ----------
    Kistler, Gerstner, van Hemmen 1997, "Reduction of the Hodgkin-Huxley equations to a single-variable threshold model",
    doi:10.1162/neco.1997.9.5.1015.
    """
    n, m, reach = int(a.sum()), int(b.sum()), round(window / step_s)
    if not n or not m:
        return float(n == m)
    near = np.convolve(b, np.ones(2 * reach + 1), "same") > 0 if len(b) > 2 * reach else np.full(len(b), True)
    expected = 2 * n * window * m / (len(a) * step_s)
    chance = 1 - 2 * n * window / (len(a) * step_s)
    return float((near[a > 0].sum() - expected) / ((n + m) / 2) / chance) if chance > 0 else float("nan")


def van_rossum(a, b, step_s: float, tau: float = 10e-3) -> float:
    """Van Rossum distance of two spike trains: 0 if equal, 1 / sqrt(2) for a spike that only one has.

    Each spike becomes an exponential of time constant `tau`; the distance is the root of the squared difference over `tau`, its integral
    taken exactly between steps and to infinity.

    References
    ----------
    van Rossum 2001, "A novel spike distance", doi:10.1162/089976601300014321.
    """
    keep, d, total = np.exp(-step_s / tau), 0.0, 0.0
    for difference in np.asarray(a, float) - np.asarray(b, float):
        d = d * keep + difference
        total += d * d * (1 - keep * keep) / 2
    return float(np.sqrt(total + d * d * keep * keep / 2))
