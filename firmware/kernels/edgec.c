#include "edgec.h"

#if defined(__thumb__)
void *ec_row_of_few(const ec_window *w, int32_t row)
{
    return (uint8_t *)w->base + (w->slots != NULL ? w->slots[row] * EC_SLOT : row % w->capacity * w->pitch);
}
#endif
