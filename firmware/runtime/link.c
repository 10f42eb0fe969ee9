#include "link.h"

#include "board.h"

/* Bytes of the header in front of its own CRC. */
#define HEADER_CHECKED 10u
#define LINK_PART 16u

/* Half a byte at a time: a sixteenth of the usual table, and fast enough for a serial line. */
static const uint32_t crc_table[16] = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
    0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

uint32_t link_crc(uint32_t crc, const uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        crc = crc_table[crc & 15u] ^ (crc >> 4);
        crc = crc_table[crc & 15u] ^ (crc >> 4);
    }
    return crc;
}

void link_put32(uint8_t *at, uint32_t value)
{
    for (uint32_t i = 0; i < 4u; i++) {
        at[i] = (uint8_t)(value >> (8u * i));
    }
}

uint32_t link_get32(const uint8_t *at)
{
    return at[0] | ((uint32_t)at[1] << 8) | ((uint32_t)at[2] << 16) | ((uint32_t)at[3] << 24);
}

int link_begin(link_frame *f)
{
    uint8_t header[LINK_HEADER];
    uint32_t have = 0;

    for (;;) {
        if (board_read(header + have, LINK_HEADER - have) != 0) {
            return 1;
        }
        f->crc = link_crc(UINT32_MAX, header, HEADER_CHECKED);
        f->sequence = (uint16_t)link_get32(header + 2);
        f->length = (uint16_t)(link_get32(header + 2) >> 16);
        if (header[0] == LINK_MAGIC && link_get32(header + HEADER_CHECKED) == ~f->crc && f->length <= LINK_MOST) {
            break;
        }
        /* Not a header: a later byte may begin one. */
        have = 0;
        for (uint32_t i = 1; i < LINK_HEADER; i++) {
            if (have > 0u || header[i] == LINK_MAGIC) {
                header[have++] = header[i];
            }
        }
    }
    f->type = header[1];
    f->argument = link_get32(header + 6);
    return 0;
}

/* In small parts: a receiver has room for one or two bytes, and the next ones come while the CRC is computed. */
int link_take(link_frame *f, void *data, uint32_t bytes)
{
    uint8_t *at = (uint8_t *)data;

    while (bytes > 0u) {
        const uint32_t part = bytes < LINK_PART ? bytes : LINK_PART;
        if (board_read(at, part) != 0) {
            return 1;
        }
        f->crc = link_crc(f->crc, at, part);
        at += part;
        bytes -= part;
    }
    return 0;
}

int link_skip(link_frame *f, uint32_t bytes)
{
    uint8_t byte;

    for (uint32_t i = 0; i < bytes; i++) {
        if (link_take(f, &byte, 1) != 0) {
            return 1;
        }
    }
    return 0;
}

int link_end(const link_frame *f)
{
    uint8_t crc[4];

    if (f->length == 0u) {
        return 0;
    }
    if (board_read(crc, sizeof crc) != 0) {
        return 1;
    }
    return link_get32(crc) == ~f->crc ? 0 : -1;
}

static void send_header(link_frame *f, const link_frame *request, char type, uint32_t argument, uint32_t bytes)
{
    uint8_t header[LINK_HEADER];

    header[0] = LINK_MAGIC;
    header[1] = (uint8_t)type;
    link_put32(header + 2, request->sequence | (bytes << 16));
    link_put32(header + 6, argument);
    f->length = (uint16_t)bytes;
    f->crc = link_crc(UINT32_MAX, header, HEADER_CHECKED);
    link_put32(header + HEADER_CHECKED, ~f->crc);
    board_write(header, LINK_HEADER);
}

void link_send_begin(link_frame *f, const link_frame *request, char type, uint32_t bytes)
{
    send_header(f, request, type, 0, bytes);
}

void link_send(link_frame *f, const void *data, uint32_t bytes)
{
    f->crc = link_crc(f->crc, (const uint8_t *)data, bytes);
    board_write((const uint8_t *)data, bytes);
}

void link_send_words(link_frame *f, const uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t word[4];
        link_put32(word, words[i]);
        link_send(f, word, sizeof word);
    }
}

void link_send_end(const link_frame *f)
{
    uint8_t crc[4];

    link_put32(crc, ~f->crc);
    board_write(crc, f->length > 0u ? sizeof crc : 0u);
}

static char answering(const link_frame *request) { return (char)(request->type | 0x20u); }

void link_answer(const link_frame *request, const void *data, uint32_t bytes)
{
    link_frame f;

    link_send_begin(&f, request, answering(request), bytes);
    link_send(&f, data, bytes);
    link_send_end(&f);
}

void link_answer_words(const link_frame *request, const uint32_t *words, uint32_t count)
{
    link_frame f;

    link_send_begin(&f, request, answering(request), 4u * count);
    link_send_words(&f, words, count);
    link_send_end(&f);
}

void link_answer_error(const link_frame *request, uint32_t error)
{
    link_frame f;

    send_header(&f, request, 'e', error, 0);
}
