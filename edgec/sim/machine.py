"""The simulated board itself: Unicorn with exactly the target's memories, and its peripherals compiled."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from edgec.codegen.image import Segment
from edgec.sim import native
from edgec.sim.boot import entry
from edgec.sim.code import CodeCosts
from edgec.sim.devices import PAGE, devices, dma
from edgec.sim.interrupt import Interrupt
from edgec.sim.timer import Timer
from edgec.target import Target

_NEVER = 0xFFFF_FFFE
"""An address where nothing is: Unicorn stops there, which is never."""

_NOWHERE = 0x0FFF_FFF0
"""Where an exception's handler returns to: no board has memory there."""

_THUMB, _TO_THREAD = 1 << 24, 0xFFFF_FFF9
"""The bit of xPSR for the instruction set; EXC_RETURN to thread mode (Armv7-M, B1.5.8)."""

_POINTER, _U64 = ctypes.c_void_p, ctypes.c_uint64

_DWT_CTRL, _SYST_CSR, _VTOR = 0xE000_1000, 0xE000_E010, 0xE000_ED08
_SYSTICK = 15
_MPU_TYPE, _MPU_CTRL = 0xE000_ED90, 0xE000_ED94
_WATCHDOG_HZ = 32_000
"""The oscillator of STM32's independent watchdog."""

MODELS = {
    "cortex-m0plus": "CORTEX_M0",
    "cortex-m4": "CORTEX_M4",
    "cortex-m7": "CORTEX_M7",
    "cortex-m33": "CORTEX_M33",
}
"""Unicorn's names of the cores that it has; the M0 has the instructions of the M0+."""
_ARMV8M = ("cortex-m33", "cortex-m55")

LIMIT = 50_000_000_000
"""Instructions of one request after which the board is taken to hang."""


class Stopped(Exception):
    """The board cannot go on.

    pc, sp: where it was. access: kind, address and bytes of an access that failed. hangs: whether the limit
    of instructions was reached.
    """

    def __init__(
        self, why: str, pc: int, sp: int, access: tuple[str, int, int] | None, *, hangs: bool = False
    ) -> None:
        super().__init__(why)
        self.why, self.pc, self.sp, self.access, self.hangs = why, pc, sp, access, hangs


