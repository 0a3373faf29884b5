"""What happens on a chip, in words that counts and prices share: events, and the phases of learning in which they happen."""

from enum import StrEnum


class Event(StrEnum):
    """Something that a chip does and that costs energy or time."""

    MAC = "mac"  #: a weight times an input, added to a sum, in digital logic
    AC = "ac"  #: the same where the input is one bit: an addition
    ANALOG_READ = "analog_read"  #: one cell of an array read into its column
    DAC = "dac"  #: one number brought to one row
    ADC = "adc"  #: one column of one tile converted
    MULTIPLY = "multiply"  #: a product outside the array; a division counts as one
    ADD = "add"  #: a sum, difference or comparison outside the array
    NONLINEARITY = "nonlinearity"  #: a neuron's answer to its current; a function such as tanh or a square root
    REDUCTION = "reduction"  #: a number that enters a sum over a layer
    WEIGHT_READ = "weight_read"  #: a stored word read
    WEIGHT_WRITE = "weight_write"  #: a stored word changed
    PULSE = "pulse"  #: a pulse, or one programming, given to one device
    STATE_READ = "state_read"  #: a word of a neuron or a register read
    STATE_WRITE = "state_write"  #: the same written
    RANDOM_BIT = "random_bit"  #: one bit from a generator; a uniform number takes 16
    GAUSSIAN = "gaussian"  #: a normally distributed number
    SPIKE = "spike"  #: a number, or a spike, that a neuron sends on
    HOP = "hop"  #: such a message over one link between cores
    REWARD_BIT_LINK = "reward_bit_link"  #: one bit of the reward over one link between cores
    BARRIER = "barrier"  #: all cores wait for each other
    CYCLE = "cycle"  #: the clock of a chip that is on
    SECOND = "second"  #: a chip that is on, doing nothing


class Phase(StrEnum):
    """Why it happens."""

    CLEAN = "clean"  #: the pass without perturbation
    PERTURBED = "perturbed"  #: passes with it
    REWARD = "reward"  #: loss, broadcast
    UPDATE = "update"  #: what neurons and synapses do to learn; of reference gradients, the backward pass
    DECORRELATION = "decorrelation"
    IDLE = "idle"  #: being on
