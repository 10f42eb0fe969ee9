/* Cortex-M start-up: vector table, memory set-up, painted stack, fault report. */
#include <stdint.h>

#include "board.h"
#include "link.h"

#define STACK_PAINT 0xC5A3F10Du
#define FAULT_WORDS 64u
/* Stack that the report itself needs; with less left it starts again from the top. */
#define FAULT_STACK 256u

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

typedef void (*vector)(void);

/* The first word is the initial stack pointer; every exception is a fault: no interrupt is in use. */
typedef struct {
    uint32_t *stack;
    vector handlers[15];
} vector_table;

__attribute__((section(".vectors"), used)) static const vector_table vectors = {
    _stack_top,
    {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
     fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
     fault_handler},
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

/* The stack may be what faulted: where it is used up, the report runs from its top. */
__attribute__((naked, noreturn)) void fault_handler(void)
{
    __asm volatile("mrs r0, msp\n"
                   "mrs r1, ipsr\n"
                   "ldr r2, =_stack_base + 256\n"
                   "ldr r3, =_stack_top\n"
                   "cmp r0, r2\n"
                   "blo 1f\n"
                   "cmp r0, r3\n"
                   "bls 2f\n"
                   "1: msr msp, r3\n"
                   "2: bl report_fault\n"
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
 * (first what the exception saved: r0-r3, r12, lr, pc, xpsr). */
void report_fault(const uint32_t *stack, uint32_t exception)
{
    const uint32_t facts[6] = {exception, SCB_CFSR, SCB_HFSR, SCB_MMFAR, SCB_BFAR, (uint32_t)(uintptr_t)stack};
    const uint32_t *const end = _stack_top;
    uint32_t words = 0;
    link_frame f;

    if (stack >= _stack_base && stack < end) {
        words = (uint32_t)(end - stack);
        words = words < FAULT_WORDS ? words : FAULT_WORDS;
    }
    link_send_begin(&f, 'f', 0, (uint32_t)sizeof facts + 4u * words);
    link_send(&f, facts, sizeof facts);
    link_send(&f, stack, 4u * words);
    link_send_end(&f);
    board_exit(1);
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
