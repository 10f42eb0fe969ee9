/* Cycles of a simulated board, on top of the schedule of each block: predicted branches, caches, and
 * memories that take their time. docs/cycles.md says what is modelled, and why so.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"

#define WRITE 17 /* UC_MEM_WRITE */
#define XPSR 120 /* UC_ARM_REG_XPSR */
#define IT_BITS 0x0600FC00u

void sim_access(void *engine, int type, uint64_t address, int size, int64_t value, void *user);
void sim_reset(sim_board *b);

/* Empty caches and predictor, pipeline at rest. */
void sim_reset(sim_board *b)
{
    sim_timing *t = &b->timing;

    memset(t->branch, 0, sizeof t->branch);
    memset(t->code.lines, 0, sizeof t->code.lines);
    memset(t->code.used, 0, sizeof t->code.used);
    memset(t->data.lines, 0, sizeof t->data.lines);
    memset(t->data.used, 0, sizeof t->data.used);
    memset(t->data.dirty, 0, sizeof t->data.dirty);
    memset(&t->data_fill, 0, sizeof t->data_fill);
    memset(&t->code_fill, 0, sizeof t->code_fill);
    t->code.clock = t->data.clock = t->now = t->ahead_time = 0;
    t->ahead = t->here = t->before_at = t->turn = 0;
    t->before = t->running = NULL;
    t->fetched = NULL;
    t->arrives = 0;
    for (uint32_t i = 0; i < t->memories; i++) {
        t->memory[i].free = 0;
        t->memory[i].follows = 0;
    }
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

sim_memory *timing_memory(sim_timing *t, uint32_t address)
{
    for (uint32_t i = 0; i < t->memories; i++) {
        if (address - t->memory[i].base < t->memory[i].bytes) {
            return &t->memory[i];
        }
    }
    return NULL;
}

/* -- blocks behind blocks ------------------------------------------------- */

static sim_pair *pair_slot(sim_pair *pairs, uint64_t room, uint32_t from, uint32_t to)
{
    uint64_t k = ((uint64_t)from * 0x9E3779B1u + (uint64_t)to * 0x85EBCA6Bu) & (room - 1u);

    while (pairs[k].to != 0u && (pairs[k].from != from || pairs[k].to != to)) {
        k = (k + 1u) & (room - 1u);
    }
    return &pairs[k];
}

static int pairs_grow(sim_timing *t)
{
    const uint64_t room = t->pairs_room ? 2u * t->pairs_room : 4096u;
    sim_pair *more = (sim_pair *)calloc((size_t)room, sizeof *more);

    if (more == NULL) {
        return 0;
    }
    for (uint64_t i = 0; i < t->pairs_room; i++) {
        if (t->pairs[i].to != 0u) {
            *pair_slot(more, room, t->pairs[i].from, t->pairs[i].to) = t->pairs[i];
        }
    }
    free(t->pairs);
    t->pairs = more;
    t->pairs_room = room;
    return 1;
}

static uint32_t cycles_behind(sim_board *b, sim_cost *cost, uint32_t address, uint32_t jumped)
{
    sim_timing *t = &b->timing;
    const uint32_t from = t->before_at + jumped;
    sim_pair *slot;

    if (!t->paired || t->before == NULL) {
        return cost->cycles;
    }
    if (cost->from == from) {
        return cost->behind;
    }
    if (2u * t->pairs_used >= t->pairs_room && !pairs_grow(t)) {
        return cost->cycles;
    }
    slot = pair_slot(t->pairs, t->pairs_room, from, address);
    if (slot->to == 0u) {
        slot->cycles = b->measure_pair(t->before_at, address, jumped);
        slot->from = from;
        slot->to = address;
        t->pairs_used++;
    }
    cost->from = from;
    cost->behind = slot->cycles;
    return slot->cycles;
}

/* -- branches ------------------------------------------------------------- */

/* The entry of a branch; the one that goes where it has none and one is `made` for it. */
static sim_branch *branch_entry(sim_timing *t, uint32_t at, uint32_t made, int *known)
{
    sim_branch *set = &t->branch[((at >> 1) & (t->branches / BRANCH_WAYS - 1u)) * BRANCH_WAYS];

    for (uint32_t i = 0; i < BRANCH_WAYS; i++) {
        if (set[i].at == at) {
            *known = 1;
            return &set[i];
        }
    }
    *known = 0;
    return made ? &set[t->turn++ % BRANCH_WAYS] : set;
}

/* Cycles that the last branch of the block before costs, which went to `address`. */
static uint32_t branch_cycles(sim_timing *t, const sim_cost *cost, uint32_t address, uint32_t jumped)
{
    const sim_cost *before = t->before;
    sim_branch *e;
    int known;
    uint32_t guess;

    if (before == NULL || before->jump == JUMP_NONE) {
        return 0;
    }
    if (t->branches == 0u) {
        return jumped ? cost->refill : 0u;
    }
    e = branch_entry(t, before->jump_at, jumped, &known);
    guess = known && (before->jump == JUMP_ALWAYS || e->taken >= 2u) ? e->target : t->before_at + before->size;
    if (jumped) {
        e->taken = known ? (e->taken < 3u ? e->taken + 1u : 3u) : 2u;
        e->at = before->jump_at;
        e->target = address;
    } else if (known && e->taken > 0u) {
        e->taken--;
    }
    return guess == address ? 0u : before->missed;
}

/* -- caches --------------------------------------------------------------- */

int timing_find(sim_cache *c, uint32_t line)
{
    const uint32_t first = (line & (c->sets - 1u)) * c->ways;

    for (uint32_t k = first; k < first + c->ways; k++) {
        if (c->lines[k] == line + 1u) {
            if (c->recent) {
                c->used[k] = ++c->clock;
            }
            return (int)k;
        }
    }
    return -1;
}

/* The place that a line gets; what was there is gone. */
static uint32_t place(sim_cache *c, uint32_t line)
{
    const uint32_t first = (line & (c->sets - 1u)) * c->ways;
    uint32_t k = first;

    if (c->recent) {
        for (uint32_t i = first; i < first + c->ways; i++) {
            k = c->used[i] < c->used[k] ? i : k;
        }
        c->used[k] = ++c->clock;
    } else {
        k = first + (uint32_t)(c->used[first]++ % c->ways);
    }
    return k;
}

/* When the beat that holds `address` comes, of the line on its way. A memory that goes on from where it
 * was has to be asked anew for what lies before the beat asked for. */
static uint64_t beat_time(const sim_fill *f, uint32_t address, uint32_t line_bytes)
{
    const sim_memory *m = f->memory;
    const uint32_t beat = (address & (line_bytes - 1u)) / m->beat_bytes;
    const uint32_t turns = (beat + f->beats - f->asked) % f->beats;

    return f->first + (uint64_t)turns * m->beat_cycles + (beat < f->asked ? m->first - m->next : 0u);
}

/* Bring a line in; returns when the word asked for is there. */
static uint64_t fetch_line(sim_timing *t, sim_cache *c, sim_fill *f, sim_memory *m, uint32_t address, uint64_t now)
{
    const uint32_t line_bytes = 1u << c->shift;
    const uint32_t line = address >> c->shift;
    const uint32_t start = line << c->shift;
    const uint32_t k = place(c, line);

    if (c->dirty[k] && c->lines[k] != 0u) {
        sim_memory *old = timing_memory(t, (c->lines[k] - 1u) << c->shift);
        if (old != NULL) {
            old->free = later(old->free, now) + old->first + line_bytes / old->beat_bytes * old->beat_cycles;
        }
    }
    c->lines[k] = line + 1u;
    c->dirty[k] = 0;
    f->memory = m;
    f->line = line + 1u;
    f->beats = line_bytes > m->beat_bytes ? line_bytes / m->beat_bytes : 1u;
    f->asked = (address - start) / m->beat_bytes % f->beats;
    f->first = later(now, m->free) + t->miss + (start == m->follows ? m->next : m->first);
    m->free = beat_time(f, start + (f->asked + f->beats - 1u) % f->beats * m->beat_bytes, line_bytes);
    m->follows = f->asked == 0u ? start + line_bytes : 0u;
    if (t->fetched == m && now < t->arrives) { /* DMA stands still, and then has to ask anew */
        t->arrives += m->free - now + m->first;
        m->follows = 0;
    }
    return f->first;
}

/* -- data ----------------------------------------------------------------- */

static uint64_t data_wait(sim_timing *t, sim_memory *m, uint32_t address, int write)
{
    sim_cache *c = &t->data;
    const uint32_t line = address >> c->shift;
    const int k = timing_find(c, line);
    uint64_t there;

    if (write) { /* a buffer takes it; only a memory that is busy holds it up */
        const uint64_t wait = k >= 0 ? 0u : later(m->free, t->now) - t->now;
        if (k < 0) {
            (void)fetch_line(t, c, &t->data_fill, m, address, t->now + wait);
        }
        c->dirty[timing_find(c, line)] = 1;
        return wait;
    }
    if (k < 0) {
        there = fetch_line(t, c, &t->data_fill, m, address, t->now);
    } else if (t->data_fill.line == line + 1u) {
        there = beat_time(&t->data_fill, address, 1u << c->shift);
    } else {
        return 0;
    }
    return later(there, t->now) - t->now;
}

/* Inside a translated block the IT state in the registers is 0. Unicorn 2.1 sets it for a hook of an access and leaves
 * it so, and conditions would then hold for the block behind. */
static void leave_it_block(const sim_board *b)
{
    uint32_t xpsr = 0;

    (void)b->read_register(b->engine, XPSR, &xpsr);
    if ((xpsr & IT_BITS) != 0u) {
        xpsr &= ~IT_BITS;
        (void)b->write_register(b->engine, XPSR, &xpsr);
    }
}

/* Unicorn's hook for loads and stores in a memory behind caches. */
void sim_access(void *engine, int type, uint64_t address, int size, int64_t value, void *user)
{
    sim_memory *m = (sim_memory *)user;
    sim_board *b = (sim_board *)m->board;
    sim_timing *t = &b->timing;
    const uint32_t at = (uint32_t)address;
    const uint32_t last = at + (uint32_t)size - 1u;
    const uint64_t before = t->now;

    (void)engine;
    (void)value;
    if (!t->on || t->running == NULL) {
        return;
    }
    if (t->running->conditional != 0u) {
        leave_it_block(b);
    }
    if ((at & ((uint32_t)size - 1u)) != 0u && type != WRITE) {
        t->now += t->unaligned;
    }
    if (t->data.shift != 0u) {
        t->now += data_wait(t, m, at, type == WRITE);
        if (at >> t->data.shift != last >> t->data.shift && last - m->base < m->bytes) {
            t->now += data_wait(t, m, last, type == WRITE);
        }
    }
    b->totals[b->owner].cycles += t->now - before;
    t->running->spent += t->now - before;
}

/* -- instructions --------------------------------------------------------- */

/* A line of code that is needed at `now`, from a memory that reads the next one ahead; returns the
 * wait. A line is kept where the core had to wait for it. */
static uint64_t code_ahead(sim_timing *t, sim_memory *m, uint32_t address, uint64_t now)
{
    sim_cache *c = &t->code;
    const uint32_t line = address >> c->shift;
    uint64_t wait = 0;

    if (timing_find(c, line) < 0) {
        if (t->ahead == line + 1u) {
            wait = later(t->ahead_time, now) - now;
        } else {
            wait = later(m->free, now) - now + t->miss + m->first;
            m->free = now + wait;
        }
        if (wait > 0u) {
            c->lines[place(c, line)] = line + 1u;
        }
    }
    if (t->ahead != line + 2u && timing_find(c, line + 1u) < 0) {
        t->ahead = line + 2u;
        t->ahead_time = later(m->free, now + wait) + 1u + m->first;
        m->free = t->ahead_time;
    }
    return wait;
}

static uint64_t code_wait(sim_timing *t, sim_memory *m, uint32_t address, uint64_t now)
{
    sim_cache *c = &t->code;
    const uint32_t line = address >> c->shift;
    uint64_t there;

    if (t->here == line + 1u) {
        return 0;
    }
    t->here = line + 1u;
    if (m->prefetch) {
        return code_ahead(t, m, address, now);
    }
    if (timing_find(c, line) < 0) {
        there = fetch_line(t, c, &t->code_fill, m, address, now);
    } else if (t->code_fill.line == line + 1u) {
        there = beat_time(&t->code_fill, address, 1u << c->shift);
    } else {
        return 0;
    }
    return later(there, now) - now;
}

uint64_t timing_block(sim_board *b, sim_cost *cost, uint32_t address)
{
    sim_timing *t = &b->timing;
    const uint32_t jumped = t->before != NULL && address != t->before_at + t->before->size;
    const uint32_t cycles = cycles_behind(b, cost, address, jumped);
    const uint64_t begin = t->now + branch_cycles(t, cost, address, jumped);
    sim_memory *m = t->code.shift != 0u ? timing_memory(t, address) : NULL;
    const uint64_t start = t->now;
    uint64_t wait = 0;

    if (m != NULL) {
        const uint32_t line_bytes = 1u << t->code.shift;
        for (uint32_t at = address; at < address + cost->size; at = (at | (line_bytes - 1u)) + 1u) {
            const uint64_t when = begin + wait + (uint64_t)cycles * (at - address) / cost->size;
            wait += code_wait(t, m, at, when);
        }
    }
    t->now = begin + wait + cycles;
    t->before = t->running = cost;
    t->before_at = address;
    return t->now - start;
}
