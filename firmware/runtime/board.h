/* What a board offers the firmware. One implementation in boards/NAME. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define BOARD_UNKNOWN UINT32_MAX

/* Clock, caches, memories and the serial port; runs before main() with .data and .bss in place. */
void board_init(void);

/* Waits for `bytes` bytes from the host. Not 0: the host has gone and will send no more. */
int board_read(uint8_t *data, uint32_t bytes);

/* Sends `bytes` bytes to the host. */
void board_write(const uint8_t *data, uint32_t bytes);

/* Ends the program where the board can, else waits for ever. */
void board_exit(int status);

/* Where weights may be fetched while the core computes: begins to copy `bytes` bytes, a multiple of 4 and 262140 at most,
 * to an address that is a multiple of 32; the 32 bytes of its last line are the transfer's, too. fetch_wait returns when
 * they are there for the core to be read, caches included. One transfer at a time. Boards without such a memory have
 * neither, and the library copies by itself. (They are part of an inference, and not named like what is around it.) */
void fetch_begin(void *to, const void *from, uint32_t bytes);
void fetch_wait(void);

/* Size of the stack and the most of it that was ever in use, in bytes; BOARD_UNKNOWN where
 * the stack is the operating system's. */
uint32_t board_stack_bytes(void);
uint32_t board_stack_used(void);

#endif
