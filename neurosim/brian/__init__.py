"""An independent simulator as the judge: networks as Brian2 scripts, and how far the two simulators part."""

from neurosim.brian.report import Case, Report
from neurosim.brian.script import DEVICES, Script, load, script
from neurosim.brian.validate import compare, read

__all__ = ["DEVICES", "Case", "Report", "Script", "compare", "load", "read", "script"]
