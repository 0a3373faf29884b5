"""What a conversion costs as a function of resolution: three summaries of published converters.

References
----------
Murmann, "ADC Performance Survey 1997-2025", github.com/bmurmann/ADC-survey; the fit: Andrulis and Chen, accelergy-adc-plug-in.
"""

import math


def envelope(bits: float) -> float:
    """The least energy (J) of any published converter, ``0.267 pJ + 1.446e-7 pJ * 4**bits``: optimistic."""
    return 0.267e-12 + 1.446e-19 * 4.0**bits


def walden(bits: float, step: float = 30e-15) -> float:
    """Energy (J) at a figure of merit per conversion step, ``step * 2**bits``; 30 to 50 fJ are the medians of 6 to 10 bits since 2012."""
    return step * 2.0**bits


def fitted(bits: float, rate: float, node_nm: float) -> float:
    """Energy (J) of a good converter by resolution, sampling rate (1/s) and technology; not to be used below 16 nm."""
    merit = min(213.781 - 2.8719 * math.log(rate), 128.307 + 3.22051 * math.ceil(bits))
    decibels = (6.0206 * bits + 1.7609 - merit) / 10.0
    return 0.5e-12 * 10.0**decibels * math.exp(26.0496 + 1.88004 * math.log(node_nm) - 2.82913 * math.log(bits) - 1.47020)
