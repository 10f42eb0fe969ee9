"""The examples of docs/streaming.md compile against generated headers, without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgec.build import write_files
from edgec.codegen.library import generate
from edgec.ir.parse import parse
from edgec.ops.base import infer_types
from edgec.schedule import make_plan
from edgec.target import load_target
from tests.conftest import ROOT

from .streams import CONVS, by_hand

HAL = """/* As STM32CubeMX's main.h declares it. */
#include <stddef.h>
#include <stdint.h>
typedef struct { int instance; } DCMI_HandleTypeDef;
typedef struct { int instance; } SAI_HandleTypeDef;
typedef enum { HAL_OK, HAL_ERROR } HAL_StatusTypeDef;
#define DCMI_MODE_SNAPSHOT 2u
extern DCMI_HandleTypeDef hdcmi;
extern SAI_HandleTypeDef hsai;
HAL_StatusTypeDef HAL_DCMI_Start_DMA(DCMI_HandleTypeDef *h, uint32_t mode, uint32_t data, uint32_t length);
HAL_StatusTypeDef HAL_DCMI_Stop(DCMI_HandleTypeDef *h);
HAL_StatusTypeDef HAL_SAI_Receive_DMA(SAI_HandleTypeDef *h, uint8_t *data, uint16_t size);
void HAL_DCMI_LineEventCallback(DCMI_HandleTypeDef *h);
void HAL_SAI_RxHalfCpltCallback(SAI_HandleTypeDef *h);
void HAL_SAI_RxCpltCallback(SAI_HandleTypeDef *h);
void SCB_InvalidateDCache_by_Addr(volatile void *address, int32_t size);
void __WFI(void);
"""

PAGE = (ROOT / "docs" / "streaming.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```c\n(.*?)```", PAGE, re.DOTALL)


def test_there_are_three() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize(("number", "name"), [(0, ""), (1, "image"), (2, "sound")])
def test_examples_compile(number: int, name: str, tmp_path: Path) -> None:
    graph = parse(CONVS.replace("%image", f"%{name}" if name else "%image"), infer=infer_types)
    plan = by_hand(graph, 3) if name else make_plan(graph)
    write_files(tmp_path, generate(graph, plan, load_target("stm32f746")).files)
    (tmp_path / "main.h").write_text(HAL)
    (tmp_path / "example.c").write_text(EXAMPLES[number])
    flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-Wmissing-prototypes"]
    includes = [f"-I{tmp_path}", f"-I{tmp_path / 'src'}"]
    out = str(tmp_path / "example.o")
    subprocess.run(["gcc", *flags, *includes, "-c", str(tmp_path / "example.c"), "-o", out], check=True)


def test_every_code_is_listed() -> None:
    header = (ROOT / "templates" / "stream.h.j2").read_text(encoding="utf-8")
    codes = re.findall(r"#define (MODEL_ERROR_\w+)", header)
    assert len(codes) == 6
    for code in codes:
        assert f"| `{code}` |" in PAGE
