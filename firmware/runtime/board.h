/* What a board offers the firmware. One implementation in boards/NAME; what all Cortex-M have in common is in
 * startup.c, cycles.c and guard.c.
 */
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

/* What a build asked for beyond the model: a watchdog, marks for a meter. Called once after board_init(), around
 * what is computed, before each step of it, and while the host is waited for.
 */
#ifdef BOARD_EXTRAS
void board_extras(void);
void board_busy(int busy);
void board_before(void);
void board_alive(void);
#else
static inline void board_extras(void) {}
static inline void board_busy(int busy) { (void)busy; }
static inline void board_alive(void) {}
#endif

#if __STDC_HOSTED__
static inline void board_count(void) {}
static inline uint32_t board_cycles(void) { return 0; }
static inline int board_weights_intact(void) { return 1; }
static inline void board_reset(void) {}
#else
/* Starts the counter of cycles; its value now, which goes round at 2^32. */
void board_count(void);
uint32_t board_cycles(void);

/* Whether the weights in flash are those that were linked. */
int board_weights_intact(void);

/* Begins anew, as after power-up. */
void board_reset(void);
#endif

#endif
