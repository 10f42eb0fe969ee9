/* Arm MPS2 as QEMU models it. The host is reached over semihosting (Arm's specification
 * "Semihosting for AArch32 and AArch64"): QEMU moves whole blocks that way, while its model
 * of the serial port takes milliseconds for a handful of bytes.
 */
#include "board.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { MODE_READ_BINARY = 1, MODE_WRITE_BINARY = 5 };

#define ADP_APPLICATION_EXIT 0x20026u
#define ADP_RUN_TIME_ERROR 0x20023u

static uint32_t in;
static uint32_t out;

static uint32_t semihost(uint32_t operation, uint32_t argument)
{
    register uint32_t r0 __asm("r0") = operation;
    register uint32_t r1 __asm("r1") = argument;

    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open(const char *path, uint32_t length, uint32_t mode)
{
    const uint32_t block[3] = {(uint32_t)(uintptr_t)path, mode, length};
    return semihost(SYS_OPEN, (uint32_t)(uintptr_t)block);
}

/* Bytes that were not moved. */
static uint32_t transfer(uint32_t operation, uint32_t file, const uint8_t *data, uint32_t bytes)
{
    const uint32_t block[3] = {file, (uint32_t)(uintptr_t)data, bytes};
    return semihost(operation, (uint32_t)(uintptr_t)block);
}

void board_init(void)
{
    static const char input[] = "/dev/stdin";
    static const char output[] = "/dev/stdout";

    in = open(input, (uint32_t)sizeof input - 1u, MODE_READ_BINARY);
    out = open(output, (uint32_t)sizeof output - 1u, MODE_WRITE_BINARY);
}

int board_read(uint8_t *data, uint32_t bytes)
{
    while (bytes > 0u) {
        const uint32_t left = transfer(SYS_READ, in, data, bytes);
        if (left >= bytes) {
            return 1; /* the end of the host's file */
        }
        data += bytes - left;
        bytes = left;
    }
    return 0;
}

void board_write(const uint8_t *data, uint32_t bytes)
{
    (void)transfer(SYS_WRITE, out, data, bytes);
}

void board_exit(int status)
{
    for (;;) {
        (void)semihost(SYS_EXIT, status == 0 ? ADP_APPLICATION_EXIT : ADP_RUN_TIME_ERROR);
    }
}
