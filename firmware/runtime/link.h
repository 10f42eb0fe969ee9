/* The frames between host and board.
 *
 *     0     magic 0xEC
 *     1     type: a capital letter asks, the same letter in lower case answers
 *     2     sequence, 16 bits: an answer repeats that of its request
 *     4     length of the payload, 16 bits, at most LINK_MOST
 *     6     argument, 32 bits: what a request is about, what an answer says
 *     10    CRC-32 (IEEE 802.3, as zlib's) of the 10 bytes before
 *     14    payload
 *     14+n  CRC-32 of those 10 bytes and the payload; not there where the length is 0
 *
 * All numbers are little-endian. A payload may be received in parts, straight to where it belongs, for the
 * header is known to be right by then; it may be used once link_end() has found the CRC right.
 */
#ifndef LINK_H
#define LINK_H

#include <stdint.h>

#define LINK_MAGIC 0xECu
#define LINK_HEADER 14u
#define LINK_MOST 4096u

typedef struct {
    uint32_t argument;
    uint32_t crc;
    uint16_t sequence;
    uint16_t length;
    uint8_t type;
} link_frame;

/* CRC-32 of more bytes; begins with UINT32_MAX, and the last one is to be inverted. */
uint32_t link_crc(uint32_t crc, const uint8_t *data, uint32_t bytes);

/* Waits for a frame's header; whatever is not one is skipped. Not 0: the host has gone. */
int link_begin(link_frame *f);

/* The next `bytes` bytes of the payload. Not 0: the host has gone. */
int link_take(link_frame *f, void *data, uint32_t bytes);

/* Skips `bytes` bytes of the payload. Not 0: the host has gone. */
int link_skip(link_frame *f, uint32_t bytes);

/* Receives the CRC. 0: the frame is intact. Negative: it is not. Positive: the host has gone. */
int link_end(const link_frame *f);

/* Sends a frame that answers `request`: its header, parts of the payload that add up to `bytes`, the CRC. */
void link_send_begin(link_frame *f, const link_frame *request, char type, uint32_t bytes);
void link_send(link_frame *f, const void *data, uint32_t bytes);
void link_send_words(link_frame *f, const uint32_t *words, uint32_t count);
void link_send_end(const link_frame *f);

/* Answers a request by bytes, by numbers, or by an error's number. */
void link_answer(const link_frame *request, const void *data, uint32_t bytes);
void link_answer_words(const link_frame *request, const uint32_t *words, uint32_t count);
void link_answer_error(const link_frame *request, uint32_t error);

/* Writes or reads a 32-bit number, little-endian, anywhere. */
void link_put32(uint8_t *at, uint32_t value);
uint32_t link_get32(const uint8_t *at);

#endif
