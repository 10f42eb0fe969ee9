/* The frames between host and board.
 *
 *     0    magic 0xEC
 *     1    type: a capital letter asks, the same letter in lower case answers
 *     2    sequence: an answer repeats that of its request
 *     3    header check: from 0x5A on, turned left by one bit and xored with each byte (this one as 0)
 *     4    length of the payload, little-endian, 32 bits
 *     8    payload
 *     8+n  CRC-32 (IEEE 802.3, as zlib's) of header and payload, little-endian
 *
 * A payload may be received in parts, straight to where it belongs; it may be used once
 * link_end() has found the CRC right.
 */
#ifndef LINK_H
#define LINK_H

#include <stdint.h>

#define LINK_MAGIC 0xECu
#define LINK_HEADER 8u

typedef struct {
    uint32_t length;
    uint32_t crc;
    uint8_t type;
    uint8_t sequence;
} link_frame;

/* Waits for a frame's header; whatever is not one is skipped. Not 0: the host has gone. */
int link_begin(link_frame *f);

/* The next `bytes` bytes of the payload. Not 0: the host has gone. */
int link_take(link_frame *f, void *data, uint32_t bytes);

/* Skips `bytes` bytes of the payload. Not 0: the host has gone. */
int link_skip(link_frame *f, uint32_t bytes);

/* Receives the CRC. 0: the frame is intact. Negative: it is not. Positive: the host has gone. */
int link_end(const link_frame *f);

/* Sends a frame: its header, parts of the payload that add up to `bytes`, and the CRC. */
void link_send_begin(link_frame *f, char type, uint8_t sequence, uint32_t bytes);
void link_send(link_frame *f, const void *data, uint32_t bytes);
void link_send_end(const link_frame *f);

/* Writes or reads a 32-bit number, little-endian, anywhere. */
void link_put32(uint8_t *at, uint32_t value);
uint32_t link_get32(const uint8_t *at);

#endif
