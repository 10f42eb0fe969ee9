/* The DMA controller of a simulated board, as far as fetch_begin and fetch_wait of its firmware go: stream 0, from
 * memory to memory. What is fetched is there when the firmware has seen the flag that says so, and not before: until
 * then there is rubbish.
 */
#include <stddef.h>
#include <string.h>

#include "board.h"

#define LISR 0x00u
#define LIFCR 0x08u
#define S0CR 0x10u
#define S0NDTR 0x14u
#define S0PAR 0x18u
#define S0M0AR 0x1Cu

#define CR_EN 1u
#define COMPLETE (1u << 5)
#define RUBBISH 0xA5u
#define PART 1024u
#define LINE 32u    /* bytes that a memory gives without being asked anew */
#define DMA_WORD 4u /* cycles for a word to be read and written, at least */

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static void move(sim_board *b, uint32_t to, uint32_t from, uint32_t bytes)
{
    uint8_t part[PART];

    while (bytes > 0u) {
        const uint32_t n = bytes < PART ? bytes : PART;
        (void)b->read_memory(b->engine, from, part, n);
        (void)b->write_memory(b->engine, to, part, n);
        from += n;
        to += n;
        bytes -= n;
    }
}

static void spoil(sim_board *b, uint32_t to, uint32_t bytes)
{
    uint8_t part[PART];

    memset(part, RUBBISH, sizeof part);
    for (uint32_t i = 0; i < bytes; i += PART) {
        (void)b->write_memory(b->engine, to + i, part, bytes - i < PART ? bytes - i : PART);
    }
}

static void fetch_time(sim_board *b, uint32_t from, uint32_t bytes)
{
    sim_timing *t = &b->timing;
    sim_memory *m = timing_memory(t, from);
    uint64_t line = (uint64_t)DMA_WORD * LINE / 4u;

    if (!t->on) {
        return;
    }
    t->fetched = m;
    t->arrives = t->now;
    if (m != NULL) {
        const uint64_t beats = LINE > m->beat_bytes ? LINE / m->beat_bytes : 1u;
        line = later(line, m->next + (beats - 1u) * m->beat_cycles);
        t->arrives = later(t->now, m->free) + m->first;
        m->follows = 0;
    }
    t->arrives += (bytes + LINE - 1u) / LINE * line;
}

static void wait_time(sim_board *b)
{
    sim_timing *t = &b->timing;

    if (t->on && t->arrives > t->now) {
        b->totals[b->owner].cycles += t->arrives - t->now;
        if (t->running != NULL) {
            t->running->spent += t->arrives - t->now;
        }
        t->now = t->arrives;
    }
    t->fetched = NULL;
}

void dma_forget(sim_board *b, uint32_t address)
{
    sim_timing *t = &b->timing;
    const uint32_t line = t->data.shift != 0u ? address >> t->data.shift : 0u;
    const int k = t->on && t->data.shift != 0u ? timing_find(&t->data, line) : -1;

    if (k >= 0) {
        t->data.lines[k] = 0;
        t->data.dirty[k] = 0;
    }
    if (t->data_fill.line == line + 1u) {
        t->data_fill.line = 0;
    }
}

uint64_t dma_read(sim_board *b, uint32_t offset, uint64_t value)
{
    sim_dma *d = &b->dma;

    if (offset != LISR) {
        return value;
    }
    if (d->bytes > 0u) {
        wait_time(b);
        move(b, d->to, d->from, d->bytes);
        d->bytes = 0;
        d->flags = COMPLETE;
    }
    return d->flags;
}

void dma_write(sim_board *b, uint32_t offset, uint32_t value)
{
    sim_dma *d = &b->dma;

    switch (offset) {
    case LIFCR:
        d->flags &= ~value;
        break;
    case S0NDTR:
        d->words = value & 0xFFFFu;
        break;
    case S0PAR:
        d->from = value;
        break;
    case S0M0AR:
        d->to = value;
        break;
    case S0CR:
        d->bytes = 0;
        if ((value & CR_EN) != 0u) {
            d->bytes = 4u * d->words;
            spoil(b, d->to, d->bytes);
            fetch_time(b, d->from, d->bytes);
        }
        break;
    default:
        break;
    }
}
