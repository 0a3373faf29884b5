"""How the functions of a loop become one: each is linked as it is into its callers, and only what Python calls is optimised and made machine code.

By itself Numba optimises a function with all that it calls, and makes machine code of it, before another one may call it: every function is
worked on again at each level of calls above it. Of a loop of 190 functions that is half of the time that it takes to compile
(`benchmarks/compile_time.py`), and a larger kernel. Types and the code before optimisation are the same, and so are the bits of a run.
"""

import uuid

from numba import _dynfunc  # pyright: ignore[reportAttributeAccessIssue]
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class Linked(JITCodeLibrary):
    """Code that others call and Python does not."""

    environment = ("", None)  #: what Numba keeps for a function, such as the arguments of an error, by the name of the pointer to it

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class ToBeLinked(NativeLowering):
    """Lower a function as Numba does, into a library that is only linked."""

    _name = "lowering_to_be_linked"

    def run_pass(self, state):
        state.library = library = Linked(state.targetctx.codegen(), state.func_id.func_qualname)
        # Numba counts functions from 1 in every process, so that a kept kernel could hold another one under the name of this one
        state.func_id.unique_id = f"{state.func_id.unique_id}x{uuid.uuid4().hex[:12]}"
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        library.environment = (state.targetctx.get_env_name(lowered.fndesc), lowered.env)
        name = lowered.fndesc.qualname.rsplit(".", 1)[-1]
        # Numba knows a function by what Python would call, which nobody does
        known = _dynfunc.make_function(lowered.fndesc.lookup_module(), name, "linked only", 0, lowered.env, (library,))
        state.targetctx.insert_user_function(known, lowered.fndesc, [library])
        state.reload_init.extend(getattr(library, "_reload_init", ()))  # older ones have none
        state["cr"] = lowered._replace(cfunc=known)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class WithAllThatIsLinked(NativeLowering):
    """Lower a function as Numba does, and point the functions in it to what is kept for them, now that they have a place in memory."""

    _name = "lowering_with_all_that_is_linked"

    def run_pass(self, state):
        super().run_pass(state)
        codegen, found, left = state.library.codegen, set(), [state.library]
        while left:
            inner = set(left.pop()._linking_libraries) - found
            found |= inner
            left += inner
        for name, environment in (library.environment for library in found if isinstance(library, Linked)):
            if codegen._engine.get_global_value_address(name):
                codegen.set_env(name, environment)
        return True


class Inner(Compiler):
    """Numba's compiler for functions that only compiled code calls."""

    lowering = ToBeLinked

    def define_pipelines(self):
        managers = super().define_pipelines()
        for manager in managers:
            manager.passes = [(self.lowering if step is NativeLowering else step, why) for step, why in manager.passes]
            manager.finalize()
        return managers


class Outer(Inner):
    """And for those that Python calls."""

    lowering = WithAllThatIsLinked
