"""Quantization-aware fine-tuning: the integer model learns to answer as the float model and labels do.

Hinton, Vinyals, Dean: "Distilling the Knowledge in a Neural Network", 2015; Jacob et al., "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from edgec.ir import Graph
from edgec.options import Progress
from edgec.quant.learn.checkpoint import described, load_checkpoint, save_checkpoint
from edgec.quant.learn.exact import Held
from edgec.quant.learn.feed import Batch, Feed
from edgec.quant.learn.loss import Loss
from edgec.quant.learn.student import Student
from edgec.quant.learn.torch_graph import constants_of, fronts, run

_SETTLE = 0.5
"""From this share of the steps on, weights are drawn to their entries."""
_PULL = 0.02
"""The last proximal step's share of the way."""
_PATIENCE = 4
"""So many checks in a row that find the model worse than at the start, and getting no better, end the run."""
_KEEP = 20.0
"""Seconds between two checkpoints at most, as long as steps are shorter."""
_WARM = 0.05
"""Share of the steps in which the rate rises: the optimizer knows too little of gradients at first."""
_LAST_RATE = 0.05
"""What the rate falls to, as a part of its largest."""


@dataclass(frozen=True)
class Settings:
    """How to fine-tune.

    epochs: times that all data are gone through. batch: samples of a step, where the data do not say it.
    rate: how far a weight goes in a step at first, as a share of the distance between two weights of its
    form. loss: "classes" where outputs [1, n] are scores of classes, "values" where they are not. labels:
    share of the labels in what is learned, the rest is the float model's. temperature: by
    which scores are divided where they are compared with the float model's. checks: in an epoch. seed: of
    the order of samples.
    """

    epochs: int
    batch: int
    rate: float
    loss: Literal["classes", "values"]
    labels: float
    temperature: float
    checks: int
    seed: int


@dataclass(frozen=True)
class Check:
    """What a check found on the samples that it looks at. step: done by then. top1: None without labels."""

    step: int
    loss: float
    top1: float | None


