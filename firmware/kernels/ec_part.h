/* A part of a layer's weights that has arrived: for results first .. first+results-1 of every row. */
#ifndef EC_PART_H
#define EC_PART_H

#include "edgec.h"

typedef struct {
    const void *table;
    int32_t first;
    int32_t results;
} ec_part;

#endif
