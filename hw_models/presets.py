"""Pulsed devices fitted to measurements, by name: ``Chip(cell=PRESETS["reram-es"])``.

The numbers are the fits in the presets of IBM's analog hardware kit (Rasch et al. 2021, arXiv:2104.02184) to the devices of the papers
named below. Full scale is the fits' unit of weight, so that mean bounds beyond it are reached but not read.
"""

from hw_models.cells.pulsed_linear import ConstantStep, LinearStep, SoftBoundsReference
from hw_models.cells.pulsed_pair import OneSidedPair
from hw_models.cells.pulsed_shaped import ExponentialStep

PRESETS = {
    # Gong et al. 2018, doi:10.1038/s41467-018-04485-1: filamentary oxide memory, step fitted as an exponential
    "reram-es": ExponentialStep(
        step=0.00135, step_spread=0.2, asymmetry=0.259359, asymmetry_spread=0.05,
        high=1.0, high_spread=0.3, low=-1.0, low_spread=0.3,
        a=-0.5, b=-0.5, up_gamma=5.0, down_gamma=5.0, up_amplitude=-1.18445, down_amplitude=-0.081404,
        cycle_noise=5.0, write_noise=75.0,
    ),
    # the same measurements, fitted loosely with soft bounds about the symmetry point
    "reram-sb": SoftBoundsReference(
        step=0.002, step_spread=0.3, asymmetry=0.0, asymmetry_spread=0.01,
        high=1.25, high_spread=0.24, low=-0.75, low_spread=0.4,
        reference="zero", reference_spread=0.0, cycle_noise=3.75, write_noise=56.0,
    ),
    # Gong, Rasch et al., IEDM 2022: array with optimised material; 13.48 % of the devices were stuck, which the fit leaves out
    "reram-array-om": SoftBoundsReference(
        step=0.0949, step_spread=0.7829, law="log-normal", asymmetry=0.0, asymmetry_spread=0.01,
        high=1.0, high_spread=0.3499, low=-1.0, low_spread=0.5695,
        reference="symmetry", reference_spread=0.05, cycle_noise=0.4158, write_noise=1.4113,
    ),
    # Gong, Rasch et al., IEDM 2022: HfO2 array; 9.77 % of the devices were stuck, which the fit leaves out
    "reram-array-hfo2": SoftBoundsReference(
        step=0.4622, step_spread=0.7125, law="log-normal", asymmetry=0.0, asymmetry_spread=0.01,
        high=1.0, high_spread=0.4295, low=-1.0, low_spread=0.599,
        reference="symmetry", reference_spread=0.05, cycle_noise=0.2174, write_noise=0.5841,
    ),
    # Li et al., VLSI 2018: capacitor; a lifetime of 1e6 mini-batches is 1000 s if one of them takes a step of 1 ms (our choice)
    "capacitor": LinearStep(
        step=0.005, step_spread=0.1, asymmetry=0.0, asymmetry_spread=0.06,
        high=1.0, high_spread=0.07, low=-1.0, low_spread=0.07,
        up_slope=0.05, down_slope=0.05, slope_spread=0.01,
        cycle_noise=0.3, noise="additive", leak=1e-3, leak_spread=0.3,
    ),
    # Tang et al., IEDM 2018: lithium ECRAM
    "ecram": LinearStep(
        step=0.002, step_spread=0.1, asymmetry=0.0, asymmetry_spread=0.01,
        high=1.1724, high_spread=0.05, low=-0.8276, low_spread=0.05,
        up_slope=0.1153, down_slope=0.5085, slope_spread=0.05, cycle_noise=0.3, noise="multiplicative",
    ),
    # Kim et al., IEDM 2019: metal-oxide ECRAM
    "ecram-mo": LinearStep(
        step=2.8214e-4, step_spread=0.1, asymmetry=0.0, asymmetry_spread=0.01,
        high=1.1714, high_spread=0.05, low=-0.8286, low_spread=0.05,
        up_slope=0.4152, down_slope=0.7342, slope_spread=0.05, cycle_noise=2.0, noise="multiplicative",
    ),
    # Nandakumar et al. 2020, doi:10.3389/fnins.2020.00406: phase-change memory, filled from 0 to 2 and refreshed in pairs. The spread of the
    # step joins those of the fit's step (0.2) and its asymmetry (0.05); the spread of the conductance after a reset, 2 % of 0.01, is left out.
    "pcm-one-sided": OneSidedPair(
        step=0.01, step_spread=0.206, high=2.0, high_spread=0.1,
        a=-1.0, b=0.0, gamma=2.5, amplitude=-27.235,
        cycle_noise=0.6, noise_floor=0.042, noise_slope=0.108, reset=0.01, refresh=0.75, refresh_other=0.25,
    ),
    # Gokmen & Vlasov 2016, doi:10.3389/fnins.2016.00333: what a device must do, 1200 steps from bound to bound
    "gokmen-vlasov": ConstantStep(
        step=0.0016, step_spread=0.3, asymmetry=0.0, asymmetry_spread=0.01,
        high=1.0, high_spread=0.3, low=-1.0, low_spread=0.3, cycle_noise=0.3,
    ),
    # Rasch, Gokmen & Haensch 2019, arXiv:1906.02698: symmetric, 10000 steps
    "idealized": ConstantStep(
        step=0.0002, step_spread=0.3, asymmetry=0.0, asymmetry_spread=0.0,
        high=1.0, high_spread=0.3, low=-1.0, low_spread=0.3, cycle_noise=0.3,
    ),
}  # fmt: skip
