"""What is minimised."""

from typing import NamedTuple


class SquaredError(NamedTuple):
    """Squared error of one output, ``(y - target)**2``."""

    def value(self, y, target):
        return (y - target) * (y - target)

    def change(self, y, dy, target):
        return dy * (dy + 2.0 * (y - target))

    def slope(self, y, target):
        return 2.0 * (y - target)


class Given(NamedTuple):
    """What an environment says of a step, handed in as the target whatever the output was."""

    def value(self, y, target):
        return target

    def change(self, y, dy, target):
        return target - target

    def slope(self, y, target):
        return target - target
