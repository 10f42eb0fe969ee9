/* AArch64 Linux without a C library: three system calls, the link on standard input and output. */
#include "board.h"

enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT_GROUP = 94 };
enum { STANDARD_INPUT = 0, STANDARD_OUTPUT = 1 };

int main(void);
void start(void);

static int64_t system_call(int64_t number, int64_t a, uintptr_t b, uint64_t c)
{
    register int64_t x8 __asm("x8") = number;
    register int64_t x0 __asm("x0") = a;
    register uintptr_t x1 __asm("x1") = b;
    register uint64_t x2 __asm("x2") = c;

    __asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}

__attribute__((naked, noreturn)) void _start(void);
__attribute__((naked, noreturn)) void _start(void)
{
    __asm volatile("mov x29, xzr\n"
                   "mov x30, xzr\n"
                   "bl start\n");
}

void start(void)
{
    board_init();
    board_exit(main());
}

void board_init(void) {}

int board_read(uint8_t *data, uint32_t bytes)
{
    while (bytes > 0u) {
        const int64_t got = system_call(SYS_READ, STANDARD_INPUT, (uintptr_t)data, bytes);
        if (got <= 0) {
            return 1;
        }
        data += got;
        bytes -= (uint32_t)got;
    }
    return 0;
}

void board_write(const uint8_t *data, uint32_t bytes)
{
    while (bytes > 0u) {
        const int64_t put = system_call(SYS_WRITE, STANDARD_OUTPUT, (uintptr_t)data, bytes);
        if (put <= 0) {
            board_exit(1);
        }
        data += put;
        bytes -= (uint32_t)put;
    }
}

void board_exit(int status)
{
    for (;;) {
        (void)system_call(SYS_EXIT_GROUP, status, 0, 0);
    }
}

uint32_t board_stack_bytes(void) { return BOARD_UNKNOWN; }

uint32_t board_stack_used(void) { return BOARD_UNKNOWN; }
