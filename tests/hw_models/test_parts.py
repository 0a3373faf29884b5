"""Parts are built from tables, checked against their stated ranges, and explained from their docstrings."""

import math
from typing import Annotated, Literal, NamedTuple

import pytest

from hw_models.parts import Bits, InputError, Range, bits, build, check, describe, fields


class Gadget(NamedTuple):
    """Something with one field of every kind.

    Parameters
    ----------
    gain : float, V
        How strongly it answers,
        on two lines.
    levels : int, level
        How many.
    mode : "soft" or "hard"
        Which way.
    on : bool
        Whether at all.

    References
    ----------
    None : of this is real.
    """

    levels: Annotated[int, Range("level", 1, 16)]
    gain: Annotated[float, Range("V", 0.0, open_low=True)] = 1.0
    mode: Literal["soft", "hard"] = "soft"
    on: bool = True


def test_build_takes_what_the_table_says_and_defaults_for_the_rest():
    assert build(Gadget, {"levels": 4, "mode": "hard"}, "x") == Gadget(4, 1.0, "hard", True)


def test_a_whole_number_may_stand_for_a_float():
    gadget = build(Gadget, {"levels": 4, "gain": 2}, "x")
    assert gadget.gain == 2.0 and type(gadget.gain) is float


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"levels": 4, "gian": 2.0},
            r'^chip\.gadget\.gian is not a field of Gadget; did you mean "gain"\? Known: levels, gain, mode, on\.$',
        ),
        ({}, r"^chip\.gadget\.levels must be given; Gadget has no default for it\.$"),
        ({"levels": 17}, r"^chip\.gadget\.levels must be a whole number from 1 to 16 \(level\), got 17\.$"),
        ({"levels": 0}, r"levels must be a whole number from 1 to 16 \(level\), got 0\.$"),
        ({"levels": 4.5}, r"levels must be a whole number from 1 to 16 \(level\), got 4\.5\.$"),
        ({"levels": "4"}, r"levels must be a whole number .* got '4'\.$"),
        ({"levels": True}, r"levels must be a whole number .* got True\.$"),
        ({"levels": 4, "gain": 0.0}, r"^chip\.gadget\.gain must be a number greater than 0 \(V\), got 0\.0\.$"),
        ({"levels": 4, "gain": "1"}, r"gain must be a number greater than 0 \(V\), got '1'\.$"),
        ({"levels": 4, "gain": True}, r"gain must be a number greater than 0 \(V\), got True\.$"),
        ({"levels": 4, "gain": math.nan}, r"gain must be a number greater than 0 \(V\), got nan\.$"),
        ({"levels": 4, "gain": math.inf}, r"gain must be a number greater than 0 \(V\), got inf\.$"),
        ({"levels": 4, "gain": None}, r"gain must be a number greater than 0 \(V\), got None\.$"),
        ({"levels": 4, "mode": "sofft"}, r'^chip\.gadget\.mode must be one of "soft", "hard", got \'sofft\'\.$'),
        ({"levels": 4, "mode": 1}, r'mode must be one of "soft", "hard", got 1\.$'),
        ({"levels": 4, "on": 1}, r"^chip\.gadget\.on must be true or false, got 1\.$"),
    ],
)
def test_build_refuses_in_one_sentence(table, message):
    with pytest.raises(InputError, match=message):
        build(Gadget, table, "chip.gadget")


@pytest.mark.parametrize(
    ("gadget", "message"),
    [
        (Gadget(99), r"^Gadget\.levels must be a whole number from 1 to 16 \(level\), got 99\.$"),
        (Gadget(4.5), r"^Gadget\.levels must be .* got 4\.5\.$"),
        (Gadget("4"), r"^Gadget\.levels must be .* got '4'\.$"),
        (Gadget("four"), r"^Gadget\.levels must be .* got 'four'\.$"),
        (Gadget(math.nan), r"^Gadget\.levels must be .* got nan\.$"),
        (Gadget(True), r"^Gadget\.levels must be .* got True\.$"),
        (Gadget(4, -1.0), r"^Gadget\.gain must be a number greater than 0 \(V\), got -1\.0\.$"),
        (Gadget(4, math.nan), r"^Gadget\.gain must be .* got nan\.$"),
        (Gadget(4, "1"), r"^Gadget\.gain must be .* got '1'\.$"),
        (Gadget(4, True), r"^Gadget\.gain must be .* got True\.$"),
        (Gadget(4, None), r"^Gadget\.gain must be .* got None\.$"),
        (Gadget(4, 1.0, "medium"), r'^Gadget\.mode must be one of "soft", "hard", got \'medium\'\.$'),
    ],
)
def test_a_part_made_by_hand_is_checked_like_one_from_a_table(gadget, message):
    with pytest.raises(InputError, match=message):
        check(gadget)


def test_check_hands_the_part_back():
    gadget = Gadget(16, 1e-9)
    assert check(gadget) is gadget


class Careful(NamedTuple):
    low: float = 0.0
    high: float = 1.0

    def validate(self):
        if self.low >= self.high:
            raise InputError("low must be below high.")


def test_a_part_can_check_its_fields_together():
    assert check(Careful()) == Careful()
    with pytest.raises(InputError, match="low must be below high"):
        build(Careful, {"low": 2.0}, "x")


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (Range(), "a finite number"),
        (Range(low=0.0), "at least 0"),
        (Range(low=0.0, open_low=True), "greater than 0"),
        (Range(high=2.5), "at most 2.5"),
        (Range(low=0.0, high=1.0), "from 0 to 1"),
        (Range(low=0.0, high=1.0, open_low=True), "above 0 up to 1"),
    ],
)
def test_a_range_says_in_words_what_it_admits(span, text):
    assert str(span) == text


@pytest.mark.parametrize(
    ("value", "closed", "opened"),
    [(-0.1, False, False), (0.0, True, False), (1.0, True, True), (1.1, False, False), (math.nan, False, False)],
)
def test_a_range_admits_its_ends_unless_they_are_open(value, closed, opened):
    assert Range(low=0.0, high=1.0).admits(value) == closed
    assert Range(low=0.0, high=1.0, open_low=True).admits(value) == opened


def test_fields_take_meanings_from_the_docstring_and_units_from_the_range():
    known = fields(Gadget)
    assert list(known) == ["levels", "gain", "mode", "on"]
    assert known["gain"].meaning == "How strongly it answers, on two lines."
    assert known["on"].meaning == "Whether at all."
    assert known["gain"].range.unit == "V" and known["gain"].default == 1.0 and known["levels"].default is None
    assert describe(Gadget(4))[0] == ("levels", 4, "level", "How many.")


class Counted(NamedTuple):
    w: Annotated[float, Bits(16)]
    e: Annotated[float, Bits(8)]


class Uncounted(NamedTuple):
    w: Annotated[float, Bits(16)]
    e: float


def test_bits_counts_a_record_and_refuses_one_without_a_width():
    assert bits(Counted) == {"w": 16, "e": 8}
    with pytest.raises(InputError, match=r"^Uncounted\.e does not state its width; write it as e: Annotated\[float, Bits\(16\)\]"):
        bits(Uncounted)
