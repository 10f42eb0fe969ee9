/* The parts of a simulated board that must be fast: the serial port and the other peripherals,
 * and the counting of instructions. Unicorn calls sim_block, sim_read and sim_write.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"

/* A receiver asked this often in a row waits for the host: the board has done all it was told. */
#define IDLE_POLLS 16u

#define TICK 50000000u

#define DMA_BYTES 0x28u     /* the registers up to those of stream 0 */
#define DCIMVAC 0xE000EF5Cu /* invalidates a line of the data cache */
/* Registers of the core, and STM32's independent watchdog. */
#define AIRCR 0xE000ED0Cu
#define AIRCR_RESET 0x05FA0004u
#define DWT_CTRL 0xE0001000u
#define DWT_CYCCNT 0xE0001004u
#define SYST_CSR 0xE000E010u
#define SYST_CVR 0xE000E018u
#define SYSTICK_ON 3u
#define SYSTICK_ROUND (UINT64_C(1) << 24)
#define MPU_RNR 0xE000ED98u
#define MPU_RBAR 0xE000ED9Cu
#define MPU_RASR 0xE000EDA0u
#define IWDG_PR 4u
#define IWDG_RLR 8u
#define GPIO_ODR 0x14u
#define GPIO_BSRR 0x18u
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

static sim_cost *cost_at(const sim_board *b, uint32_t address)
{
    for (uint32_t i = 0; i < CODES; i++) {
        const uint32_t at = address - b->code[i].base;
        if (at < b->code[i].bytes) {
            return &b->code[i].costs[at / 2u];
        }
    }
    return NULL;
}