class Tuner:
    """One run of fine-tuning.

    teacher: the float graph. student: starts as the quantized model. feed: to learn from. judge: to check
    with, in the order and names of the user's inputs as `feed` has them.
    """

    def __init__(
        self,
        teacher: Graph,
        student: Student,
        feed: Feed,
        judge: Sequence[Batch],
        settings: Settings,
        progress: Progress,
        resume: Path | None,
    ) -> None:
        self.teacher, self.student, self.feed = teacher, student, feed
        self.settings, self.progress, self.resume = settings, progress, resume
        self.known = constants_of(teacher)
        self.total = settings.epochs * feed.steps
        self.optimizer = torch.optim.Adam(student.steps(settings.rate))
        self.rates = [float(g["lr"]) for g in self.optimizer.param_groups]
        self.done, self.history, self.diverged = 0, list[Check](), ""
        self.best: dict[str, Tensor] = copy.deepcopy(student.state_dict())
        self.judged = [(b, self._inputs(b)) for b in judge]
        wanted = [self._taught(x) for _, x in self.judged]
        self.loss = Loss(teacher, [torch.cat(v) for v in zip(*wanted, strict=True)], settings)
        self.wanted = wanted
        self.about = described(teacher, student, asdict(settings) | {"steps": self.total})
        self.kept = time.monotonic()

    def run(self) -> None:
        """Learn; the student is then what was best. Raises Diagnostic E106 for another run's checkpoint."""
        if self.resume is not None and self.resume.exists():
            self._take_up(load_checkpoint(self.resume, self.about))
        else:
            self._check()
        try:
            while self.done < self.total and not self.diverged:
                self._epoch(self.done // self.feed.steps)
        except KeyboardInterrupt:
            if self.resume is not None and self.resume.exists():
                self.progress.warn(f"interrupted: the same call goes on from {self.resume}")
            raise
        if self.diverged:
            self.progress.warn(f"fine-tuning stopped at step {self.done} of {self.total}: {self.diverged}")
        self.student.load_state_dict(self.best)

    @property
    def best_check(self) -> Check:
        """The check that found least."""
        return min(self.history, key=lambda c: c.loss)

    def outputs(self, data: object) -> list[Held]:
        """The student's outputs for some inputs, [n, ...] without a batch axis of 1."""
        parts: list[list[Held]] = []
        with torch.no_grad():
            for batch in self.feed.like(data, "inputs").epoch(0, shuffled=False):
                parts.append(self.student.outputs(self._inputs(batch)))
        found = []
        for value, x in zip(self.teacher.outputs, zip(*parts, strict=True), strict=True):
            shape = self.teacher.type(value).shape
            own = shape[1:] if shape[:1] == (1,) else shape
            integers, real = np.concatenate([y.integers for y in x]), torch.cat([y.real for y in x])
            found.append(Held(integers.reshape(-1, *own), real.reshape(-1, *own)))
        return found

    # -- steps ------------------------------------------------------------

    def _epoch(self, number: int) -> None:
        self.progress.stage(f"epoch {number + 1} of {self.settings.epochs}")
        every = -(-self.feed.steps // self.settings.checks)
        with closing(self.feed.epoch(number)) as batches:
            for k, batch in enumerate(_exactly(batches, self.feed)):
                if k < self.done % self.feed.steps:
                    continue  # done before the checkpoint was written
                self._step(batch)
                last = k + 1 == self.feed.steps
                if not self.diverged and (last or (k + 1) % every == 0):
                    self._check()
                self._keep(last or bool(self.diverged))
                self.progress.step(k + 1, self.feed.steps)
                if self.diverged or last:
                    break
        self.progress.note(f"{_said(self.history[-1])}, best {_said(self.best_check)}")

    def _step(self, batch: Batch) -> None:
        share = self.done / self.total
        part = _LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * share)) / 2
        part *= min(1.0, (self.done + 1) / (_WARM * self.total))
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * part
        inputs = self._inputs(batch)
        got = [x.real for x in self.student(inputs)]
        loss = self.loss(got, self._taught(inputs), batch.labels)
        self.optimizer.zero_grad()
        if torch.isfinite(loss):
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.student.keep_apart()
            if share > _SETTLE:
                self.student.pull(_PULL * (share - _SETTLE) / (1 - _SETTLE))
        self.done += 1
        if not torch.isfinite(loss) or not self.student.is_finite():
            self.diverged = "the loss or a weight is no number any more; the best weights before are kept"

    def _check(self) -> None:
        """Look at the samples that are not learned from, and keep what is best."""
        total, count, right, labelled = 0.0, 0, 0, 0
        with torch.no_grad():
            for (batch, inputs), want in zip(self.judged, self.wanted, strict=True):
                got = [x.real for x in self.student(inputs)]
                total += float(self.loss(got, want, batch.labels)) * len(batch)
                count += len(batch)
                if batch.labels is not None and self.loss.scores is not None:
                    said = got[self.loss.scores].flatten(1).argmax(1).numpy()
                    right, labelled = right + int((said == batch.labels).sum()), labelled + len(batch)
        check = Check(self.done, total / count, right / labelled if labelled else None)
        if not self.history or check.loss < self.best_check.loss:
            self.best = copy.deepcopy(self.student.state_dict())
        self.history.append(check)
        self.progress.status(_said(check))
        late = self.history[1:][-_PATIENCE:]
        first = self.history[0].loss
        if len(late) == _PATIENCE and all(c.loss > first for c in late) and late[-1].loss >= late[0].loss:
            found = (
                f"{_PATIENCE} checks in a row found a loss above that of the start, {first:.4g}, and rising"
            )
            self.diverged = f"{found}; the best weights are kept; a smaller rate may help"

    # -- what goes in -----------------------------------------------------

    def _inputs(self, batch: Batch) -> dict[str, Tensor]:
        """A batch as the graph takes it, [samples, *shape]."""
        found: dict[str, Tensor] = {}
        for value, x in batch.inputs.items():
            perm, shape = self.teacher.input_perms.get(value), self.teacher.type(value).shape
            own = tuple(shape) if perm is None else tuple(shape[perm.index(k)] for k in range(len(perm)))
            whole = x.reshape(len(x), *own)
            if perm is not None:
                whole = whole.transpose(0, *(p + 1 for p in perm))
            found[value] = torch.from_numpy(np.ascontiguousarray(whole))
        return found

    def _taught(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        with torch.no_grad():
            return run(self.teacher, inputs, self.known, fronts(self.teacher))

    # -- the checkpoint ---------------------------------------------------

    def _keep(self, now: bool) -> None:
        """Write the checkpoint, if it is time."""
        if self.resume is None or not (now or time.monotonic() - self.kept > _KEEP):
            return
        save_checkpoint(
            self.resume,
            {
                "about": self.about,
                "done": self.done,
                "student": self.student.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "best": self.best,
                "history": [(c.step, c.loss, c.top1) for c in self.history],
                "diverged": self.diverged,
            },
        )
        self.kept = time.monotonic()

    def _take_up(self, state: Mapping[str, Any]) -> None:
        self.student.load_state_dict(state["student"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.done, self.diverged = state["best"], state["done"], state["diverged"]
        self.history = [Check(*c) for c in state["history"]]
        self.progress.note(f"goes on from {self.resume}, step {self.done} of {self.total}")


def _exactly(batches: Iterator[Batch], feed: Feed) -> Iterator[Batch]:
    """The batches; the data must give as many in every epoch as in the first."""
    count = 0
    for batch in batches:
        count += 1
        yield batch
    if count < feed.steps:
        raise feed.short(count)


def _said(check: Check) -> str:
    top1 = "" if check.top1 is None else f", top-1 {check.top1:.2%}"
    return f"step {check.step}: loss {check.loss:.4g}{top1}"
