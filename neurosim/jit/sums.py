"""One sum whose order is the same on every machine, in plain Python and compiled."""

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from neurosim.jit.functions import twin

LANES = 32


@intrinsic
def _dot_in_lanes(typing, u, v):
    """Inner product of two rows in LANES partial sums, written as vector instructions.

    A compiler may not vectorise a sum, for it would change its order; here the order is stated (26 against 73 us for 500 x 500).
    """

    def codegen(context, builder, signature, args):
        width, number = 8, context.get_value_type(signature.return_type)
        vector, count = ir.VectorType(number, width), LANES // 8
        zero = ir.Constant(vector, [0.0] * width)
        rows = [context.make_array(kind)(context, builder, arg) for kind, arg in zip(signature.args, args, strict=True)]
        n = builder.extract_value(rows[0].shape, 0)
        whole = builder.and_(n, ir.Constant(n.type, -LANES))

        def load(row, offset):
            loaded = builder.load(builder.bitcast(builder.gep(row.data, [offset]), vector.as_pointer()))
            loaded.align = context.get_abi_sizeof(number)
            return loaded

        def add(total, offset):
            builder.store(builder.fadd(builder.load(total), builder.fmul(load(rows[0], offset), load(rows[1], offset))), total)

        partial = [cgutils.alloca_once_value(builder, zero) for _ in range(count)]
        with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES)) as (i, _):
            for k, total in enumerate(partial):
                add(total, builder.add(i, i.type(k * width)))
        for k, total in enumerate(partial):  # what is left of the rows, vector by vector, each to its own lanes
            offset = builder.add(whole, n.type(k * width))
            with builder.if_then(builder.icmp_signed("<=", builder.add(offset, n.type(width)), n)):
                add(total, offset)
        lanes = cgutils.alloca_once(builder, ir.ArrayType(vector, count))
        for k, total in enumerate(partial):
            builder.store(builder.load(total), cgutils.gep_inbounds(builder, lanes, 0, k))
        first = builder.bitcast(lanes, number.as_pointer())
        with cgutils.for_range_slice(builder, builder.and_(n, ir.Constant(n.type, -width)), n, n.type(1)) as (i, _):  # and number by number
            place = builder.gep(first, [builder.sub(i, whole)])
            product = builder.fmul(*[builder.load(builder.gep(row.data, [i])) for row in rows])
            builder.store(builder.fadd(builder.load(place), product), place)
        sums = [builder.load(cgutils.gep_inbounds(builder, lanes, 0, k)) for k in range(count)]
        while len(sums) > 1:
            half = len(sums) // 2
            sums = [builder.fadd(a, b) for a, b in zip(sums[:half], sums[half:], strict=True)]
        total = sums[0]
        while width > 1:
            width //= 2
            low, high = (ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(k, k + width))) for k in (0, width))
            total = builder.fadd(builder.shuffle_vector(total, total, low), builder.shuffle_vector(total, total, high))
        return builder.extract_element(total, ir.IntType(32)(0))

    return u.dtype(u, v), codegen


def _dot(u, v):
    return _dot_in_lanes(u, v)  # pyright: ignore[reportCallIssue]: the compiler passes the typing context


@twin(_dot)
def dot(u, v):
    """Inner product of two contiguous rows: LANES partial sums, each number to the lane of its place, which are then halved until one is left."""
    lanes = [u.dtype.type(0)] * LANES
    for i in range(u.shape[0]):
        lanes[i % LANES] += u[i] * v[i]
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [a + b for a, b in zip(lanes[:half], lanes[half:], strict=True)]
    return lanes[0]
