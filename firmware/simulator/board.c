/* The parts of a simulated board that must be fast: the serial port and the other peripherals,
 * and the counting of instructions and cycles. Unicorn calls sim_block, sim_read and sim_write;
 * edgec/sim/native.py mirrors the structures. Runs on the developer's machine.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int (*stop_function)(void *engine);

/* What one basic block costs, by the half-word it begins at. Filled by Python when `size` differs. */
typedef struct {
    uint32_t size;
    uint32_t instructions;
    uint32_t cycles;
    int32_t owner; /* slot that is charged from here on; -1: the one that was */
    uint64_t count;
} sim_cost;

typedef struct {
    uint64_t instructions;
    uint64_t cycles;
} sim_total;

/* Reading `address` also gives the bits `mask` of `source`, shifted up: a ready flag. */
typedef struct {
    uint32_t address;
    uint32_t source;
    uint32_t mask;
    uint32_t shift;
} sim_ready;

typedef struct {
    void *engine;
    stop_function stop;
    void (*measure)(uint32_t address, uint32_t size);
    void (*tick)(void); /* called every TICK instructions, so that Python hears of Ctrl-C */
    uint32_t code_base;
    uint32_t code_bytes;
    sim_cost *costs;
    sim_total *totals; /* by slot */
    int32_t owner;
    uint32_t next;         /* where the running block ends */
    uint32_t taken_cycles; /* cost of going anywhere else */
    uint64_t executed;
    uint64_t next_tick;
    uint64_t limit; /* instructions after which the board is stopped */
    int32_t why;    /* STOP_ below */
    int32_t uart;   /* UART_ below */
    uint32_t uart_base;
    uint32_t idle; /* times that an empty receiver was asked */
    const uint8_t *rx;
    uint64_t rx_bytes;
    uint64_t rx_at;
    uint8_t *tx;
    uint64_t tx_bytes;
    uint64_t tx_room;
    const sim_ready *ready;
    uint32_t ready_count;
    uint32_t pages;
    uint32_t page_base[16];
    uint32_t registers[16][1024];
} sim_board;

enum { STOP_NONE = 0, STOP_IDLE = 1, STOP_LIMIT = 2 };
enum { UART_STM32F7 = 0, UART_STM32F4 = 1 };

/* A receiver asked this often in a row waits for the host: the board has done all it was told. */
#define IDLE_POLLS 16u

#define TICK 50000000u

void sim_block(void *engine, uint64_t address, uint32_t size, void *user);
uint64_t sim_read(void *engine, uint64_t offset, unsigned size, void *user);
void sim_write(void *engine, uint64_t offset, unsigned size, uint64_t value, void *user);
uint64_t sim_board_bytes(void);
void sim_free_tx(sim_board *b);

/* Peripherals are mapped page by page; `user` of a page is its own entry, which leads to the board. */
typedef struct {
    sim_board *board;
    uint32_t page;
} sim_page;

uint64_t sim_board_bytes(void) { return sizeof(sim_board); }

void sim_free_tx(sim_board *b)
{
    free(b->tx);
    b->tx = NULL;
    b->tx_bytes = 0;
    b->tx_room = 0;
}

void sim_block(void *engine, uint64_t address, uint32_t size, void *user)
{
    sim_board *b = (sim_board *)user;
    const uint32_t at = (uint32_t)address - b->code_base;
    sim_cost *cost;

    if (at >= b->code_bytes) {
        return;
    }
    cost = &b->costs[at / 2u];
    if (cost->size != size) {
        b->measure((uint32_t)address, size);
    }
    if (cost->owner >= 0) {
        b->owner = cost->owner;
    }
    cost->count++;
    b->totals[b->owner].instructions += cost->instructions;
    b->totals[b->owner].cycles += cost->cycles + ((uint32_t)address != b->next ? b->taken_cycles : 0u);
    b->next = (uint32_t)address + size;
    b->executed += cost->instructions;
    if (b->executed >= b->next_tick) {
        b->next_tick += TICK;
        b->tick();
    }
    if (b->executed > b->limit) {
        b->why = STOP_LIMIT;
        (void)b->stop(engine);
    }
}

static void transmit(sim_board *b, uint8_t byte)
{
    b->idle = 0;
    if (b->tx_bytes == b->tx_room) {
        const uint64_t room = b->tx_room ? 2u * b->tx_room : 4096u;
        uint8_t *more = (uint8_t *)realloc(b->tx, (size_t)room);
        if (more == NULL) {
            return;
        }
        b->tx = more;
        b->tx_room = room;
    }
    b->tx[b->tx_bytes++] = byte;
}

static uint8_t receive(sim_board *b)
{
    b->idle = 0;
    return b->rx_at < b->rx_bytes ? b->rx[b->rx_at++] : 0u;
}

/* Whether a byte is there to be read; stops the board where it waits for one. */
static uint32_t received(sim_board *b)
{
    if (b->rx_at < b->rx_bytes) {
        return 1u;
    }
    if (++b->idle == IDLE_POLLS) {
        b->idle = 0;
        b->why = STOP_IDLE;
        (void)b->stop(b->engine);
    }
    return 0u;
}

/* 1: it was one of the serial port's own registers: status (always ready to send) or received data. */
static int uart_read(sim_board *b, uint32_t offset, uint64_t *value)
{
    const uint32_t status = b->uart == UART_STM32F7 ? 0x1Cu : 0x00u;
    const uint32_t data = b->uart == UART_STM32F7 ? 0x24u : 0x04u;

    if (offset == status) {
        *value = 0xC0u | (received(b) << 5);
        return 1;
    }
    if (offset == data) {
        *value = receive(b);
        return 1;
    }
    return 0;
}

static uint32_t uart_transmit_offset(const sim_board *b) { return b->uart == UART_STM32F7 ? 0x28u : 0x04u; }

static uint32_t word_at(const sim_board *b, uint32_t address)
{
    for (uint32_t i = 0; i < b->pages; i++) {
        if (address - b->page_base[i] < 4096u) {
            return b->registers[i][(address - b->page_base[i]) / 4u];
        }
    }
    return 0;
}

uint64_t sim_read(void *engine, uint64_t offset, unsigned size, void *user)
{
    const sim_page *p = (const sim_page *)user;
    sim_board *b = p->board;
    const uint32_t address = b->page_base[p->page] + (uint32_t)offset;
    uint64_t value;

    (void)engine;
    if (uart_read(b, address - b->uart_base, &value)) {
        return value;
    }
    value = b->registers[p->page][offset / 4u];
    for (uint32_t i = 0; i < b->ready_count; i++) {
        if (b->ready[i].address == (address & ~3u)) {
            value |= (uint64_t)((word_at(b, b->ready[i].source) & b->ready[i].mask) << b->ready[i].shift);
        }
    }
    value >>= 8u * (offset & 3u);
    return size >= 4u ? value : value & ((UINT64_C(1) << (8u * size)) - 1u);
}

void sim_write(void *engine, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    const sim_page *p = (const sim_page *)user;
    sim_board *b = p->board;
    const uint32_t address = b->page_base[p->page] + (uint32_t)offset;

    (void)engine;
    if (address - b->uart_base == uart_transmit_offset(b)) {
        transmit(b, (uint8_t)value);
        return;
    }
    memcpy((uint8_t *)&b->registers[p->page][offset / 4u] + (offset & 3u), &value, size <= 4u ? size : 4u);
}
