"""Weights learned from samples: each layer's in its form, so that the network computes what it did in float.

First block by block (edgec/quant/learn/blocks.py): the weights of a block, and its biases, such that the
values that leave it are those of the float network, while it reads what the blocks before it now compute. It
starts from the weights that suit that, found without gradients (edgec/quant/learn/descend.py). With blocks of
one layer and int8 that is learned rounding (Nagel et al., "Up or Down?", ICML 2020; here with straight
gradients), with blocks of several BRECQ (Li et al., ICLR 2021), whose Fisher information says which of the
values matter to the outputs. Then every weight has its entry; entries, scales and biases of all blocks are
learned together, against what leaves each block in float, which few samples tell much of; and against the
outputs. No labels are needed.

A part of the samples is not learned from; what is kept of every stage is what serves those best. Where
learning stands is kept in the cache (edgec/quant/learn/stand.py).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgec.ir import Graph, Node, Quant
from edgec.ops.base import call_of, op_of
from edgec.ops.forms import ATTRIBUTE, Form
from edgec.options import Progress
from edgec.quant.data import Samples
from edgec.quant.learn.blocks import entropy, leaving, partition
from edgec.quant.learn.coded import Coded
from edgec.quant.learn.descend import Inputs
from edgec.quant.learn.fisher import importance
from edgec.quant.learn.recipe import Recipe
from edgec.quant.learn.stand import Stand
from edgec.quant.learn.torch_graph import (
    PART,
    constants_of,
    fronts,
    in_parts,
    inputs_of,
    is_reached,
    one_thread,
    part_of,
    run,
)
from edgec.quant.moments import WIDEST

_ROOM = 1 << 28
"""Numbers that all blocks together are learned against, at most."""
_HELD = 5
"""One sample of so many is not learned from."""
_SETTLE = 0.5
"""From this share of the steps on, weights are drawn to their entries."""
_PULL = 0.02
"""The last proximal step's share of the way."""
_TINY = 1e-12
"""The least scale, and the least variance."""
_FAR, _TOGETHER, _LAST = 1.0, 0.1, 0.05
"""Distances of two entries that a weight may go in a block, an entry with all blocks, and at last.

Where it may go farther the more steps there are, few samples mislead it.
"""
_SEEN = 10**10
"""Multiply-accumulates that the moments of what a layer reads may take."""
_CHECKS = 8
"""How often what is not learned from is looked at, in a block."""
Tensors = Mapping[str, Tensor]


def learn(
    graph: Graph, forms: Mapping[str, str], samples: Samples, recipe: Recipe, progress: Progress
) -> Graph:
    """The float graph with weights that the forms hold, by node name; each states its format.

    samples: in the axis order of the graph's inputs. Where an op has no gradient, layers are learned by what
    is in front of it.
    """
    with one_thread():  # sums are the same on every machine then
        learner = _Learner(graph, forms, samples, recipe, progress)
        learner.in_blocks()
        learner.together()
        return learner.stored()


def coded_of(graph: Graph, node: Node, form: str) -> Coded:
    """The weights of a node as a form holds them, before anything is learned."""
    weights = graph.data(node.inputs[1])
    assert weights is not None
    rows = weights.reshape(len(weights), -1)
    scale = np.maximum(np.abs(rows).max(axis=1, initial=0.0) / 127, _TINY).astype(np.float32)
    return Coded(weights, scale, Form.parse(form))


