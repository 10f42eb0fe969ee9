"""The shape of report.json, schema edgec.report/1.

All sizes are bytes. A figure that was not measured is absent, never zero. (No postponed
annotations here: with them __required_keys__ would not know NotRequired.)
"""

from typing import Any, NotRequired, TypedDict

SCHEMA = "edgec.report/1"


class Sram(TypedDict):
    """What is in SRAM at run time; `total` counts arena + data + stack + window + weights + code.

    arena: windows, tensors, scratch and I/O that the plan places. scratch, io: how much of
    the arena those are at their largest. data: .data and .bss outside the arena. stack: the
    worst case. window: where weights are fetched to while others are used. weights, code: those that start-up
    copies there, code to a memory of its own. lower_bound: no plan of this order has a smaller arena. gap:
    what the arena has more. peak: the most bytes that are live in one step, peak_step, which is of
    peak_layer; the rest of the arena lies idle then. measured_*: what the simulated board saw.
    """

    arena: int
    scratch: int
    io: int
    total: int
    lower_bound: int
    data: NotRequired[int]
    stack: NotRequired[int]
    window: NotRequired[int]
    weights: NotRequired[int]
    code: NotRequired[int]
    budget: NotRequired[int]
    optimal: NotRequired[bool]
    gap: NotRequired[int]
    peak: NotRequired[int]
    peak_step: NotRequired[int]
    peak_layer: NotRequired[str]
    measured_stack: NotRequired[int]
    measured_arena: NotRequired[int]


class Flash(TypedDict):
    """What is in flash; `regions` maps a region's name to the bytes used in it."""

    weights: int
    total: int
    code: NotRequired[int]
    budget: NotRequired[int]
    regions: dict[str, int]


class Window(TypedDict):
    """A tensor of which a ring of rows is kept: `rows` of its `of` rows, in `bytes` bytes."""

    name: str
    rows: int
    of: int
    bytes: int


class Region(TypedDict):
    """Layers that run under one row loop.

    layers: their names, in order of execution. rows: of the last one's result, which the loop
    computes one after the other. live_bytes: the most that are live in one of its steps. windows: of the
    rows that it computes, and of inputs that arrive while it runs.
    """

    layers: list[str]
    rows: int
    live_bytes: int
    windows: list[Window]


class Weights(TypedDict):
    """How a layer's weights are stored (edgec/ops/forms.py). bytes: with biases, scales and books."""

    form: str
    bytes: int


class Layer(TypedDict):
    """One node of the compiled graph, named by the user's own module path.

    region: the index in `regions`. rows: of its result; window: how many of them are kept. cycles_estimate:
    by the model of the cost, not measured. board_cycles: by a board's counter. weights: of layers that have
    some.
    """

    name: str
    op: str
    region: int
    macs: int
    live_bytes: int
    instructions: NotRequired[int]
    cycles: NotRequired[int]
    cycles_estimate: NotRequired[int]
    board_cycles: NotRequired[int]
    snr_db: NotRequired[float]
    weights: NotRequired[Weights]
    rows: NotRequired[int]
    window: NotRequired[int]


class Check(TypedDict):
    """One thing that was proved by running it."""

    name: str
    passed: bool
    detail: str


class Port(TypedDict):
    """A model input or output, as the user's model has it and as the device has it.

    shape: as in the user's model, batch axis included. dtype: numpy's name of the device's
    integer type. scale, zero_point: real = scale * (q - zero_point); absent for plain
    integers. perm: where the device has another axis order than the user,
    device = user.transpose(perm).
    """

    name: str
    shape: list[int]
    dtype: str
    scale: NotRequired[float]
    zero_point: NotRequired[int]
    perm: NotRequired[list[int]]


class Source(TypedDict):
    """What was built: the model as it was named, and of a file the SHA-256 of its bytes."""

    model: str
    sha256: NotRequired[str]


class Copies(TypedDict):
    """Transposes and gathers that the compiler could not remove."""

    count: int
    bytes: int


class Accuracy(TypedDict):
    """The integer model against the float model, over the calibration samples."""

    samples: int
    cosine: float
    top1_agreement: NotRequired[float]
    calibration: NotRequired[str]


