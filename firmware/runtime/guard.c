/* What guards the memories: the MPU's regions, and the CRC of the weights.
 *
 * Code and constants can only be read, what is in SRAM cannot be executed, and what grows out of the stack faults:
 * by a region without access below it (Armv6-M, Armv7-M), or by the stack pointer's limit (Armv8-M Mainline).
 * A core without an MPU goes without.
 */
#include <stdint.h>

#include "board.h"
#include "guard.h"
#include "link.h"
#include "registers.h"

#define MPU_TYPE REGISTER(0xE000ED90u)
#define MPU_CTRL REGISTER(0xE000ED94u)
#define MPU_RNR REGISTER(0xE000ED98u)
#define MPU_RBAR REGISTER(0xE000ED9Cu)
#define MPU_RASR REGISTER(0xE000EDA0u) /* RLAR on Armv8-M */
#define MPU_MAIR0 REGISTER(0xE000EDC0u)
#define SCB_SHCSR REGISTER(0xE000ED24u)
#define MEMORY_FAULTS (1u << 16)
#define CTRL_ON_WITH_DEFAULTS 5u

/* The regions of code and SRAM of every Cortex-M's memory map, 512 MB each. On Armv8-M that of the SRAM is exact:
 * code may lie beside it. */
#define CODE 0x00000000u
#define SRAM 0x20000000u

/* From the linker script. */
extern uint32_t _stack_base[];
extern const uint8_t _sram_end[];
extern const uint8_t _weights_start[], _weights_end[], _fast_load[], _fast_start[], _fast_end[];
extern const uint8_t _weights_crc[] __attribute__((weak)); /* a number, which may be 0 */

static void region(uint32_t number, uint32_t base, uint32_t attributes)
{
    MPU_RNR = number;
    MPU_RBAR = base;
    MPU_RASR = attributes;
}

#if defined(__ARM_ARCH) && __ARM_ARCH >= 8

/* RBAR: access and execution; RLAR: the last address, one of the attributes of MAIR0, on. */
#define READ_ONLY (2u << 1)
#define NEVER_EXECUTED 1u
#define LAST(address, attributes) (((address) & ~31u) | ((attributes) << 1) | 1u)
/* Normal memory: 0 written through, 1 written back, as in the default map. */
#define ATTRIBUTES 0x0000FFAAu

static void set_regions(void)
{
    MPU_MAIR0 = ATTRIBUTES;
    region(0, CODE | READ_ONLY, LAST(SRAM - 1u, 0u));
    region(1, (uint32_t)(uintptr_t)_stack_base | NEVER_EXECUTED, LAST((uint32_t)(uintptr_t)_sram_end - 1u, 1u));
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
    __asm volatile("msr msplim, %0" ::"r"(_stack_base));
#endif
}

#else

/* RASR: never executed, access, type of memory, size and on. */
#define NEVER_EXECUTED (1u << 28)
#define READ_ONLY (6u << 24)
#define READ_WRITE (3u << 24)
#define WRITTEN_THROUGH (2u << 16)
#ifdef __ARM_ARCH_6M__
#define WRITTEN_BACK (3u << 16)
#else
#define WRITTEN_BACK ((1u << 19) | (3u << 16))
#endif
#define BYTES_512M ((28u << 1) | 1u)
#define BYTES_4K ((11u << 1) | 1u)
#define GUARD 4096u

static void set_regions(void)
{
    region(0, CODE, READ_ONLY | WRITTEN_THROUGH | BYTES_512M);
    region(1, SRAM, NEVER_EXECUTED | READ_WRITE | WRITTEN_BACK | BYTES_512M);
    region(2, (uint32_t)(uintptr_t)_stack_base - GUARD, NEVER_EXECUTED | BYTES_4K);
}

#endif

void guard_memories(void)
{
    if (MPU_TYPE == 0u) {
        return;
    }
    set_regions();
    SCB_SHCSR |= MEMORY_FAULTS;
    MPU_CTRL = CTRL_ON_WITH_DEFAULTS;
    __asm volatile("dsb\nisb" ::: "memory");
}

int board_weights_intact(void)
{
    const uint32_t expected = (uint32_t)(uintptr_t)_weights_crc; /* 0: not known */
    uint32_t crc = link_crc(UINT32_MAX, _weights_start, (uint32_t)(_weights_end - _weights_start));

    crc = link_crc(crc, _fast_load, (uint32_t)(_fast_end - _fast_start));
    return expected == 0u || ~crc == expected;
}
