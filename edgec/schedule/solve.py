"""Exact placement by a constraint solver, where packing left a gap to the lower bound."""

from __future__ import annotations

from math import inf

from edgec.schedule.place import Layout, arena

UNIT = 4
"""Addresses and sizes are multiples of it."""
TIME = 0.3
"""The solver's deterministic time, which is about 2 seconds; less where there are many pairs."""
SHORT = 0.1
"""The same where a placement has to be smaller than another one."""
PAIRS = 1500


def improve(layout: Layout, addresses: list[int], bound: int, below: float = inf) -> tuple[list[int], int]:
    """A placement at least as good, and a lower bound for this order, at least as high as `bound`.

    Where the two meet the placement is proven the smallest. below: only one of fewer bytes is looked for. One
    worker, a fixed seed and deterministic time: equal problems have equal answers.
    """
    own = arena(layout, addresses)
    size = int(min(own, below))
    if size <= bound:
        return addresses, bound
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    top = model.new_int_var(bound // UNIT, size // UNIT - 1, "top")
    at = []
    for k, box in enumerate(layout.boxes):
        step = box.align // UNIT
        slot = model.new_int_var(0, max(0, (size - box.bytes) // box.align), f"a{k}")
        model.add_hint(slot, min(addresses[k], max(0, size - box.bytes)) // box.align)
        model.add(slot * step + box.bytes // UNIT <= top)
        at.append(slot * step)
    for a, y, lo, hi in layout.pairs:
        front = model.new_bool_var("")
        model.add(at[y] - at[a] <= lo // UNIT).only_enforce_if(front)
        model.add(at[y] - at[a] >= hi // UNIT).only_enforce_if(~front)
    model.minimize(top)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.linearization_level = 0
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.symmetry_level = 0
    most = SHORT if below < own else TIME
    solver.parameters.max_deterministic_time = most * min(1.0, PAIRS / max(1, len(layout.pairs)))
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return addresses, size
    found = max(bound, round(solver.best_objective_bound) * UNIT)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return [solver.value(slot) * UNIT for slot in at], found
    return addresses, found
