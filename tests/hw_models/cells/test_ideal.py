"""The ideal cell keeps every number."""

from hypothesis import given
from hypothesis.strategies import floats

from hw_models import Ideal
from hw_models.cells.ideal import Stored

finite = floats(-1e30, 1e30)


@given(finite, finite)
def test_it_adds_what_is_asked_without_bounds(w, dw):
    cell = Ideal()
    s = cell.program(cell.make(()), w, 0.0, ())
    assert cell.read(s, ()) == w
    assert cell.write(s, dw, 0.0, ()) == (Stored(w + dw), 1.0)
