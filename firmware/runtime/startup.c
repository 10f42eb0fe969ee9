/* Cortex-M start-up: vector table, memory set-up, painted stack, fault report. */
#include <stdint.h>

#include "board.h"
#include "guard.h"
#include "link.h"

#define STACK_PAINT 0xC5A3F10Du
/* Of the stack as many words as a frame takes beside the other facts. */
#define FAULT_FACTS 6u
#define FAULT_WORDS (LINK_MOST / 4u - FAULT_FACTS)

#define SCB_AIRCR (*(volatile uint32_t *)0xE000ED0Cu)
#define AIRCR_RESET 0x05FA0004u
#define SCB_VTOR (*(volatile uint32_t *)0xE000ED08u)
#define SCB_CFSR (*(volatile uint32_t *)0xE000ED28u)
#define SCB_HFSR (*(volatile uint32_t *)0xE000ED2Cu)
#define SCB_MMFAR (*(volatile uint32_t *)0xE000ED34u)
#define SCB_BFAR (*(volatile uint32_t *)0xE000ED38u)
#define SCB_CPACR (*(volatile uint32_t *)0xE000ED88u)

/* From the linker script. */
extern uint32_t _stack_base[], _stack_top[];
extern uint32_t _data_start[], _data_end[], _bss_start[], _bss_end[];
extern uint32_t _fast_start[], _fast_end[];
extern const uint32_t _data_load[], _fast_load[];

int main(void);
void reset_handler(void);
void fault_handler(void);
void start(void);
void start_fast_code(void);
void copy_words(uint32_t *to, const uint32_t *end, const uint32_t *from);
void report_fault(const uint32_t *stack, uint32_t exception);

/* cycles.c has one where SysTick is what counts. */
__attribute__((weak, noreturn, alias("fault_handler"))) void systick_handler(void);

typedef void (*vector)(void);

/* The first word is the initial stack pointer; every exception is a fault, but for SysTick's where it counts. */
typedef struct {
    uint32_t *stack;
    vector handlers[15];
} vector_table;

__attribute__((section(".vectors"), used)) static const vector_table vectors = {
    _stack_top,
    {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
     fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
     systick_handler},
};

/* Paints the whole stack before anything is on it. */
__attribute__((naked, noreturn)) void reset_handler(void)
{
    __asm volatile("ldr r0, =_stack_base\n"
                   "ldr r1, =_stack_top\n"
                   "msr msp, r1\n"
                   "ldr r2, =0xC5A3F10D\n"
                   "1: cmp r0, r1\n"
                   "bhs 2f\n"
                   "str r2, [r0]\n"
                   "adds r0, #4\n"
                   "b 1b\n"
                   "2: bl _begin\n"
                   "3: b 3b\n"
                   ".ltorg\n");
}

/* The stack may be what faulted, and tells where: the report's own lies behind it, where nothing is needed any more. */
__attribute__((naked, noreturn)) void fault_handler(void)
{
    __asm volatile("mrs r0, msp\n"
                   "mrs r1, ipsr\n"
                   "ldr r3, =_stack_top + 512\n"
                   "mov sp, r3\n"
                   "bl report_fault\n"
                   "3: b 3b\n"
                   ".ltorg\n");
}

/* Once in the code, not once for each use. */
__attribute__((noinline)) void copy_words(uint32_t *to, const uint32_t *end, const uint32_t *from)
{
    while (to < end) {
        *to++ = *from++;
    }
}

void start(void)
{
    SCB_VTOR = (uint32_t)(uintptr_t)&vectors;
    SCB_CPACR |= 0xFu << 20; /* the hard-float ABI may move data through FPU registers */
    __asm volatile("dsb\nisb" ::: "memory");
    copy_words(_data_start, _data_end, _data_load);
    for (uint32_t *to = _bss_start; to < _bss_end; to++) {
        *to = 0;
    }
    board_init();
    guard_memories();
    board_extras();
    copy_words(_fast_start, _fast_end, _fast_load); /* now all memories can be read that hold weights */
    (void)main();
    board_exit(1);
}

/* What the linker script begins with, instead of start(), where code is copied: nothing may call that before.
 * It takes no stack, so that the bound of the draft, which begins with start(), holds. */
__attribute__((naked, noreturn)) void start_fast_code(void)
{
    __asm volatile("ldr r0, =_fast_code_start\n"
                   "ldr r1, =_fast_code_end\n"
                   "ldr r2, =_fast_code_load\n"
                   "bl copy_words\n"
                   "bl start\n"
                   ".ltorg\n");
}

/* Frame f: exception, CFSR, HFSR, MMFAR, BFAR, stack pointer, then the stack from there on
 * (first what the exception saved: r0-r3, r12, lr, pc, xpsr). Sent once more whenever the host asks anything but
 * for a reset, for it may have been lost. */
void report_fault(const uint32_t *stack, uint32_t exception)
{
    const uint32_t facts[FAULT_FACTS] = {exception, SCB_CFSR,           SCB_HFSR, SCB_MMFAR,
                                         SCB_BFAR,  (uint32_t)(uintptr_t)stack};
    const uint32_t *const from = stack < _stack_base ? _stack_base : stack > _stack_top ? _stack_top : stack;
    const uint32_t left = (uint32_t)(_stack_top - from);
    const uint32_t words = left < FAULT_WORDS ? left : FAULT_WORDS;
    link_frame request = {0, 0, 0, 0, 0};
    link_frame f;

    do {
        link_send_begin(&f, &request, 'f', (uint32_t)sizeof facts + 4u * words);
        link_send(&f, facts, sizeof facts);
        link_send(&f, from, 4u * words);
        link_send_end(&f);
    } while (link_begin(&request) == 0 && request.type != 'Z');
    if (request.type == 'Z') {
        board_reset();
    }
    board_exit(1);
}

void board_reset(void)
{
    __asm volatile("dsb" ::: "memory");
    SCB_AIRCR = AIRCR_RESET;
    for (;;) {
    }
}

uint32_t board_stack_bytes(void) { return (uint32_t)(_stack_top - _stack_base) * 4u; }

uint32_t board_stack_used(void)
{
    const uint32_t *at = _stack_base;

    while (at < _stack_top && *at == STACK_PAINT) {
        at++;
    }
    return (uint32_t)(_stack_top - at) * 4u;
}
