/* Linux without a C library: the link on standard input and output. */
#include "system.h"

#include "board.h"

enum { STANDARD_INPUT = 0, STANDARD_OUTPUT = 1 };

int main(int argc, char **argv);
void start(int argc, char **argv);

__attribute__((naked, noreturn)) void _start(void);
__attribute__((naked, noreturn)) void _start(void)
{
#if defined(__aarch64__)
    __asm volatile("mov x29, xzr\n"
                   "mov x30, xzr\n"
                   "ldr x0, [sp]\n"
                   "add x1, sp, #8\n"
                   "bl start\n");
#else
    __asm volatile("mov r11, #0\n"
                   "mov lr, #0\n"
                   "ldr r0, [sp]\n"
                   "add r1, sp, #4\n"
                   "bl start\n");
#endif
}

void start(int argc, char **argv)
{
    board_init();
    board_exit(main(argc, argv));
}

void board_init(void) {}

int board_read(uint8_t *data, uint32_t bytes)
{
    while (bytes > 0u) {
        const intptr_t got = system_call(SYS_READ, STANDARD_INPUT, (uintptr_t)data, bytes, 0, 0, 0);
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
        const intptr_t put = system_call(SYS_WRITE, STANDARD_OUTPUT, (uintptr_t)data, bytes, 0, 0, 0);
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
        (void)system_call(SYS_EXIT_GROUP, status, 0, 0, 0, 0, 0);
    }
}

uint32_t board_stack_bytes(void) { return BOARD_UNKNOWN; }

uint32_t board_stack_used(void) { return BOARD_UNKNOWN; }
