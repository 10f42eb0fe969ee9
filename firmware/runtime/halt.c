/* The end of a program on a chip: nothing more, until reset. */
#include "board.h"

void board_exit(int status)
{
    (void)status;
    for (;;) {
        __asm volatile("wfi");
    }
}
