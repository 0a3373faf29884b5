"""``python -m neurosim`` is ``neurosim``."""

from neurosim.cli import main

main()