class Machine:
    """A board with memory contents, at rest until `reset`.

    code: addresses and bytes of what may run. slots: of `totals`, where `owner` says by address which one is
    charged from there on (-1: the one that was). Raises Diagnostic E401 where Unicorn is not installed.
    """

    def __init__(
        self,
        target: Target,
        segments: Iterable[Segment],
        code: Sequence[tuple[int, int]],
        slots: int = 1,
        owner: Callable[[int], int] = lambda address: 0,
    ) -> None:
        self.target = target
        self._owner, self._devices = owner, devices(target)
        self._access: tuple[str, int, int] | None = None
        self._interrupt = Interrupt()
        self.uc = self._engine(segments)
        self._keep: list[object] = []
        self.board, self.timer = self._wire(code, slots)
        self.board.watchdog_base, self.board.mark_port = self._devices.watchdog, self._devices.gpio
        self.board.tick_cycles = target.clock_hz // _WATCHDOG_HZ
        self._protected: tuple[int, ...] = ()
        self._pc = 0

    def close(self) -> None:
        """Free the board."""
        native.library().sim_free(self.board)

    def reset(self) -> None:
        """As by the reset pin: registers and program counter anew, memories as they are."""
        board = self.board
        for field in (board.registers, board.mpu_base, board.mpu_control):
            ctypes.memset(field, 0, ctypes.sizeof(field))
        board.clock = board.cycles = board.watchdog = board.systick = 0
        for address, value in ((_MPU_TYPE, native.MPU_REGIONS << 8), *self._devices.reset):
            self.set_register(address, value)
        stack, self._pc = entry(self.target, self.uc)
        self.uc.reg_write(self._arm.UC_ARM_REG_XPSR, _THUMB)
        self.uc.reg_write(self._arm.UC_ARM_REG_SP, stack)

    def register(self, address: int) -> int:
        """What a peripheral's register holds."""
        page = list(self.board.page_base).index(address & -PAGE)
        return self.board.registers[page][(address & (PAGE - 1)) // 4]

    def set_register(self, address: int, value: int) -> None:
        """Set a peripheral's register."""
        page = list(self.board.page_base).index(address & -PAGE)
        self.board.registers[page][(address & (PAGE - 1)) // 4] = value

    @property
    def counts(self) -> bool:
        """Whether the firmware has the DWT or SysTick count cycles, and there is a model of them."""
        on = self.register(_DWT_CTRL) & 1 or self.register(_SYST_CSR) & 1
        return bool(on) and self.timer.core is not None

    def enter(self, exception: int, handler: int) -> None:
        """Enter an exception's handler from where the board stopped: its registers go to the stack, as far as
        there is memory."""
        arm, read = self._arm, self.uc.reg_read
        saved = (
            arm.UC_ARM_REG_R0,
            arm.UC_ARM_REG_R1,
            arm.UC_ARM_REG_R2,
            arm.UC_ARM_REG_R3,
            arm.UC_ARM_REG_R12,
            arm.UC_ARM_REG_LR,
            arm.UC_ARM_REG_PC,
            arm.UC_ARM_REG_XPSR,
        )
        sp = (read(arm.UC_ARM_REG_SP) & ~7) - 32
        frame = struct.pack("<8I", *(read(register) for register in saved))
        if any(r.address <= sp < r.end - 32 and "w" in r.access for r in self.target.regions):
            self.uc.mem_write(sp, frame)
        self.uc.reg_write(arm.UC_ARM_REG_SP, sp)
        self.uc.reg_write(arm.UC_ARM_REG_LR, _TO_THREAD)
        self.uc.reg_write(arm.UC_ARM_REG_XPSR, _THUMB | exception)
        self._pc = handler & ~1

    def exchange(self, data: bytes, limit: int = LIMIT) -> bytes:
        """Let the serial port receive bytes, and run until the firmware waits for more; what it has sent.

        Raises Stopped; the bytes sent before are in what the next call gives.
        """
        self.receive(data)
        self.run(limit)
        return self.sent()

    def receive(self, data: bytes) -> None:
        """Bytes that are there for the serial port's receiver from now on."""
        board = self.board
        board.rx = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)
        board.rx_bytes, board.rx_at = len(data), 0
        self._keep[:1] = [data]  # kept alive: the board reads from it

    def sent(self) -> bytes:
        """What the firmware has sent since it was asked last."""
        board = self.board
        data = ctypes.string_at(board.tx, board.tx_bytes) if board.tx_bytes else b""
        board.tx_bytes = 0
        return data

    def run(self, limit: int = LIMIT) -> None:
        """Run until the firmware waits for the host, through resets by itself. Raises Stopped."""
        board = self.board
        board.executed, board.next_tick, board.limit = 0, 0, limit
        while True:
            board.why, self._access = native.STOP_NONE, None
            with self._interrupt:
                try:
                    self.uc.emu_start(self._pc | 1, _NEVER)
                except self._error as error:
                    raise self._stopped(str(error)) from None
            self._pc = self.uc.reg_read(self._arm.UC_ARM_REG_PC)
            if board.why in (native.STOP_RESET, native.STOP_WATCHDOG):
                self.reset()
                continue
            if board.why == native.STOP_TICK:
                self._tick_round()
                continue
            if board.why == native.STOP_LIMIT:
                raise self._stopped(f"no end after {limit:,} instructions", hangs=True)
            if board.why != native.STOP_IDLE:
                raise self._stopped("the firmware stopped")
            self._protect()
            return

    def _tick_round(self) -> None:
        """SysTick's exception: its handler runs, and all registers are as they were."""
        before = self.uc.context_save()
        vectors = self.register(_VTOR) or self.target.boot.address
        (handler,) = struct.unpack("<I", self.uc.mem_read(vectors + 4 * _SYSTICK, 4))
        self.uc.reg_write(self._arm.UC_ARM_REG_LR, _NOWHERE | 1)
        with contextlib.suppress(self._error):
            self.uc.emu_start(handler | 1, _NOWHERE)
        assert self.uc.reg_read(self._arm.UC_ARM_REG_PC) & ~1 == _NOWHERE, "SysTick's handler did not return"
        self.uc.context_restore(before)

    def _protect(self) -> None:
        """Put the MPU's regions into force: of memories that lie in one as a whole."""
        control = self.register(_MPU_CTRL) & 1
        now = (control, *self.board.mpu_base, *self.board.mpu_control)
        if now == self._protected:
            return
        self._protected = now
        for region in self.target.regions:
            access = region.access
            for base, bits in zip(self.board.mpu_base, self.board.mpu_control, strict=True):
                first, last, left = _guarded(base, bits, self.target.cpu)
                if control and bits & 1 and first <= region.address and region.end <= last + 1:
                    access = "".join(a for a in region.access if a in left)
            self.uc.mem_protect(region.address, region.size, sum(self._bits[a] for a in access))

    def _stopped(self, why: str, *, hangs: bool = False) -> Stopped:
        pc = self.uc.reg_read(self._arm.UC_ARM_REG_PC)
        sp = self.uc.reg_read(self._arm.UC_ARM_REG_SP)
        return Stopped(why, pc, sp, self._access, hangs=hangs)

    # -- building the board -----------------------------------------------

    def _engine(self, segments: Iterable[Segment]) -> Any:
        unicorn = native.unicorn()
        arm_const: Any = importlib.import_module("unicorn.arm_const")
        self._arm = arm_const
        self._error: type[Exception] = unicorn.UcError
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_{MODELS[self.target.cpu]}"))
        bits = self._bits = {"r": unicorn.UC_PROT_READ, "w": unicorn.UC_PROT_WRITE, "x": unicorn.UC_PROT_EXEC}
        # Largest first: with the 16 KB ITCM in front, Unicorn 2.1 takes stores for changes of code and
        # translates the kernels again and again, four times slower.
        for region in sorted(self.target.regions, key=lambda r: -r.size):
            uc.mem_map(region.address, region.size, sum(bits[a] for a in region.access))
        for segment in segments:
            uc.mem_write(segment.address, segment.data)
        kinds = {
            unicorn.UC_MEM_READ_UNMAPPED: "read",
            unicorn.UC_MEM_WRITE_UNMAPPED: "write",
            unicorn.UC_MEM_FETCH_UNMAPPED: "fetch of an instruction",
            unicorn.UC_MEM_READ_PROT: "read",
            unicorn.UC_MEM_WRITE_PROT: "write",
            unicorn.UC_MEM_FETCH_PROT: "fetch of an instruction",
        }

        def invalid(_uc: object, kind: int, address: int, size: int, _value: int, _data: object) -> bool:
            self._access = (kinds.get(kind, "access"), address, size)
            return False

        uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, invalid)
        return uc

    def _wire(self, code: Sequence[tuple[int, int]], slots: int) -> tuple[native.Board, Timer]:
        """Peripherals and the block hook, all of them compiled."""
        unicorn: Any = importlib.import_module("unicorn")
        uclib: Any = importlib.import_module("unicorn.unicorn_py3.unicorn").uclib
        board, target = native.Board(), self.target
        board.engine = self.uc._uch.value
        board.stop = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p)
        board.read_register = ctypes.cast(uclib.uc_reg_read, ctypes.c_void_p)
        board.write_register = ctypes.cast(uclib.uc_reg_write, ctypes.c_void_p)
        board.read_memory = ctypes.cast(uclib.uc_mem_read, ctypes.c_void_p)
        board.write_memory = ctypes.cast(uclib.uc_mem_write, ctypes.c_void_p)
        board.measure = native.Measure(self._measure_block)
        board.tick = native.Tick(self._tick)
        board.dma.base = dma(target)
        self.code = CodeCosts(code, board)
        totals = (native.Total * slots)()
        flags = self._devices.flags
        ready = (native.Ready * max(len(flags), 1))(
            *(native.Ready(f.address, f.bits, f.source, f.mask, f.value) for f in flags)
        )
        board.totals, board.ready = totals, ready
        board.ready_count = len(flags)
        board.owner = slots - 1
        timer = Timer(target, board, self.uc)
        board.measure_pair = native.MeasurePair(timer.behind)
        assert target.uart is not None
        board.uart, board.uart_base = native.UARTS[target.uart.kind], target.uart.address
        board.ram_base, board.ram_bytes = target.sram.address, target.sram.size
        pages = self._devices.pages
        board.pages = len(pages)
        where = ctypes.pointer(board)
        entries = (native.Page * len(pages))(*(native.Page(where, k) for k in range(len(pages))))
        for k, address in enumerate(pages):
            board.page_base[k] = address
            user = ctypes.cast(ctypes.byref(entries[k]), ctypes.c_void_p)
            read, write = native.address_of("sim_read"), native.address_of("sim_write")
            map_page = uclib["uc_mmio_map"]
            map_page.argtypes = [_POINTER, _U64, _U64, *[_POINTER] * 4]
            self._check(map_page(self.uc._uch, address, 4096, read, user, write, user))
        add_hook, handle = uclib["uc_hook_add"], ctypes.c_size_t()
        add_hook.argtypes = [_POINTER, _POINTER, ctypes.c_int, _POINTER, _POINTER, _U64, _U64]
        hook = native.address_of("sim_block")
        user = ctypes.cast(where, ctypes.c_void_p)
        self._check(add_hook(self.uc._uch, ctypes.byref(handle), unicorn.UC_HOOK_BLOCK, hook, user, 1, 0))
        self._keep += [b"", totals, ready, entries]
        return board, timer

    def _check(self, status: int) -> None:
        if status:
            raise self._error(status)

    def _measure_block(self, address: int, size: int) -> None:
        cost = self.code.at(address)
        cost.owner = self._owner(address)
        self.timer.block(cost, bytes(self.uc.mem_read(address, size)), address)

    def _tick(self) -> None:
        if self._interrupt.came is not None:
            self.uc.emu_stop()


def _guarded(base: int, control: int, cpu: str) -> tuple[int, int, str]:
    """First and last address of an MPU region and the access it leaves.

    base, control: RBAR with RASR (Armv7-M, B3.5), or with RLAR (Armv8-M, B11).
    """
    if cpu in _ARMV8M:
        access = "rx" if base >> 1 & 2 else "rwx"
        return base & ~31, control | 31, access.replace("x", "") if base & 1 else access
    size = 2 << (control >> 1 & 0x1F)
    access = {0: "", 3: "rwx", 6: "rx"}[control >> 24 & 7]
    return base & -size, (base & -size) + size - 1, access.replace("x", "") if control >> 28 & 1 else access
