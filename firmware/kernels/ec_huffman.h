/* Weights in Huffman's codes (ec_coded.h): short ones for what is frequent. */
#ifndef EC_HUFFMAN_H
#define EC_HUFFMAN_H

#include "ec_coded.h"

/* Fills what codes of a book are looked up in, ec_coded_tables bytes. */
void ec_huffman_tables(const ec_coded *c, int32_t book, uint32_t *tables);

/* A stripe of weights, whose codes begin `at` bits behind the first one; returns where they end. scales: their factors,
 * or NULL. */
uint32_t ec_huffman_stripe(const ec_coded *c, const uint32_t *tables, uint32_t at, const uint8_t *scales, uint32_t *to);

#endif
