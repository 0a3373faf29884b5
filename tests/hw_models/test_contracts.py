"""A class is compared with its protocol before anything else looks at it."""

from typing import NamedTuple

import pytest

from hw_models import ALL_CELLS, InputError
from hw_models.contracts import check_methods, where
from hw_models.protocols import Cell, Converter


class Nameless(NamedTuple):
    def konvert(self, x, u):
        return x


class Reordered(NamedTuple):
    def convert(self, u, x):
        return x


class Static(NamedTuple):
    @staticmethod
    def convert(self, x, u):
        return x


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (
            Nameless,
            r"^test_contracts\.py:\d+: Nameless has no method convert\(x, u\), which every Converter needs; .*Known: konvert\.$",
        ),
        (
            Reordered,
            rf"^test_contracts\.py:{Reordered.convert.__code__.co_firstlineno}: Reordered\.convert takes \(u, x\), but .* takes \(x, u\)",
        ),
        (Static, r"^test_contracts\.py:\d+: Static\.convert must be a plain method, got staticmethod\.$"),
    ],
)
def test_a_broken_method_is_refused_before_it_is_compiled(cls, message):
    with pytest.raises(InputError, match=message):
        check_methods(cls, Converter)


def test_an_optional_method_may_be_missing():
    for kind in ALL_CELLS.values():
        check_methods(kind, Cell)


def test_a_place_is_file_and_line_or_the_name_where_there_is_no_source():
    assert where(Reordered.convert) == f"test_contracts.py:{Reordered.convert.__code__.co_firstlineno}"
    assert where(len) == "len"