void sim_block(void *engine, uint64_t address, uint32_t size, void *user)
{
    sim_board *b = (sim_board *)user;
    sim_cost *cost = cost_at(b, (uint32_t)address);

    if (cost == NULL) {
        return;
    }
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
        b->cycles += cycles;
    } else {
        b->cycles += cost->instructions;
    }
    b->executed += cost->instructions;
    b->clock += cost->instructions;
    if (b->executed >= b->next_tick) {
        b->next_tick += TICK;
        b->tick();
    }
    if (b->systick != 0u && b->cycles >= b->systick && b->why == STOP_NONE) {
        b->systick += SYSTICK_ROUND;
        b->why = STOP_TICK;
        (void)b->stop(engine);
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

static uint32_t *register_at(sim_board *b, uint32_t address)
{
    static uint32_t nothing;

    for (uint32_t i = 0; i < b->pages; i++) {
        if (address - b->page_base[i] < 4096u) {
            return &b->registers[i][(address - b->page_base[i]) / 4u];
        }
    }
    nothing = 0;
    return &nothing;
}

/* Offsets of a serial port's registers: its status, received and sent data, and its control register with the bits
 * that switch it on both ways. */
typedef struct {
    uint32_t status;
    uint32_t received;
    uint32_t sent;
    uint32_t control;
    uint32_t on;
} port;

static const port ports[] = {
    {0x1C, 0x24, 0x28, 0x00, 0x0D},
    {0x00, 0x04, 0x04, 0x0C, 0x200C},
    {0x18, 0x00, 0x00, 0x30, 0x301},
    {0x110, 0xFFF, 0xFFF, 0x500, 8},
};

enum { UARTE_START_RX = 0x000, UARTE_START_TX = 0x008, UARTE_END_RX = 0x110, UARTE_END_TX = 0x120 };
enum { UARTE_RX_POINTER = 0x534, UARTE_RX_COUNT = 0x538, UARTE_TX_POINTER = 0x544, UARTE_TX_COUNT = 0x548 };

static uint32_t uart_is_on(sim_board *b)
{
    const port *p = &ports[b->uart];

    return (*register_at(b, b->uart_base + p->control) & p->on) == p->on;
}

static uint32_t uart_register(sim_board *b, uint32_t offset) { return *register_at(b, b->uart_base + offset); }

/* DMA reaches RAM alone. */
static uint32_t reached(const sim_board *b, uint32_t address, uint32_t bytes)
{
    return address >= b->ram_base && address - b->ram_base <= b->ram_bytes &&
           bytes <= b->ram_bytes - (address - b->ram_base);
}

/* Whether all bytes that are wanted have come. */
static uint32_t uarte_received(sim_board *b)
{
    if (b->dma_left > 0u && reached(b, b->dma_at, b->dma_left) && received(b)) {
        const uint64_t there = b->rx_bytes - b->rx_at;
        const uint32_t count = there < b->dma_left ? (uint32_t)there : b->dma_left;

        (void)b->write_memory(b->engine, b->dma_at, (void *)(uintptr_t)(b->rx + b->rx_at), count);
        b->idle = 0;
        b->rx_at += count;
        b->dma_at += count;
        b->dma_left -= count;
        if (b->dma_left == 0u) {
            *register_at(b, b->uart_base + UARTE_END_RX) = 1;
        }
    }
    return uart_register(b, UARTE_END_RX);
}

static void uarte_send(sim_board *b)
{
    uint32_t at = uart_register(b, UARTE_TX_POINTER);
    const uint32_t count = uart_register(b, UARTE_TX_COUNT);
    uint8_t byte;

    if (!reached(b, at, count)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        (void)b->read_memory(b->engine, at + i, &byte, 1);
        transmit(b, byte);
    }
    *register_at(b, b->uart_base + UARTE_END_TX) = 1;
}

/* 1: it was one of the serial port's own registers: status (always ready to send) or received data. One that is
 * off is never ready. */
static int uart_read(sim_board *b, uint32_t offset, uint64_t *value)
{
    const port *p = &ports[b->uart];

    if (offset == p->status) {
        const uint32_t on = uart_is_on(b);

        switch (b->uart) {
        case UART_PL011:
            *value = on ? (received(b) ? 0u : 0x10u) : 0x30u; /* receiver empty; sender full */
            break;
        case UART_UARTE:
            *value = on ? uarte_received(b) : 0u;
            break;
        default:
            *value = on ? 0xC0u | (received(b) << 5) : 0u;
            break;
        }
        return 1;
    }
    if (offset == p->received) {
        *value = receive(b);
        return 1;
    }
    return 0;
}

/* 1: what was written is not kept. */
static int uart_write(sim_board *b, uint32_t offset, uint32_t value)
{
    if (b->uart == UART_UARTE) {
        if (offset == UARTE_START_RX && value == 1u && uart_is_on(b)) {
            b->dma_at = uart_register(b, UARTE_RX_POINTER);
            b->dma_left = uart_register(b, UARTE_RX_COUNT);
        }
        if (offset == UARTE_START_TX && value == 1u && uart_is_on(b)) {
            uarte_send(b);
        }
        return 0;
    }
    if (offset == ports[b->uart].sent) {
        if (uart_is_on(b)) {
            transmit(b, (uint8_t)value);
        }
        return 1;
    }
    return 0;
}

static int is_dma(const sim_board *b, uint32_t address)
{
    return b->dma.base != 0u && address - b->dma.base < DMA_BYTES;
}

/* The DWT's counter of cycles, where it runs. */
static uint32_t cycle_count(sim_board *b)
{
    return (*register_at(b, DWT_CTRL) & 1u) == 0u ? 0u : (uint32_t)b->cycles;
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
    if (address == SYST_CVR) {
        return (b->systick - b->cycles) & (SYSTICK_ROUND - 1u);
    }
    value = b->registers[p->page][offset / 4u];
    if (is_dma(b, address)) {
        value = dma_read(b, address - b->dma.base, value);
    }
    for (uint32_t i = 0; i < b->ready_count; i++) {
        const sim_ready *r = &b->ready[i];
        if (r->address == (address & ~3u) && (*register_at(b, r->source) & r->mask) == r->value) {
            value |= r->bits;
        }
    }
    value >>= 8u * (offset & 3u);
    return size >= 4u ? value : value & ((UINT64_C(1) << (8u * size)) - 1u);
}

/* Pins that are set or reset: what a meter sees. */
static void set_pins(sim_board *b, uint32_t value)
{
    uint32_t *const out = register_at(b, b->mark_port + GPIO_ODR);
    const uint32_t next = (*out & ~(value >> 16)) | (value & 0xFFFFu);

    if (next == *out) {
        return;
    }
    b->edges++;
    if (next != 0u && *out == 0u) {
        b->since = b->clock;
    } else if (next == 0u) {
        b->busy += b->clock - b->since;
    }
    *out = next;
}

/* STM32's independent watchdog. */
static void watch(sim_board *b, uint32_t key)
{
    const uint32_t periods = *register_at(b, b->watchdog_base + IWDG_RLR) + 1u;
    const uint32_t each = (4u << *register_at(b, b->watchdog_base + IWDG_PR)) * b->tick_cycles;

    if (key == KEY_START || (key == KEY_RELOAD && b->watchdog != 0u)) {
        b->watchdog = b->clock + (uint64_t)periods * each;
    }
}

/* What writing to a register does beyond keeping the value. */
static void act(sim_board *b, uint32_t address, uint32_t value)
{
    if (address == AIRCR && value == AIRCR_RESET) {
        b->why = STOP_RESET;
        (void)b->stop(b->engine);
    } else if (address == MPU_RASR) {
        const uint32_t region = *register_at(b, MPU_RNR) & 7u;
        b->mpu_base[region] = *register_at(b, MPU_RBAR);
        b->mpu_control[region] = value;
    } else if (address == SYST_CSR) {
        b->systick = (value & SYSTICK_ON) == SYSTICK_ON ? b->cycles + SYSTICK_ROUND : 0u;
    } else if (b->watchdog_base != 0u && address == b->watchdog_base) {
        watch(b, value);
    } else if (b->mark_port != 0u && address == b->mark_port + GPIO_BSRR) {
        set_pins(b, value);
    }
}

void sim_write(void *engine, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    const sim_page *p = (const sim_page *)user;
    sim_board *b = p->board;
    const uint32_t address = b->page_base[p->page] + (uint32_t)offset;

    (void)engine;
    if (uart_write(b, address - b->uart_base, (uint32_t)value)) {
        return;
    }
    if (address == DCIMVAC) {
        dma_forget(b, (uint32_t)value);
    } else if (is_dma(b, address)) {
        dma_write(b, address - b->dma.base, (uint32_t)value);
    }
    memcpy((uint8_t *)&b->registers[p->page][offset / 4u] + (offset & 3u), &value, size <= 4u ? size : 4u);
    act(b, address, (uint32_t)value);
}
