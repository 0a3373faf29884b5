"""Environments of Gymnasium, as a network meets them."""

import gymnasium
import numpy as np
import pytest

import neurosim as ns
from hw_models.parts import InputError
from neurosim import config, tasks
from neurosim.tasks import Gym, World
from neurosim.tasks.environment import GymEnvironment


def test_cart_pole_is_what_gymnasium_makes():
    world = Gym().load(0)
    assert (world.inputs, world.outputs, world.longest, world.episodes) == (4, 2, 500, 40) and Gym().name == "gym:CartPole-v1"
    one, other = world.open(), gymnasium.make("CartPole-v1")
    seen, (expected, _) = one.reset(7), other.reset(seed=7)
    bounds = np.array([4.8, 1.0, 0.41887903, 1.0])  # velocities have none
    for n in range(30):
        np.testing.assert_allclose(seen, expected / bounds, rtol=1e-6)
        action = n % 3 == 0
        seen, reward, ended = one.step(np.array([0.2, 0.3 if action else 0.1]))
        expected, its_reward, terminated, truncated, _ = other.step(int(action))
        assert (reward, ended) == (its_reward, terminated or truncated)
        if ended:
            break
    assert ended and n > 5


def test_choices_are_rows_of_zeros_with_a_one_and_actions_that_are_numbers_span_their_range():
    lake = Gym(id="FrozenLake-v1").load(0)
    assert (lake.inputs, lake.outputs, lake.longest) == (16, 4, 100)
    np.testing.assert_array_equal(lake.open().reset(0), np.eye(16)[0])
    pendulum = GymEnvironment(gymnasium.make("Pendulum-v1"))
    given = []
    pendulum.env = type("Recorder", (), {"step": lambda self, action: given.append(action.copy()) or (np.zeros(3), 0.0, False, True, {})})()
    for y, torque in ((0.25, 0.5), (-3.0, -2.0), (1.0, 2.0)):
        assert pendulum.step(np.array([y]))[2]
        assert given[-1] == pytest.approx(torque)


def test_a_fall_takes_a_penalty_off_and_the_end_of_time_does_not():
    pole = Gym(penalty=3.0).load(0).open()
    pole.reset(0)
    rewards, ended = [], False
    while not ended:
        _, reward, ended = pole.step(np.array([1.0, 0.0]))
        rewards.append(reward)
    assert rewards == [1.0] * (len(rewards) - 1) + [-2.0]
    pendulum = Gym(id="Pendulum-v1", penalty=1000.0).load(0).open()
    pendulum.reset(0)
    assert min(pendulum.step(np.array([0.0]))[1] for _ in range(200)) > -20


def test_options_reach_the_environment_and_a_limit_of_ones_own_holds():
    plain, punished = (Gym(longest=7, options=options).load(0) for options in ({}, {"sutton_barto_reward": True}))
    assert plain.longest == 7 and plain.name != punished.name
    environment = punished.open()
    environment.reset(0)
    steps = []
    while not steps or not steps[-1][1]:
        steps.append(environment.step(np.array([1.0, 0.0]))[1:])
    assert [reward for reward, _ in steps] == [0.0] * (len(steps) - 1) + [-1.0] and len(steps) > 5


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Gym(id="CartPole-v7"), r'no environment "CartPole-v7"; did you mean "CartPole-v1"\?'),
        (Gym(options={"speed": 3}), r"gym:CartPole-v1 cannot be made with the options \{'speed': 3\}: .*speed"),
    ],
)
def test_what_cannot_be_made_is_said(task, message):
    with pytest.raises(InputError, match=message):
        task.load(0)


def test_an_experiment_names_its_environment():
    table = config.assemble(None, [("--task", "task.name", "gym:CartPole-v1"), config.assignment("task.episodes=8")], {
        **config.SHOWCASE, "rule": {"name": "np", "passes": "noisy"}, "chip": {"name": "ideal"}, "train": {"epochs": 1},
    })  # fmt: skip
    plan = config.plan(table)
    assert isinstance(plan.dataset, World) and tasks.widths(plan.dataset) == (
        plan.experiment.network.inputs,
        plan.experiment.network.outputs,
    )
    assert plan.experiment.task == Gym(episodes=8)
    assert config.plan(config.to_table(plan.experiment)).experiment == plan.experiment


@pytest.mark.parametrize(
    ("rule", "batch", "message"),
    [
        (ns.rules.ANP(), 1, r"cannot be cloned, so that only one pass can act in it, but rule anp"),
        (ns.rules.Gradient("bptt"), 1, r"gym:CartPole-v1 gives rewards and no errors, which rule bptt needs"),
        (ns.rules.NRL(), 7, r"40 episodes an epoch cannot be run 7 at a time"),
    ],
)
def test_what_cannot_learn_from_a_reward_alone_is_refused(rule, batch, message):
    with pytest.raises(InputError, match=message):
        ns.train(ns.Network(4, 5, 2), Gym(), rule, batch=batch)
