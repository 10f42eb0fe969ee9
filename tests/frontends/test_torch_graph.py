"""What the imported graph looks like: masks, paths, folding, sharing, dtypes."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from edgec.frontends.torch import load_torch  # noqa: E402
from edgec.ops.interpret import evaluate  # noqa: E402
from tests.frontends.torch_check import IMAGE, TOKENS, Call, check, ops, rand  # noqa: E402

Q, K, V = rand(1, 2, 5, 4), rand(1, 2, 7, 4), rand(1, 2, 7, 3)


def test_attention_with_a_mask_from_an_input_is_written_out() -> None:
    graph = check(
        Call(lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m)), Q, K, V, rand(5, 7)
    )
    assert "attention" not in ops(graph)
    assert ops(graph).count("matmul") == 2


def test_masked_scores_become_an_addition() -> None:
    mask = torch.ones(5, 7).triu(2).bool()
    graph = check(Call(lambda q, k: (q @ k.mT).masked_fill(mask, -math.inf).softmax(-1)), Q, K)
    assert [o for o in ops(graph) if o not in ("transpose", "reshape")] == ["matmul", "add", "softmax"]
    (add,) = (n for n in graph if n.op == "add")
    assert np.unique(graph.data(add.inputs[1])).tolist() == [-1e4, 0]


def test_decomposed_programs_are_read_as_well() -> None:
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu").eval()
    program = torch.export.export(model, (TOKENS,)).run_decompositions()
    graph = load_torch(program)
    got = evaluate(graph, {graph.inputs[0]: TOKENS.numpy()})[graph.outputs[0]]
    np.testing.assert_allclose(got, model(TOKENS).detach().numpy(), atol=1e-5)


def test_recurrent_layers_are_unrolled() -> None:
    check(Call(nn.GRU(8, 5, batch_first=True)), TOKENS)
    check(Call(nn.LSTM(8, 5, batch_first=True, bidirectional=True)), TOKENS)


def test_one_convolution_between_two_transposes() -> None:
    graph = check(nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3)), IMAGE)
    assert ops(graph) == ["transpose", "conv2d", "conv2d", "transpose"]
    assert graph.type(graph.inputs[0]).layout == "NCHW"


def test_module_paths_reach_every_node() -> None:
    graph = check(
        nn.Sequential(nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU()), nn.Flatten(), nn.Linear(144, 2)), IMAGE
    )
    paths = {n.op: n.path for n in graph}
    assert (paths["conv2d"], paths["pointwise"], paths["linear"]) == ("0.0", "0.1", "2")


def test_constants_in_forward_are_folded() -> None:
    def forward(x: Tensor) -> Tensor:
        n = x.shape[1]
        position = torch.arange(n, device=x.device).unsqueeze(1) * torch.linspace(1, 2, 8)
        table = torch.sin(position) + torch.zeros_like(x).float() + x.new_ones(8)
        return x + table[torch.arange(n).flip(0) if table.dim() == 2 else slice(None)]

    graph = check(Call(forward), TOKENS)
    assert ops(graph) == ["add"]


def test_shared_weights_become_one_constant() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.b(torch.relu(self.a(x)))

    graph = check(Tied(), TOKENS)
    first, second = (n for n in graph if n.op == "linear")
    assert first.inputs[1] == second.inputs[1]


def test_half_and_double_parameters_become_float32() -> None:
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        model = nn.Linear(8, 3).to(dtype)
        graph = load_torch((model, (TOKENS.to(dtype),)))
        assert {graph.type(v).dtype.value for v in graph.values} == {"f32"}
        got = evaluate(graph, {graph.inputs[0]: TOKENS.to(dtype).float().numpy()})[graph.outputs[0]]
        np.testing.assert_allclose(got, model.float()(TOKENS.to(dtype).float()).detach().numpy(), atol=1e-5)


def test_integer_images_that_are_cast_first_become_float_inputs() -> None:
    pixels = (IMAGE.abs() * 40).to(torch.uint8)
    check(Call(lambda x: x.float() / 255), pixels)
    check(Call(lambda x: x.permute(0, 2, 3, 1)[:, ::2] / 255.0), pixels)


def test_inputs_that_are_not_tensors_and_several_outputs() -> None:
    class Model(nn.Module):
        def forward(self, x: Tensor, scale: float) -> dict[str, Tensor]:
            return {"a": x * scale, "b": x + 1}

    graph = load_torch((Model(), (TOKENS, 2.0)))
    assert len(graph.inputs) == 1 and len(graph.outputs) == 2


def test_the_users_module_keeps_its_mode() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 2)).train()
    graph = load_torch((model, (TOKENS,)))
    assert ops(graph) == ["linear"]
    assert model.training and model[0].training


def test_no_grad_inside_forward() -> None:
    def forward(x: Tensor) -> Tensor:
        with torch.no_grad():
            y = x * 2
        return y + x

    check(Call(forward), TOKENS)
