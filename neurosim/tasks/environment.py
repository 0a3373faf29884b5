"""Environments: a world that answers to what the network does, so that a reward is all there is to learn from."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hw_models.parts import InputError, Range, nearest

UNBOUNDED = 1e6  # an observation whose bound lies beyond is taken as it is


class Environment(Protocol):
    """A world for one network. It cannot be cloned, so that only one pass can act in it."""

    def reset(self, seed: int) -> NDArray: ...  # -> observation             a new episode
    def step(self, y: NDArray) -> tuple[NDArray, float, bool]: ...  # -> observation, reward, whether the episode has ended


class World(NamedTuple):
    """What a task with an environment loads, in place of a `Dataset`.

    Parameters
    ----------
    name : str
        By which the run knows it again.
    open : callable
        Makes an `Environment`; several are run side by side.
    inputs, outputs : int
        Length of an observation, and of what the network answers.
    longest : int, steps
        After which an episode ends whatever happens.
    episodes : int
        Episodes of an epoch of learning.
    tests : int
        Episodes that are averaged for validation, and as many others for test; there the network is not perturbed.
    unit : str
        What the reported loss is measured in.
    """

    name: str
    open: Callable[[], Environment]
    inputs: int
    outputs: int
    longest: int
    episodes: int = 20
    tests: int = 20
    unit: str = "minus the mean return of an episode"

    classes, step_s = False, 0.0  # as of a `Dataset`: there is no share of right answers, and a step has no length


class Gym(NamedTuple):
    """An environment of Gymnasium, named as gym:CartPole-v1.

    Observations are divided by their bounds where they have any. The largest output chooses one of several actions; where actions are
    numbers, outputs of -1 to 1 span their range.

    Parameters
    ----------
    id : str
        As in ``gymnasium.make``.
    episodes : int
        Episodes of an epoch of learning.
    tests : int
        Episodes that validation and test are each averaged over.
    longest : int, steps
        After which an episode ends; 0 is the environment's own limit.
    penalty : float
        Taken off the reward if an episode ends before its limit, so that a fall is heard of.
    options : table
        Further arguments of ``gymnasium.make``, such as ``{ sutton_barto_reward = true }``.

    References
    ----------
    Towers et al. 2024, "Gymnasium: A Standard Interface for Reinforcement Learning Environments", arXiv:2407.17032.
    """

    id: str = "CartPole-v1"
    episodes: Annotated[int, Range("", 1)] = 40
    tests: Annotated[int, Range("", 1)] = 20
    longest: Annotated[int, Range("steps", 0)] = 0
    penalty: Annotated[float, Range("reward", 0.0)] = 0.0
    options: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The name by which it is chosen."""
        return f"gym:{self.id}"

    def load(self, seed: int) -> World:
        """The world; the seed changes nothing, since every episode has one of its own."""
        one = self._open()
        limit = self.longest or getattr(one.env.spec, "max_episode_steps", None)
        if not limit:
            raise InputError(f"{self.name} has no limit of its own for the length of an episode; give one as task.longest.")
        name = f"{self.name} {self.penalty} {sorted(self.options.items())}"
        return World(name, self._open, one.inputs, one.outputs, limit, self.episodes, self.tests)

    def _open(self) -> "GymEnvironment":
        try:
            import gymnasium
        except ImportError:
            raise InputError(f'{self.name} needs the package gymnasium; install it with pip install "neurosim-hw[gym]".') from None
        if self.id not in gymnasium.registry:
            raise InputError(f'Gymnasium has no environment "{self.id}"; {nearest(self.id, _families(gymnasium.registry))}')
        try:
            return GymEnvironment(gymnasium.make(self.id, **self.options), self.penalty)
        except (gymnasium.error.Error, ImportError, TypeError) as error:
            raise InputError(f"{self.name} cannot be made with the options {self.options}: {error}.") from error


class GymEnvironment:
    """A Gymnasium environment as networks meet it: rows of numbers in and out."""

    def __init__(self, env: Any, penalty: float = 0.0):
        from gymnasium.spaces import Box, Discrete

        known: Any = (Box, Discrete)
        seen, acts = env.observation_space, env.action_space
        self.env, self.penalty = env, penalty
        if not (isinstance(seen, known) and isinstance(acts, known)):
            raise InputError(f"{env.spec.id} has observations {seen} and actions {acts}; a network takes boxes of numbers or choices.")
        self.choices, self.actions = int(getattr(seen, "n", 0)), int(getattr(acts, "n", 0))
        self.first = int(getattr(acts, "start", 0))
        self.inputs = self.choices or int(np.prod(seen.shape))
        self.outputs = self.actions or int(np.prod(acts.shape))
        if not self.choices:
            bound = np.maximum(abs(seen.low), abs(seen.high)).astype(float).ravel()
            self.scale = np.where((bound > 0) & (bound < UNBOUNDED), bound, 1.0)
        if not self.actions:
            self.middle, self.half = (acts.high + acts.low) / 2, (acts.high - acts.low) / 2

    def reset(self, seed: int) -> NDArray:
        return self._seen(self.env.reset(seed=seed)[0])

    def step(self, y: NDArray) -> tuple[NDArray, float, bool]:
        action = self.first + int(np.argmax(y)) if self.actions else self.middle + self.half * np.clip(y, -1, 1).reshape(self.middle.shape)
        observation, reward, ended, cut, _ = self.env.step(action)
        return self._seen(observation), float(reward) - self.penalty * bool(ended), bool(ended or cut)

    def _seen(self, observation) -> NDArray:
        if self.choices:
            return np.eye(self.choices)[int(observation)]
        return np.asarray(observation, float).ravel() / self.scale


def _families(registry) -> list[str]:
    """The newest of each family of names such as CartPole-v0, CartPole-v1; those that need further packages too."""
    newest = {}
    for name in registry:
        newest[name.rpartition("-v")[0]] = name
    return list(newest.values())
