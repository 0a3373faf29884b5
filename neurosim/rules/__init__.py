"""Learning rules by name, and the options each name starts from."""

from hw_models.parts import InputError, nearest
from neurosim.rules.perturbation import KINDS, Learning, Perturbation
from neurosim.rules.reference import GRADIENTS, Gradient

#: What each name of the perturbation family stands for; the rates are those that the documentation's tables were made with.
DEFAULTS = {
    "wp": {"method": "wp", "lr": 1e-9, "readout_lr": 3e-4, "carry": 0.0},
    "np": {"method": "np", "lr": 1e-4, "readout_lr": 1e-2, "carry": 0.0},
    "anp": {"method": "anp", "perturb": "hidden", "carry": 0.9},
    "nrl": {"method": "nrl", "lr": 1e-3, "readout_lr": 1e-2, "norm": "deviation", "trace": 0.8},
    "oua": {"method": "oua", "lr": 1e-7, "readout_lr": 1e-6, "passes": "noisy", "trace": 0.8},
    "dwp": {"method": "wp", "lr": 1e-9, "readout_lr": 3e-4, "carry": 0.0, "decorrelation_lr": 3e-3},
    "dnp": {"method": "np", "lr": 1e-4, "readout_lr": 1e-2, "carry": 0.0, "decorrelation_lr": 3e-3},
    "danp": {"method": "anp", "perturb": "hidden", "readout_lr": 0.2, "carry": 0.9, "decorrelation_lr": 3e-3},
}
#: Credit over several steps: hidden neurons hear until their next perturbation what came of the last, and weights follow the sign of a
#: running mean. They know the noise that they were given (np); the readout learns from what reaches it.
OVER_TIME = {
    "lr": 1e-4, "readout_lr": 0.3, "samples": 16, "interval": 20, "carry": 1.0, "momentum": 0.95, "sign": True, "perturb": "hidden",
    "norm": "bounded", "average": 0.1,
}  # fmt: skip
DEFAULTS |= {f"{name}-over-time": DEFAULTS[name] | OVER_TIME for name in ("np", "anp", "dnp", "danp")}


def _named(name):
    def make(**options) -> Perturbation:
        for option in options:
            if option not in Perturbation._fields:
                raise InputError(f"{make.__name__} has no option {option}; {nearest(option, Perturbation._fields)}")
        return Perturbation(**{**DEFAULTS[name], **options})

    make.__name__ = make.__qualname__ = name.upper().replace("-", "_")
    make.__doc__ = f"`Perturbation` with the defaults of ``{name}``: {DEFAULTS[name]}."
    return make


WP, NP, ANP, NRL, OUA, DWP, DNP, DANP, NP_OVER_TIME, ANP_OVER_TIME, DNP_OVER_TIME, DANP_OVER_TIME = map(_named, DEFAULTS)

__all__ = [
    "ANP", "ANP_OVER_TIME", "DANP", "DANP_OVER_TIME", "DEFAULTS", "DNP", "DNP_OVER_TIME", "DWP", "GRADIENTS", "KINDS", "NP", "NP_OVER_TIME", "NRL", "OUA",
    "WP", "Gradient", "Learning", "Perturbation",
]  # fmt: skip
