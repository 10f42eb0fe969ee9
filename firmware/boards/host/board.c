/* A machine with an operating system: the host's requests come on standard input. */
#include <stdio.h>
#include <stdlib.h>

#include "board.h"

void board_init(void) {}

int board_read(uint8_t *data, uint32_t bytes)
{
    (void)fflush(stdout);
    return fread(data, 1, bytes, stdin) == bytes ? 0 : 1;
}

void board_write(const uint8_t *data, uint32_t bytes) { (void)fwrite(data, 1, bytes, stdout); }

void board_exit(int status)
{
    (void)fflush(stdout);
    exit(status);
}

uint32_t board_stack_bytes(void) { return BOARD_UNKNOWN; }

uint32_t board_stack_used(void) { return BOARD_UNKNOWN; }
