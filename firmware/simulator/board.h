/* What the compiled half of a simulated board knows; edgec/sim/native.py mirrors the structures.
 * Runs on the developer's machine.
 */
#ifndef SIMULATOR_BOARD_H
#define SIMULATOR_BOARD_H

#include <stddef.h>
#include <stdint.h>

typedef int (*stop_function)(void *engine);
typedef int (*memory_function)(void *engine, uint64_t address, void *bytes, size_t count);
typedef int (*register_function)(void *engine, int which, void *value);
typedef int (*memory_function)(void *engine, uint64_t address, void *data, uint64_t bytes);

/* What one basic block costs, by the half-word it begins at. Filled by Python when `size` differs. */
typedef struct {
    uint32_t size;
    uint32_t instructions;
    uint32_t cycles;  /* behind a pipeline at rest, memories at once there */
    int32_t owner;    /* slot that is charged from here on; -1: the one that was */
    uint32_t jump;    /* JUMP_ of its last instruction */
    uint32_t jump_at; /* where that is */
    uint32_t missed;  /* cycles it costs where it goes another way than predicted */
    uint32_t refill;  /* cycles that a jump to this block costs on a core without a predictor */
    uint32_t from;    /* the block that came before last time, +1 for a jump from it */
    uint32_t behind;  /* cycles behind that one */
    uint32_t conditional; /* not 0: it has loads or stores in an IT block */
    uint64_t executed; /* instructions */
    uint64_t spent;    /* cycles, waits for memories included */
} sim_cost;

#define CODES 2u

/* Memory that instructions lie in, and what the blocks there cost. */
typedef struct {
    uint32_t base;
    uint32_t bytes;
    sim_cost *costs;
} sim_code;

typedef struct {
    uint64_t instructions;
    uint64_t cycles;
} sim_total;

/* Cycles of a block behind another one. */
typedef struct {
    uint32_t from;
    uint32_t to;
    uint32_t cycles;
} sim_pair;

/* Reading `address` also gives `bits` where the bits `mask` of `source` are `value`: a ready flag. */
typedef struct {
    uint32_t address;
    uint32_t bits;
    uint32_t source;
    uint32_t mask;
    uint32_t value;
} sim_ready;

/* A memory behind caches. Cycles are those of the core. */
typedef struct {
    void *board;
    uint32_t base;
    uint32_t bytes;
    uint32_t first; /* cycles that an access waits */
    uint32_t next;  /* the same where it goes on behind the line before */
    uint32_t beat_bytes;
    uint32_t beat_cycles;
    uint32_t prefetch; /* reads the next line of code ahead */
    uint32_t follows;  /* the address behind the line read last */
    uint64_t free;     /* when it may be asked again */
} sim_memory;

#define MOST_LINES 2048u

typedef struct {
    uint32_t shift; /* log2 of a line's bytes; 0: there is no cache */
    uint32_t sets;
    uint32_t ways;
    uint32_t recent; /* 1: the least recently used line goes, 0: each way in turn */
    uint64_t clock;
    uint32_t lines[MOST_LINES]; /* number + 1 of the line in each place; 0: none */
    uint64_t used[MOST_LINES];  /* when a line was used last; of a set's first way: whose turn it is */
    uint8_t dirty[MOST_LINES];
} sim_cache;

/* The line that is on its way, or came last. */
typedef struct {
    const sim_memory *memory;
    uint32_t line;  /* number + 1 */
    uint32_t beats; /* in a line */
    uint32_t asked; /* the beat that comes first */
    uint64_t first; /* when it comes */
} sim_fill;

#define MOST_BRANCHES 256u
#define BRANCH_WAYS 4u
#define MEMORIES 8u

typedef struct {
    uint32_t at;
    uint32_t target;
    uint32_t taken; /* 2-bit counter */
} sim_branch;

