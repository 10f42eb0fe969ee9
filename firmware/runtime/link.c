#include "link.h"

#include "board.h"

/* Half a byte at a time: a sixteenth of the usual table, and fast enough for a serial line. */
static const uint32_t crc_table[16] = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
    0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

static uint32_t crc32(uint32_t crc, const uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        crc = crc_table[crc & 15u] ^ (crc >> 4);
        crc = crc_table[crc & 15u] ^ (crc >> 4);
    }
    return crc;
}

static uint8_t header_check(const uint8_t *header)
{
    uint32_t check = 0x5A;

    for (uint32_t i = 0; i < LINK_HEADER; i++) {
        check = (((check << 1) | (check >> 7)) & 0xFFu) ^ (i == 3u ? 0u : header[i]);
    }
    return (uint8_t)check;
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
        if (header[0] == LINK_MAGIC && header[3] == header_check(header)) {
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
    f->sequence = header[2];
    f->length = link_get32(header + 4);
    f->crc = crc32(UINT32_MAX, header, LINK_HEADER);
    return 0;
}

int link_take(link_frame *f, void *data, uint32_t bytes)
{
    if (board_read((uint8_t *)data, bytes) != 0) {
        return 1;
    }
    f->crc = crc32(f->crc, (const uint8_t *)data, bytes);
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

    if (board_read(crc, sizeof crc) != 0) {
        return 1;
    }
    return link_get32(crc) == ~f->crc ? 0 : -1;
}

void link_send_begin(link_frame *f, char type, uint8_t sequence, uint32_t bytes)
{
    uint8_t header[LINK_HEADER];

    header[0] = LINK_MAGIC;
    header[1] = (uint8_t)type;
    header[2] = sequence;
    link_put32(header + 4, bytes);
    header[3] = header_check(header);
    f->crc = crc32(UINT32_MAX, header, LINK_HEADER);
    board_write(header, LINK_HEADER);
}

void link_send(link_frame *f, const void *data, uint32_t bytes)
{
    f->crc = crc32(f->crc, (const uint8_t *)data, bytes);
    board_write((const uint8_t *)data, bytes);
}

void link_send_end(const link_frame *f)
{
    uint8_t crc[4];

    link_put32(crc, ~f->crc);
    board_write(crc, sizeof crc);
}