class Dead(TypedDict):
    """Channels that were left out as no output needs them, and what the model was with them.

    channels: outputs of convolutions and linear layers. macs_before, weights_before: multiply-accumulates
    and bytes of weights of one inference with them; weights: without.
    """

    channels: int
    macs_before: int
    weights_before: int
    weights: int


class Tuning(TypedDict):
    """What --tune did. candidates: kernels that were measured, now or in an earlier build. changed: layers
    whose kernel is another than without it."""

    candidates: int
    changed: int


class Board(TypedDict):
    """What a board took for one inference, by its own counter.

    on: which board, and where. cycles: of all steps. stack, arena: the most bytes that were in use; absent
    where it cannot tell.
    """

    on: str
    clock_hz: int
    cycles: int
    stack: NotRequired[int]
    arena: NotRequired[int]


class TradeOff(TypedDict):
    """A schedule that none beats in both bytes and work, or the one that was built.

    macs: multiply-accumulates of one inference. factor: of the model's own, rounded up, so that
    --max-overhead of as much allows them. moves: what was done to the model. chosen: whether it was built.
    """

    arena: int
    macs: int
    factor: float
    moves: list[str]
    chosen: bool


class Precision(TypedDict):
    """A choice of forms for the weights of all layers. bytes: of these weights. noise: at the outputs, as a
    share of their power, before weights are learned. cycles: estimated, beyond those with int8. forms: in
    words. chosen: whether it was built."""

    bytes: int
    noise: float
    cycles: int
    forms: str
    chosen: bool


class Weighing(TypedDict):
    """What fewer bits for weights cost. of: "answers" or "values". drop: points of top-1 on samples that were
    not learned from; where these have no labels, the percentage of answers that are not float's; of values
    that of the variance of float's. frontier: the largest first."""

    samples: int
    of: str
    drop: float
    max_drop: float
    top1_float: NotRequired[float]
    top1: NotRequired[float]
    frontier: list[Precision]


class Report(TypedDict):
    """report.json.

    constant_reads: bytes of constants (weights and tables) that one inference reads: of each kernel those of
    its tables, times its passes over them. constant_reads_unstreamed: the same with every layer in one step.
    cycles_estimate: by the model of the cost, by which schemes are compared where kernels are not measured.
    tuned: whether they are, by --tune. cycles: those of the simulated board, by `cycles_model`.
    """

    schema: str
    version: str
    model: str
    target: str
    input_mode: str
    optimize: str
    hash: str
    inputs: list[Port]
    outputs: list[Port]
    sram: Sram
    flash: Flash
    macs: int
    layers: list[Layer]
    checks: list[Check]
    source: NotRequired[Source]
    constant_reads: NotRequired[int]
    constant_reads_unstreamed: NotRequired[int]
    cycles_estimate: NotRequired[int]
    regions: NotRequired[list[Region]]
    instructions: NotRequired[int]
    cycles: NotRequired[int]
    cycles_model: NotRequired[str]
    copies: NotRequired[Copies]
    dead: NotRequired[Dead]
    tuned: NotRequired[bool]
    tuning: NotRequired[Tuning]
    accuracy: NotRequired[Accuracy]
    pareto: NotRequired[list[TradeOff]]
    weighing: NotRequired[Weighing]
    board: NotRequired[Board]
    notes: NotRequired[list[str]]
    warnings: NotRequired[list[str]]


def missing_keys(report: dict[str, Any]) -> list[str]:
    """The required keys of the schema that a report lacks, as dotted paths."""
    parts: list[tuple[str, Any, Any]] = [("", Report, report)]
    parts += [("sram.", Sram, report.get("sram", {})), ("flash.", Flash, report.get("flash", {}))]
    lists = (
        ("layers", Layer),
        ("checks", Check),
        ("inputs", Port),
        ("outputs", Port),
        ("regions", Region),
        ("pareto", TradeOff),
    )
    for key, shape in lists:
        parts += [(f"{key}[{k}].", shape, item) for k, item in enumerate(report.get(key, []))]
    return [
        prefix + key for prefix, shape, have in parts for key in sorted(shape.__required_keys__ - set(have))
    ]