class _Learner:
    def __init__(
        self,
        graph: Graph,
        forms: Mapping[str, str],
        samples: Samples,
        recipe: Recipe,
        progress: Progress,
    ) -> None:
        self.graph, self.recipe, self.progress = graph, recipe, progress
        self.stand = Stand(graph, forms, samples, recipe)
        self.inputs = inputs_of(graph, samples)
        self.done, self.total = 0, len(forms) * recipe.block_steps + recipe.steps
        self.constants = constants_of(graph)
        self.rng = torch.Generator().manual_seed(recipe.seed)
        self.count = count = len(next(iter(self.inputs.values())))
        held = np.zeros(count, bool)
        held[_HELD - 1 :: _HELD] = count >= 2 * _HELD
        self.held = torch.from_numpy(np.flatnonzero(held) if held.any() else np.arange(count))
        self.taught = torch.from_numpy(np.flatnonzero(~held))
        self.nodes = [n for n in graph.nodes() if n.name in forms]
        of = {(n.inputs[1], forms[n.name]): n for n in self.nodes}
        made = {key: coded_of(graph, n, forms[n.name]) for key, n in of.items()}
        self.coded = {n.name: made[n.inputs[1], forms[n.name]] for n in self.nodes}
        """Layers whose weights are in common have one of them."""
        self.others = {v: nn.Parameter(self.constants[v].clone()) for v in self._other_constants()}
        self.blocks = partition([n.name for n in self.nodes], self._entropies(), recipe.longest)
        self.at = 0
        """The stage that comes next."""
        self.settled = set[str | Coded]()
        """What blocks before have learned: theirs is not changed any more."""
        self.state = self.stand.load() or {"stage": 0, "step": 0}
        if "rng" in self.state:
            self._restore(self.state)

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name, module in self.coded.items():
            module.load_state_dict(state["coded"][name])
        with torch.no_grad():
            for name, p in self.others.items():
                p.copy_(state["others"][name])
        self.rng.set_state(state["rng"])

    def _save(self, stage: int, step: int, more: Mapping[str, Any]) -> None:
        """That so many stages are done, and so many steps of the next, of which `more` is known."""
        coded = {name: module.state_dict() for name, module in self.coded.items()}
        own = {"coded": coded, "others": dict(self.others), "rng": self.rng.get_state()}
        self.stand.save({"stage": stage, "step": step, **own, **more})

    def in_blocks(self) -> None:
        """Learn block by block."""
        start: Tensors = self.inputs
        have = start
        for block in self.blocks:
            ends = leaving(self.graph, block[-1])
            want = self._computed(start, ends, self.constants)
            matter = self._importance(want) if self.recipe.longest > 1 else {}
            self._teach(block, have, want, self.recipe.block_steps * len(block), _FAR, matter, start)
            start, have = want, self._computed(have, ends, self._held_constants(block))

    def together(self) -> None:
        """Learn entries, scales and biases of all blocks together, from what they have learned."""
        outputs = fronts(self.graph)
        ends = self._late([v for block in self.blocks for v in leaving(self.graph, block[-1])])
        self._together(list(dict.fromkeys([*ends, *outputs])), self.recipe.steps // 2, _TOGETHER)
        self._together(outputs, self.recipe.steps - self.recipe.steps // 2, _LAST)

    def _importance(self, values: Tensors) -> Tensors:
        return importance(self.graph, {v: x[self.taught] for v, x in values.items()}, self.constants)

    def _late(self, values: Sequence[str]) -> list[str]:
        """The last of the values, as many as there is room for."""
        sizes = [self.graph.type(v).size * self.count for v in values]
        room = np.cumsum(sizes[::-1])[::-1] <= _ROOM
        return [v for v, fits in zip(values, room, strict=True) if fits and v not in self.inputs]

    def _together(self, ends: Sequence[str], steps: int, far: float) -> None:
        """Learn all blocks."""
        self.settled.clear()
        want = self._computed(self.inputs, ends, self.constants)
        names = [n.name for n in self.nodes]
        self._teach(names, self.inputs, want, steps, far, {}, is_settled=True)

    # -- what is learned --------------------------------------------------

    def _other_constants(self) -> list[str]:
        """Biases, and what norms scale and shift by."""
        found = list[str]()
        for node in self.graph.nodes():
            roles = op_of(node).quantization(call_of(self.graph, node)).constants
            for k, v in enumerate(node.inputs):
                is_norm = node.op in ("layer_norm", "group_norm") and k > 0
                if self.graph.is_constant(v) and (roles.get(k) == "bias" or is_norm) and v not in found:
                    found.append(v)
        return found

    def _held_constants(self, block: Iterable[str]) -> dict[str, Tensor]:
        """All constants, those of the blocks that are learned as they are now."""
        now: dict[str, Tensor] = {**self.constants, **self.others}
        for name in block:
            now[self.graph.node(name).inputs[1]] = self.coded[name]()
        return now

    # -- learning ---------------------------------------------------------

    def _computed(self, have: Tensors, ends: Sequence[str], constants: Tensors) -> Tensors:
        count = len(next(iter(have.values())))
        with torch.no_grad():
            parts = [run(self.graph, part_of(have, p), constants, ends) for p in in_parts(count, PART)]
        return {v: torch.cat(x) for v, x in zip(ends, zip(*parts, strict=True), strict=True)}

    def _entropies(self) -> dict[str, float]:
        ends = [n.outputs[0] for n in self.nodes]
        some = part_of(self.inputs, slice(PART))
        values = self._computed(some, ends, self.constants)
        return {n.name: entropy(values[n.outputs[0]].numpy()) for n in self.nodes}

    def _teach(
        self,
        block: Sequence[str],
        have: Tensors,
        want: Tensors,
        steps: int,
        far: float,
        matter: Tensors,
        start: Tensors | None = None,
        is_settled: bool = False,
    ) -> None:
        """Change a block's parameters until what leaves it is what is wanted, from where learning stands.

        have: what it reads; in float that is `start`, which tells what weights to begin with. far: distances
        of two entries that weights may go. matter: weights of the errors of what is wanted. is_settled:
        whether every weight keeps its entry. What gradients do not reach is left out of what is wanted.
        """
        stage, self.at = self.at, self.at + 1
        ends = [v for v in want if v not in have and is_reached(self.graph, v)]
        modules = [m for m in dict.fromkeys(self.coded[n] for n in block) if m not in self.settled]
        names = [v for v in self._read_between(have, ends) if v not in self.settled]
        others = [self.others[v] for v in names]
        self.settled.update(modules, names)
        if stage < self.state["stage"] or not modules or not steps:
            self.done += steps
            return
        rate = min(self.recipe.rate, far / steps)
        groups = [g for m in modules for g in m.steps(rate, is_settled)]
        groups += [{"params": [p], "lr": rate * 0.1 * float(p.detach().abs().mean() + 1e-3)} for p in others]
        optimizer = torch.optim.Adam(groups)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: 1 - 0.9 * k / steps)
        power, one = {v: want[v].var().clamp_min(_TINY) for v in ends}, torch.ones(())

        def loss(pick: Tensor) -> Tensor:
            got = run(self.graph, part_of(have, pick), self._held_constants(block), ends)
            parts = [
                ((y - want[v][pick]) ** 2 * matter.get(v, one)).mean() / power[v]
                for v, y in zip(ends, got, strict=True)
            ]
            return torch.stack(parts).mean()

        if not ends or not loss(self.taught[:1]).requires_grad:
            self.done += steps
            return  # no gradient gets here: these are the nearest weights

        def judged() -> float:
            with torch.no_grad():
                parts = [loss(self.held[p]) * (p.stop - p.start) for p in in_parts(len(self.held), PART)]
            return float(torch.stack(parts).sum() / len(self.held))

        def state() -> tuple[list[dict[str, Any]], list[Tensor]]:
            return [copy.deepcopy(m.state_dict()) for m in modules], [p.detach().clone() for p in others]

        def put(state: tuple[list[dict[str, Any]], list[Tensor]]) -> None:
            for module, was in zip(modules, state[0], strict=True):
                module.load_state_dict(was)
            with torch.no_grad():
                for p, value in zip(others, state[1], strict=True):
                    p.copy_(value)

        def told() -> dict[str, Any]:
            return {
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "first": first,
                "best": best,
                "kept": kept,
            }

        if at := self.state["step"] if stage == self.state["stage"] else 0:
            optimizer.load_state_dict(self.state["optimizer"])
            schedule.load_state_dict(self.state["schedule"])
            first, best, kept = (self.state[x] for x in ("first", "best", "kept"))
            self.done += at
            self.progress.status(f"learning goes on at step {self.done:,} of {self.total:,}")
        else:
            best, kept = judged(), state()
            first = best
            if start is not None:
                self._descend([n for n in block if self.coded[n] in modules], names, start, have)
                if (now := judged()) < best:
                    best, kept = now, state()
                else:
                    put(kept)
        check = max(steps // _CHECKS, 1)
        for k in range(at, steps):
            pick = self.taught[
                torch.randint(
                    len(self.taught), (min(self.recipe.batch, len(self.taught)),), generator=self.rng
                )
            ]
            optimizer.zero_grad()
            loss(pick).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            if k >= _SETTLE * steps and not is_settled:
                for m in modules:
                    m.pull(_PULL * (k / steps - _SETTLE) / (1 - _SETTLE))
            if (k + 1) % check == 0 and (now := judged()) < best:
                best, kept = now, state()
            if (k + 1) % check == 0 and k + 1 < steps:
                self._save(stage, k + 1, told())
            self.done += 1
            self.progress.step(self.done, self.total)
        put(kept)
        self._save(stage + 1, 0, {})
        self.progress.status(f"{block[0]} to {block[-1]}: {first:.5f} -> {best:.5f}")

    def _descend(self, block: Sequence[str], free: Sequence[str], start: Tensors, have: Tensors) -> None:
        """Take weights that suit what their layers read now, one layer of a block after the other.

        free: other constants that may be changed.
        """
        for name in block:
            node = self.graph.node(name)
            x, weights = node.inputs[0], self.constants[node.inputs[1]]
            inputs = weights[0].numel()
            if inputs > WIDEST:
                continue
            work = self.graph.type(node.outputs[0]).size // len(weights) * inputs**2
            pick = self.taught[:: -(-len(self.taught) * work // _SEEN)]
            (before,) = self._computed(part_of(start, pick), [x], self.constants).values()
            (now,) = self._computed(part_of(have, pick), [x], self._held_constants(block)).values()
            bias = next((self.others[v] for v in node.inputs[2:] if v in free), None)
            pairs = ((a.numpy(), b.numpy()) for a, b in zip(before, now, strict=True))
            seen = Inputs.of(self.graph, node, pairs, bias is not None)
            flat = weights.reshape(len(weights), -1).numpy().astype(np.float64)
            module = self.coded[name]
            module.descend(seen.target(flat), seen.now.shrunk())
            if bias is not None:
                with torch.no_grad():
                    held = module().reshape(flat.shape).numpy()
                    bias.add_(torch.from_numpy(flat @ seen.before - held @ seen.now.mean))

    def _read_between(self, have: Tensors, ends: Sequence[str]) -> list[str]:
        seen = list[str]()

        def observe(node: Node, xs: object, y: Tensor) -> Tensor:
            seen.extend(v for v in node.inputs if v in self.others and v not in seen)
            return y

        with torch.no_grad():
            run(
                self.graph,
                part_of(have, slice(1)),
                {**self.constants, **self.others},
                ends,
                observe,
            )
        return seen

    # -- the result -------------------------------------------------------

    def stored(self) -> Graph:
        """The graph with what was learned."""
        made = self.graph.copy()
        with torch.no_grad():
            for node in self.nodes:
                name = node.inputs[1]
                q, scale = self.coded[node.name].stored()
                quant = Quant(tuple(scale.tolist()), (0,) * len(scale), 0)
                real = (q * scale.reshape(-1, *(1,) * (q.ndim - 1))).astype(np.float32)
                stated = made.add_constant(name, real, quant, made.type(name).layout)
                made.set_operand(made.node(node.name), 1, stated)
                if (form := self.coded[node.name].form) is not None:
                    made.node(node.name).attrs[ATTRIBUTE] = form.name
            for name, p in self.others.items():
                held = made.add_constant(name, p.detach().numpy().copy())
                for node, k in list(made.consumers(name)):
                    made.set_operand(node, k, held)
        made.prune()
        return made