typedef struct {
    uint32_t on;     /* cycles are counted */
    uint32_t paired; /* blocks depend on what came before */
    uint32_t miss;   /* cycles of the core and its bus for a miss */
    uint32_t unaligned;
    uint32_t branches; /* entries of the predictor, a power of two; 0: none */
    uint32_t memories;
    uint32_t turn; /* of the predictor's ways */
    uint32_t before_at;
    uint32_t ahead;      /* line of code that was read ahead, number + 1 */
    uint32_t here;       /* line of code that runs, number + 1 */
    uint64_t ahead_time; /* when it was there */
    uint64_t now;
    sim_cost *before;
    sim_cost *running;
    sim_pair *pairs;
    uint64_t pairs_room; /* a power of two */
    uint64_t pairs_used;
    sim_memory memory[MEMORIES];
    sim_branch branch[MOST_BRANCHES];
    sim_memory *fetched; /* the memory behind caches that is read by DMA, until `arrives` */
    uint64_t arrives;
    sim_fill data_fill;
    sim_fill code_fill;
    sim_cache data;
    sim_cache code;
} sim_timing;

/* A transfer by DMA. bytes: 0 where none is under way. */
typedef struct {
    uint32_t base; /* of the controller's registers; 0: there is none */
    uint32_t from;
    uint32_t to;
    uint32_t words;
    uint32_t bytes;
    uint32_t flags;
} sim_dma;

typedef struct {
    void *engine;
    stop_function stop;
    register_function read_register;
    register_function write_register;
    memory_function read_memory;
    memory_function write_memory;
    void (*measure)(uint32_t address, uint32_t size);
    uint32_t (*measure_pair)(uint32_t from, uint32_t to, uint32_t jumped);
    void (*tick)(void); /* called every TICK instructions, so that Python hears of Ctrl-C */
    sim_code code[CODES];
    sim_total *totals; /* by slot */
    int32_t owner;
    uint64_t executed;
    uint64_t next_tick;
    uint64_t limit; /* instructions after which the board is stopped */
    int32_t why;    /* STOP_ below */
    int32_t uart;   /* UART_ below */
    uint32_t uart_base;
    uint32_t ram_base; /* what the serial port's DMA reaches */
    uint32_t ram_bytes;
    uint32_t dma_at; /* where the next received byte goes, and how many are wanted */
    uint32_t dma_left;
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
    uint64_t clock;          /* instructions since the last reset */
    uint64_t cycles;         /* the same in cycles where those are counted */
    uint64_t systick;        /* the time of `cycles` at which SysTick goes round; 0: it is off */
    uint64_t watchdog;       /* the time of `clock` at which it bites; 0: it is off */
    uint32_t tick_cycles;    /* cycles of the core in one of the watchdog's oscillator */
    uint32_t watchdog_base;  /* its registers; 0: there is none */
    uint32_t mark_port;      /* registers of the port whose pins are watched; 0: none */
    uint64_t edges;          /* how often its pins changed */
    uint64_t busy;           /* instructions while one of them was high */
    uint64_t since;          /* when it last went high */
    uint32_t mpu_base[8];    /* of each region of the MPU what was written to RBAR */
    uint32_t mpu_control[8]; /* and to RASR */
    uint32_t registers[16][1024];
    sim_dma dma;
    sim_timing timing;
} sim_board;

enum { STOP_NONE = 0, STOP_IDLE = 1, STOP_LIMIT = 2, STOP_RESET = 3, STOP_WATCHDOG = 4, STOP_TICK = 5 };
enum { UART_STM32_V2 = 0, UART_STM32_V1 = 1, UART_PL011 = 2, UART_UARTE = 3 };
enum { JUMP_NONE = 0, JUMP_CONDITIONAL = 1, JUMP_ALWAYS = 2 };

/* timing.c: the cycles of a block that begins to run. */
uint64_t timing_block(sim_board *b, sim_cost *cost, uint32_t address);

/* The same file: the memory behind caches at an address, NULL for none; the place of a line in a cache, or -1. */
sim_memory *timing_memory(sim_timing *t, uint32_t address);
int timing_find(sim_cache *c, uint32_t line);

/* dma.c: registers of the controller, `offset` behind its first. value: what was written there. */
uint64_t dma_read(sim_board *b, uint32_t offset, uint64_t value);
void dma_write(sim_board *b, uint32_t offset, uint32_t value);

/* The same file: the data cache forgets what it has of an address. */
void dma_forget(sim_board *b, uint32_t address);

#endif
