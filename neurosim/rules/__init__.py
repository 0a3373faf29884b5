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


def _named(name):
    def make(**options) -> Perturbation:
        for option in options:
            if option not in Perturbation._fields:
                raise InputError(f"{name.upper()} has no option {option}; {nearest(option, Perturbation._fields)}")
        return Perturbation(**{**DEFAULTS[name], **options})

    make.__name__ = make.__qualname__ = name.upper()
    make.__doc__ = f"`Perturbation` with the defaults of ``{name}``: {DEFAULTS[name]}."
    return make


WP, NP, ANP, NRL, OUA, DWP, DNP, DANP = (_named(name) for name in DEFAULTS)

__all__ = ["ANP", "DANP", "DEFAULTS", "DNP", "DWP", "GRADIENTS", "KINDS", "NP", "NRL", "OUA", "WP", "Gradient", "Learning", "Perturbation"]
