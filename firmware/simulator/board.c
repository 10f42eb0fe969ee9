/* The parts of a simulated board that must be fast: the serial port and the other peripherals,
 * and the counting of instructions. Unicorn calls sim_block, sim_read and sim_write.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"

/* A receiver asked this often in a row waits for the host: the board has done all it was told. */
#define IDLE_POLLS 16u

#define TICK 50000000u

/* Registers of the core, and STM32's independent watchdog. */
#define AIRCR 0xE000ED0Cu
#define AIRCR_RESET 0x05FA0004u
#define DWT_CTRL 0xE0001000u
#define DWT_CYCCNT 0xE0001004u
#define MPU_RNR 0xE000ED98u
#define MPU_RBAR 0xE000ED9Cu
#define MPU_RASR 0xE000EDA0u
#define IWDG_KR 0x40003000u
#define IWDG_PR 0x40003004u
#define IWDG_RLR 0x40003008u
#define KEY_START 0xCCCCu
#define KEY_RELOAD 0xAAAAu

void sim_block(void *engine, uint64_t address, uint32_t size, void *user);
uint64_t sim_read(void *engine, uint64_t offset, unsigned size, void *user);
void sim_write(void *engine, uint64_t offset, unsigned size, uint64_t value, void *user);
uint64_t sim_board_bytes(void);
void sim_free(sim_board *b);

/* Peripherals are mapped page by page; `user` of a page is its own entry, which leads to the board. */
typedef struct {
    sim_board *board;
    uint32_t page;
} sim_page;

uint64_t sim_board_bytes(void) { return sizeof(sim_board); }

void sim_free(sim_board *b)
{
    free(b->tx);
    b->tx = NULL;
    b->tx_bytes = 0;
    b->tx_room = 0;
    free(b->timing.pairs);
    b->timing.pairs = NULL;
    b->timing.pairs_room = 0;
    b->timing.pairs_used = 0;
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
    cost->executed += cost->instructions;
    b->totals[b->owner].instructions += cost->instructions;
    if (b->timing.on) {
        const uint64_t cycles = timing_block(b, cost, (uint32_t)address);
        b->totals[b->owner].cycles += cycles;
        cost->spent += cycles;
    }
    b->executed += cost->instructions;
    b->clock += cost->instructions;
    if (b->executed >= b->next_tick) {
        b->next_tick += TICK;
        b->tick();
    }
    if (b->watchdog != 0u && b->clock > b->watchdog) {
        b->why = STOP_WATCHDOG;
        (void)b->stop(engine);
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

/* The counter of cycles, where it runs: those of the model, or instructions where that is off. */
static uint32_t cycle_count(const sim_board *b)
{
    return (word_at(b, DWT_CTRL) & 1u) == 0u ? 0u : (uint32_t)(b->timing.on ? b->timing.now : b->clock);
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
    if (address == DWT_CYCCNT) {
        return cycle_count(b);
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

/* What writing to a register does beyond keeping the value. */
static void act(sim_board *b, uint32_t address, uint32_t value)
{
    switch (address) {
    case AIRCR:
        if (value == AIRCR_RESET) {
            b->why = STOP_RESET;
            (void)b->stop(b->engine);
        }
        break;
    case MPU_RASR:
        b->mpu_base[word_at(b, MPU_RNR) & 7u] = word_at(b, MPU_RBAR);
        b->mpu_control[word_at(b, MPU_RNR) & 7u] = value;
        break;
    case IWDG_KR:
        if (value == KEY_START || (value == KEY_RELOAD && b->watchdog != 0u)) {
            b->watchdog = b->clock + (uint64_t)(word_at(b, IWDG_RLR) + 1u) * (4u << word_at(b, IWDG_PR)) * b->tick_cycles;
        }
        break;
    default:
        break;
    }
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
    act(b, address, (uint32_t)value);
}
