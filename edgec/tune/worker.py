"""A process that measures layers: tasks on standard input, answers on standard output.

Tasks and answers are pickled. An answer is ("cost", Cost), ("unfit",), ("error", parts of a Diagnostic) or
("bug", traceback).
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from typing import Any, BinaryIO

from edgec.codegen.toolchain import DoesNotFit
from edgec.diagnostics import Diagnostic
from edgec.tune.measure import measure


def answer(task: Any) -> tuple[Any, ...]:
    """What a measurement gave."""
    try:
        return "cost", measure(*task)
    except DoesNotFit:
        return ("unfit",)
    except Diagnostic as e:
        return "error", (e.code, e.title, e.where, e.facts, e.remedies)
    except Exception:
        return "bug", traceback.format_exc()


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer tasks until there are no more."""
    while True:
        try:
            task = pickle.load(source)
        except EOFError:
            return
        pickle.dump(answer(task), sink)
        sink.flush()


if __name__ == "__main__":
    # What libraries print must not get between the answers.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, out)
