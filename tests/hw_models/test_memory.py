"""What a chip has room for."""

from hw_models import Limited, Unlimited


def test_limited_memory_has_room_by_place():
    memory = Limited(synapse_bits=3, neuron_bits=40)
    assert (memory.room("synapse"), memory.room("neuron")) == (3, 40)


def test_unlimited_memory_has_no_limit():
    assert Unlimited().room("synapse") is None and Unlimited().room("neuron") is None
