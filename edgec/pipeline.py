"""The ordered list of passes, each line with its reason, and how a model goes through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from edgec.diagnostics import Diagnostic
from edgec.ir import DType, Graph, TensorType
from edgec.ir.verify import verify
from edgec.ops.base import OpError, call_of, infer_types, op_of
from edgec.ops.dsp import densest
from edgec.ops.forms import INT8, Form
from edgec.options import BuildOptions, Progress
from edgec.passes.absorb_views import AbsorbViews
from edgec.passes.base import Changes, Pass
from edgec.passes.collapse_views import CollapseViews
from edgec.passes.find_activations import FindActivations
from edgec.passes.find_attention import FindAttention
from edgec.passes.find_group_norms import FindGroupNorms
from edgec.passes.find_linear import FindLinear
from edgec.passes.find_norms import FindNorms
from edgec.passes.find_softmax import FindSoftmax
from edgec.passes.fit_broadcasts import FitBroadcasts
from edgec.passes.fold_constants import FoldConstants
from edgec.passes.fold_pads import FoldPads
from edgec.passes.fold_permutations import FoldPermutations
from edgec.passes.fold_scales import FoldScales
from edgec.passes.fuse_activations import FuseActivations
from edgec.passes.fuse_affine import FuseAffine
from edgec.passes.layout import SolveLayout
from edgec.passes.lower_division import LowerDivision
from edgec.passes.lower_scales import LowerScales
from edgec.passes.merge_concats import MergeConcats
from edgec.passes.merge_equal import MergeEqual
from edgec.passes.merge_tables import MergeTables
from edgec.passes.remove_dead import RemoveDead
from edgec.passes.remove_dead_channels import RemoveDeadChannels
from edgec.passes.remove_identities import RemoveIdentities
from edgec.passes.share_weights import ShareWeights
from edgec.passes.simplify_arithmetic import SimplifyArithmetic
from edgec.passes.split_outputs import SplitOutputs
from edgec.prove import Inputs
from edgec.quant import snr
from edgec.quant.choose import Quantized, quantize_model
from edgec.quant.data import Samples, load_samples, random_samples
from edgec.quant.forms import every, has_weights, project_graph
from edgec.quant.low_rank import divisible, reduced
from edgec.quant.moments import moments_of
from edgec.quant.reorder import reorder
from edgec.quant.weigh_doubts import weighed
from edgec.report.schema import Accuracy, Dead, Weighing
from edgec.target import load_target

FLOAT_PASSES: tuple[Pass, ...] = (
    FoldConstants(),  # first: exporters compute masks, tables and shapes in the graph
    MergeEqual(),  # tied weights and repeated masks are one before anything looks at users
    RemoveIdentities(),
    SimplifyArithmetic(),  # one spelling of division, subtraction and powers for the patterns
    FindNorms(),
    FindGroupNorms(),
    FindSoftmax(),  # before activations, which are made of the same exponentials
    FindActivations(),
    FindLinear(),  # products with constants go, so that attention sees activations only
    FindAttention(),  # wants softmax to be found
    FoldScales(),  # batch norms that stand beside their weights already
    SolveLayout(),  # wants the fewest ops, and views to be views still
    SplitOutputs(),  # the five that use up chains of views, before the rest is copied:
    MergeConcats(),
    FoldPermutations(),
    AbsorbViews(),
    CollapseViews(),
    FoldScales(),  # again: now channels are last everywhere, and no view stands in between
    FoldPads(),  # wants [N,H,W,C]
    LowerDivision(),
    FuseAffine(),  # behind FoldScales: weights take a factor for nothing
    FuseActivations(),  # behind FoldScales: a clamp closes an op to scales
    MergeTables(),  # behind FuseActivations: a clamp in an op costs nothing
    LowerScales(),  # what had no weights to go into
    FitBroadcasts(),
    FoldConstants(),  # constants made above
    CollapseViews(),  # views made above
    MergeEqual(),
    RemoveDead(),
)
INTEGER_PASSES: tuple[Pass, ...] = (
    FoldConstants(),
    MergeEqual(),
    RemoveIdentities(),  # changes of format that change nothing
    SolveLayout(),  # files that were NCHW before they were TFLite
    MergeConcats(),
    FoldPermutations(),
    AbsorbViews(),
    CollapseViews(),
    FoldPads(),  # wants no view in between
    FuseActivations(),  # clamps in the format of the op before
    RemoveDeadChannels(),  # wants clamps and pads to be in their ops: a clamp makes channels constant
    FitBroadcasts(),
    CollapseViews(),  # views made above
    MergeEqual(),
    RemoveDead(),
    ShareWeights(),  # last: the layers that are left, with equal weights merged
)

LEAST, LEARN = 32, 1024
"""Samples from which weights are learned in fewer bits: as many at least, and at most."""
COSINE = 0.98
"""Below it the report names the layers where the integer model loses most."""


@dataclass
class Lowered:
    """An integer graph ready to be scheduled, and what lowering it told.

    samples: integer inputs worth proving the build with; empty where there was no data.
    whole: as it was with its dead channels, where they may have been left out: every output is the same.
    dead: what was left out. snr: signal-to-noise in dB by node name. narrow: where residual streams are
    int16, lowers the model with int8 streams, which take half the memory and keep less of it; its notes
    give both figures. real: the float graph that was quantized, None where there was none. weighing: what
    fewer bits for weights cost, where they have fewer than 8.
    """

    graph: Graph
    samples: list[Inputs] = field(default_factory=list)
    accuracy: Accuracy | None = None
    whole: Graph | None = None
    dead: Dead | None = None
    snr: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    narrow: Callable[[], Lowered] | None = None
    real: Real | None = None
    weighing: Weighing | None = None


@dataclass(frozen=True)
class Real:
    """A float graph to be quantized. model: the same at full rank. inputs: those of the user's model, in
    order. notes: what there is to say about it."""

    graph: Graph
    model: Graph
    inputs: Mapping[str, TensorType]
    notes: tuple[str, ...] = ()


def run_passes(graph: Graph, passes: Sequence[Pass]) -> list[tuple[str, Changes]]:
    """Run passes over a graph in place, verifying it after each; returns what each did.

    Raises GraphError, a bug in edgec, where a pass leaves a graph that does not hold.
    """
    done = []
    for p in passes:
        changes = p.run(graph)
        verify(graph, infer_types)
        done.append((type(p).__name__, changes))
    return done


def is_float(graph: Graph) -> bool:
    """Whether anything in the graph still is float."""
    values = [*graph.inputs, *graph.outputs, *(v for n in graph for v in n.outputs)]
    return any(graph.type(v).dtype == DType.F32 for v in values)


def lower(graph: Graph, options: BuildOptions, progress: Progress) -> Lowered:
    """A frontend's graph to an integer graph: passes, and quantization where it is float.

    Raises Diagnostic E104 for bad calibration data, E101 for options that are for float models.
    """
    graph.features = load_target(options.target).features
    if options.is_smallest:
        graph.features = densest(graph.features)
    if not is_float(graph):
        _refuse_float_only(options)
        lowered = Lowered(graph)
        _finish(lowered, options, options.weights)
        return lowered
    own_types = {v: graph.type(v) for v in graph.inputs}
    run_passes(graph, FLOAT_PASSES)
    samples = _samples(graph, own_types, options)
    smaller, told = _reduced(graph, samples, options, progress)
    form = Form.parse(options.weights)
    if form is not None and form.share and (layers := reorder(smaller)):
        told.append(f"outputs of {len(layers)} layers in another order: like weights share a codebook")
    forms, real = every(smaller, options.weights), Real(smaller, graph, own_types, tuple(told))
    enough = not samples.random and len(samples) >= LEAST
    if options.rounding == "learned":
        _require(enough, len(samples), options)
        forms = {n.name: options.weights for n in smaller.nodes() if has_weights(smaller, n)}
    learns = form.learns if form is not None else options.rounding == "learned"
    if forms and enough and learns and options.rounding != "nearest":
        taught = _samples(graph, own_types, options, LEARN)
        held = _learned(smaller, forms, taught, progress)
        left = forms if held is smaller else {}
        lowered = lower_learned(held, real, samples, options, progress, left)
    else:
        lowered = lower_learned(smaller, real, samples, options, progress, forms)
        if forms and learns and options.rounding is None:
            what = f"weights are the nearest of {options.weights}"
            lowered.notes.append(f"{what}; with --calib and {LEAST} samples they are learned")
    lowered.real = real
    return lowered


def _require(enough: bool, count: int, options: BuildOptions) -> None:
    """Raise Diagnostic E101 where there are too few samples to learn from."""
    if not enough:
        given = f"{count} samples" if options.calib is not None else "none"
        raise Diagnostic(
            "E101",
            f"rounding is learned from {LEAST} samples at least",
            where="--rounding learned",
            facts=[("have", f"{given}   --calib")],
            remedies=["--calib DATA with more samples", "--rounding nearest"],
        )


def _learned(graph: Graph, forms: Mapping[str, str], samples: Samples, progress: Progress) -> Graph:
    """The graph with weights learned in their forms; as it is without torch."""
    try:
        from edgec.quant.learn.recipe import recipe_for
        from edgec.quant.learn.weights import learn

        progress.stage("learn weights")
        return learn(graph, forms, samples, recipe_for(graph), progress)
    except ImportError as error:
        progress.warn(f"weights are rounded, not learned: {error}")
        return graph


def lower_learned(
    graph: Graph,
    real: Real,
    samples: Samples,
    options: BuildOptions,
    progress: Progress,
    forms: Mapping[str, str] = MappingProxyType({}),
) -> Lowered:
    """A float graph, whose weights may state their forms, to an integer graph. real: what it is to compute.

    forms: of weights that do not state theirs. samples: in the axis order of the graph's inputs.
    """
    model = None if graph is real.model else real.model
    chosen = quantize_model(graph, samples, progress, forms, model)
    return _told(_lowered(chosen, samples, real.model, options, progress), real.notes)


def _told(lowered: Lowered, notes: Sequence[str]) -> Lowered:
    """The same with more notes, in its narrow form as well."""
    narrow = lowered.narrow
    return replace(
        lowered,
        notes=[*lowered.notes, *notes],
        narrow=(lambda: _told(narrow(), notes)) if narrow is not None else None,
    )


def _reduced(
    graph: Graph, samples: Samples, options: BuildOptions, progress: Progress
) -> tuple[Graph, list[str]]:
    """The float graph with layers of the rank that was asked for, and what there is to say about them."""
    if options.rank is None:
        return graph, []
    progress.stage("low rank")
    return reduced(graph, options.rank, moments_of(graph, divisible(graph), samples, progress.step))


def _refuse_float_only(options: BuildOptions) -> None:
    """Raise Diagnostic E101 for what a model that is quantized cannot have."""
    asked = {
        "--rank": options.rank is not None,
        "--rounding learned": options.rounding == "learned",
        "--max-drop": options.max_drop is not None,
    }
    for option in (name for name, given in asked.items() if given):
        raise Diagnostic(
            "E101",
            f"the model is quantized already: {option} is for float weights",
            where=option,
            remedies=["build the float model it was made from", f"leave {option.split()[0]} out"],
        )


def dense(lowered: Lowered) -> Lowered:
    """The same with constants in as few bytes as kernels can read."""
    graph, narrow = lowered.graph.copy(), lowered.narrow
    graph.features = densest(graph.features)
    return replace(lowered, graph=graph, narrow=(lambda: dense(narrow())) if narrow is not None else None)


def _finish(lowered: Lowered, options: BuildOptions, form: str = INT8) -> None:
    """Take an integer graph through the integer passes, and note what was dead in it.

    form: the one that weights are rounded to, once dead channels are gone: those of a group would tear it.
    """
    graph, removal = lowered.graph, RemoveDeadChannels()
    at = INTEGER_PASSES.index(removal)
    run_passes(graph, INTEGER_PASSES[:at])
    if not options.keep_dead:
        lowered.whole = graph.copy()
        ((_, changes),) = run_passes(graph, [removal])
        _note_dead(lowered, changes.figures)
    if errors := project_graph(graph, every(graph, form)):
        lowered.whole = None  # other weights
        lost = f"up to {max(errors.values()):.1%} of a layer's are lost"
        lowered.notes.append(f"weights of {len(errors)} layers are the nearest of {form}: {lost}")
    *_, (_, sharing) = run_passes(graph, INTEGER_PASSES[at + 1 :])
    if layers := sharing.figures["layers"]:
        lowered.notes.append(f"{sharing.figures['bytes']:,} B of weights are shared by {layers} layers")


def _note_dead(lowered: Lowered, figures: Mapping[str, int]) -> None:
    if not (count := figures["channels"]):
        return
    macs, weights, kept = (figures[k] for k in ("macs_before", "weights_before", "weights_after"))
    lowered.dead = Dead(channels=count, macs_before=macs, weights_before=weights, weights=kept)
    lowered.notes.append(
        f"removed {count:,} dead channel{'s' * (count > 1)}: {macs:,} -> {figures['macs_after']:,} MACs, "
        f"weights {weights:,} -> {kept:,} B"
    )


def _lowered(
    chosen: Quantized, samples: Samples, model: Graph, options: BuildOptions, progress: Progress
) -> Lowered:
    """A quantized model behind the integer passes, with what there is to say about it."""
    fidelity = chosen.fidelity
    lowered = Lowered(chosen.graph, chosen.samples, snr={x.name: x.snr for x in fidelity.layers})
    _finish(lowered, options)
    lowered.accuracy = Accuracy(
        samples=fidelity.samples,
        cosine=fidelity.cosine,
        top1_agreement=fidelity.top1,
        calibration=chosen.method,
    )
    (lowered.warnings if samples.random else lowered.notes).extend(samples.notes)
    lowered.warnings.extend(weighed(samples, chosen, model, progress))
    if fidelity.cosine < COSINE:
        worst = ", ".join(f"{x.path or x.name} -{x.loss:.1f} dB" for x in fidelity.worst(4))
        lowered.warnings.append(
            f"the outputs' cosine to the float model is {fidelity.cosine:.3f}; most is lost in {worst}"
        )
        lowered.notes.extend(snr.table(fidelity).splitlines())
    for text in lowered.warnings:
        progress.warn(text)
    if (narrow := chosen.narrow) is not None:
        lowered.narrow = lambda: _narrowed(narrow(), chosen.decibels, samples, model, options, progress)
    return lowered


def _narrowed(
    chosen: Quantized,
    wide: float,
    samples: Samples,
    model: Graph,
    options: BuildOptions,
    progress: Progress,
) -> Lowered:
    """A model with int8 residual streams where int16 would keep `wide` decibels of it."""
    lowered = _lowered(chosen, samples, model, options, progress)
    lowered.notes.append(
        "residual streams are int8 instead of int16, for half their memory: "
        f"{chosen.decibels:.1f} dB at the outputs instead of {wide:.1f} dB"
    )
    return lowered


def _samples(
    graph: Graph, own_types: Mapping[str, TensorType], options: BuildOptions, limit: int = 128
) -> Samples:
    """Calibration samples, at most so many, as the graph takes them, given as the user's model does."""
    if options.calib is None:
        samples = random_samples(own_types)
    else:
        samples = load_samples(str(options.calib), own_types, limit=limit)
    return samples.permuted(graph.input_perms)


def bind(graph: Graph) -> None:
    """See that every op of an integer graph has a kernel for its operands.

    Raises Diagnostic E206 that lists the layers of those that have none.
    """
    refused = []
    for node in graph:
        if op_of(node).is_alias or op_of(node).is_join:
            continue
        try:
            op_of(node).kernel(call_of(graph, node))
        except OpError as error:
            refused.append((node, str(error)))
    if refused:
        (first, _), *_ = refused
        raise Diagnostic(
            "E206",
            "no kernel computes an op with these operands",
            where=f"{first.path} ({first.op})",
            facts=[(node.op, f"{node.path}: {reason}") for node, reason in refused],
        )
