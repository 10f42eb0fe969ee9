/* The firmware: answers the host's requests, for ever. A request and its answer are a frame each (link.h), with an
 * argument, a, and a payload of bytes or of 32-bit numbers.
 *
 *     I                         -> i  begin a session: facts[], then hash, target and version of edgec, each ended by 0
 *     D  a: offset; bytes       -> d  input: of all inputs, or of the row that is wanted
 *     R                         -> r  one inference; of a streamed model: is the result there?
 *     O  a: offset; bytes       -> o  so many bytes of all outputs
 *     S  a: STEP_               -> s  one step of the plan, or all up to where rows are due: steps[]
 *     W  a: offset; bytes       -> w  write into the arena
 *     G  a: offset; bytes       -> g  so many bytes of the arena
 *     P                         -> p  paint the arena, so that H can tell what was written
 *     H                         -> h  stack bytes, most used; arena bytes, highest written
 *     Z                         reset; no answer
 *     X                         -> x  end
 *
 * A model whose input is streamed takes it row by row, and waits with each answer until it is ready for more:
 *
 *     B                         -> b  begin an inference; offset in all inputs and bytes of the row wanted (0: ready)
 *     N                         -> n  the row is there: the same, after all that could be computed
 *
 * A request that fails is answered by e, its argument an ERROR_ below. What came last may be asked again, by the same
 * sequence: it is not done twice, but answered again. A fault sends f (startup.c).
 */
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "link.h"
#include "model.h"
#ifdef MODEL_SPLIT
#include <stdlib.h>

#include "threads.h"
#endif

#define PROTOCOL_VERSION 3u

enum {
    ERROR_CRC = 1,
    ERROR_LENGTH = 2,
    ERROR_TYPE = 3,
    ERROR_RANGE = 4,
    ERROR_EARLY = 5,
    ERROR_SESSION = 6,
    ERROR_WEIGHTS = 7
};

/* Bits of the last of the facts. */
#define FACTS 6u
#define FLAG_STREAMED 1u
#define FLAG_DAMAGED 2u
#define FLAG_FIRST 4u

/* Bits of S's argument; from STEP_LAYER_SHIFT on the first layer whose cycles are counted by themselves. */
#define STEP_RESTART 1u
#define STEP_ON 2u
#define STEP_LAYER_SHIFT 2
#define STEP_LAYERS 8u

#ifdef MODEL_STREAM
#define STREAMED FLAG_STREAMED
#else
#define STREAMED 0u
#endif

/* A section of its own: the link report shows the arena by itself, and start-up need not clear it. */
#if defined(__GNUC__) && __STDC_HOSTED__ == 0
__attribute__((section(".bss.arena")))
#endif
static model_ctx ctx;

/* What was asked last, for it may be asked again; type 0: nothing, and there is no session. */
static uint16_t last_sequence;
static uint8_t last_type;

/* The last answer to S: 1, or 2 where no step was left; layer, first and last row of the last step; cycles of all
 * steps, and of those of layers from the first one on. */
static struct {
    uint32_t state;
    uint32_t layer;
    uint32_t first;
    uint32_t last;
    uint32_t cycles;
    uint32_t by_layer[STEP_LAYERS];
} steps;

/* Whether the weights in flash are not those of the build. */
static uint8_t damaged;

static void identify(const link_frame *request)
{
    static const char text[] = MODEL_HASH "\0" MODEL_TARGET "\0" MODEL_VERSION;
    const uint32_t flags = STREAMED | (damaged ? FLAG_DAMAGED : 0u) | (last_type == 0u ? FLAG_FIRST : 0u);
    const uint32_t facts[FACTS] = {PROTOCOL_VERSION,   MODEL_ARENA_BYTES, MODEL_INPUT_BYTES,
                                   MODEL_OUTPUT_BYTES, MODEL_LAYERS,      flags};
    link_frame f;

    link_send_begin(&f, request, 'i', (uint32_t)(sizeof facts + sizeof text));
    link_send_words(&f, facts, FACTS);
    link_send(&f, text, (uint32_t)sizeof text);
    link_send_end(&f);
}

/* Each byte of the paint differs from its neighbours, so that constant data does not hide in it. */
static uint8_t paint(uint32_t i) { return (uint8_t)(i * 167u + (i >> 8) * 31u + 13u); }

static void paint_arena(void)
{
    for (uint32_t i = 0; i < MODEL_ARENA_BYTES; i++) {
        ctx.arena[i] = paint(i);
    }
}

static void high_water(const link_frame *request)
{
    uint32_t used = MODEL_ARENA_BYTES;

    while (used > 0u && ctx.arena[used - 1u] == paint(used - 1u)) {
        used--;
    }
    const uint32_t marks[4] = {board_stack_bytes(), board_stack_used(), MODEL_ARENA_BYTES, used};
    link_answer_words(request, marks, 4);
}

/* Sends `bytes` bytes of all outputs from an offset on. */
static void send_outputs(const link_frame *request, uint32_t bytes)
{
    uint32_t offset = request->argument;
    link_frame f;

    link_send_begin(&f, request, 'o', bytes);
    for (uint32_t i = 0; i < MODEL_OUTPUTS; i++) {
        const uint32_t size = model_outputs[i].bytes;
        if (offset < size) {
            const uint32_t part = bytes < size - offset ? bytes : size - offset;
            link_send(&f, ctx.arena + model_outputs[i].address + offset, part);
            bytes -= part;
            offset = size;
        }
        offset -= size;
    }
    link_send_end(&f);
}

/* The simulator knows by their names, main_ and link_, that these functions are no part of an inference. */
#ifdef MODEL_STREAM
/* Bytes of the row that is wanted now, 0 where none is. */
static uint32_t main_input_bytes(void)
{
    const int32_t input = model_wants(&ctx);

    return input < 0 ? 0u : model_inputs[input].row_bytes;
}

static int main_take_input(link_frame *f)
{
    return link_take(f, (uint8_t *)model_next_row(&ctx) + f->argument, f->length);
}

static void main_say_wanted(const link_frame *request)
{
    const int32_t input = model_wants(&ctx);
    uint32_t wanted[2] = {0, main_input_bytes()};

    for (int32_t i = 0; i < input; i++) {
        wanted[0] += model_inputs[i].rows * model_inputs[i].row_bytes;
    }
    if (input >= 0) {
        wanted[0] += ctx.fed[input] * model_inputs[input].row_bytes;
    }
    link_answer_words(request, wanted, 2);
}

static uint32_t main_run(const link_frame *request, int again)
{
    if (request->type == 'R') {
        if (model_wants(&ctx) != MODEL_ERROR_END) {
            return ERROR_EARLY;
        }
        link_answer(request, ctx.arena, 0);
        return 0;
    }
    if (!again) {
        board_busy(1);
        (void)(request->type == 'B' ? model_begin(&ctx) : model_advance(&ctx));
        board_busy(0);
    }
    main_say_wanted(request);
    return 0;
}
#else
static uint32_t main_input_bytes(void) { return MODEL_INPUT_BYTES; }

static int main_take_input(link_frame *f)
{
    uint32_t offset = f->argument;
    uint32_t bytes = f->length;

    for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
        const uint32_t size = model_inputs[i].bytes;
        if (offset < size) {
            const uint32_t part = bytes < size - offset ? bytes : size - offset;
            if (link_take(f, ctx.arena + model_inputs[i].address + offset, part) != 0) {
                return 1;
            }
            bytes -= part;
            offset = size;
        }
        offset -= size;
    }
    return 0;
}

#ifdef MODEL_SPLIT
static model_pool *pool;

/* --threads N; without it there is one. */
static void main_start_threads(int argc, char **argv)
{
    if (argc == 1) {
        return;
    }
    pool = argc == 3 && strcmp(argv[1], "--threads") == 0 ? model_pool_start(atoi(argv[2])) : NULL;
    if (pool == NULL) {
        board_exit(2);
    }
}

static void main_infer(void)
{
    if (pool != NULL) {
        model_run_threads(&ctx, pool);
    } else {
        model_run(&ctx);
    }
}
#else
static void main_infer(void) { model_run(&ctx); }
#endif

static uint32_t main_run(const link_frame *request, int again)
{
    if (request->type != 'R') {
        return ERROR_TYPE;
    }
    if (!again) {
        board_busy(1);
        main_infer();
        board_busy(0);
    }
    link_answer(request, ctx.arena, 0);
    return 0;
}
#endif

/* Whether offset and bytes lie within `size`. */
static int within(uint32_t offset, uint32_t bytes, uint32_t size) { return offset <= size && bytes <= size - offset; }

/* Receives the payload, straight to where it belongs. 0: taken; positive: the host has gone; negative: -ERROR. */
static int main_receive(link_frame *f, uint8_t args[4])
{
    const int reads = f->type == 'G' || f->type == 'O';
    int error = ERROR_SESSION;

    if (last_type != 0u || f->type == 'I' || f->type == 'X' || f->type == 'Z') {
        error = 0;
        if (f->type == 'D' || f->type == 'W') {
            error = within(f->argument, f->length, f->type == 'D' ? main_input_bytes() : MODEL_ARENA_BYTES)
                        ? 0
                        : ERROR_RANGE;
        } else if (f->length != (reads ? 4u : 0u)) {
            error = ERROR_LENGTH;
        }
    }
    if (error != 0) {
        if (link_skip(f, f->length) != 0) {
            return 1;
        }
    } else if (f->type == 'D' ? main_take_input(f) : link_take(f, f->type == 'W' ? ctx.arena + f->argument : args, f->length)) {
        return 1;
    }
    const int state = link_end(f);
    return state > 0 ? 1 : state < 0 ? -ERROR_CRC : -error;
}

static void step(const link_frame *request)
{
    const uint32_t layer = request->argument >> STEP_LAYER_SHIFT;
    model_block done = {0, 0, 0};

    memset(&steps, 0, sizeof steps);
    if ((request->argument & STEP_RESTART) != 0u) {
        model_rewind(&ctx);
    }
    board_count();
    do {
        const uint32_t before = board_cycles();
        steps.state = (uint32_t)model_step(&ctx, &done);
        const uint32_t spent = board_cycles() - before;
        steps.cycles += spent;
        if (steps.state == MODEL_MORE && (uint32_t)done.layer - layer < STEP_LAYERS) {
            steps.by_layer[(uint32_t)done.layer - layer] += spent;
        }
    } while ((request->argument & STEP_ON) != 0u && steps.state == MODEL_MORE && done.layer < MODEL_LAYERS);
    steps.layer = (uint32_t)done.layer;
    steps.first = (uint32_t)done.first;
    steps.last = (uint32_t)done.last;
}

/* Does what was asked, unless it was done, and answers. Not 0: the error. */
static uint32_t main_perform(const link_frame *f, const uint8_t args[4])
{
    const int again = f->type == last_type && f->sequence == last_sequence;
    const uint32_t bytes = link_get32(args);

    switch (f->type) {
    case 'I':
        identify(f);
        break;
    case 'R':
    case 'B':
    case 'N':
        return damaged ? ERROR_WEIGHTS : main_run(f, again);
    case 'S':
        if (damaged) {
            return ERROR_WEIGHTS;
        }
        if (!again) {
            step(f);
        }
        link_answer_words(f, &steps.state, sizeof steps / sizeof steps.state);
        break;
    case 'O':
        if (bytes > LINK_MOST || !within(f->argument, bytes, MODEL_OUTPUT_BYTES)) {
            return ERROR_RANGE;
        }
        send_outputs(f, bytes);
        break;
    case 'G':
        if (bytes > LINK_MOST || !within(f->argument, bytes, MODEL_ARENA_BYTES)) {
            return ERROR_RANGE;
        }
        link_answer(f, ctx.arena + f->argument, bytes);
        break;
    case 'P':
        paint_arena();
        link_answer(f, args, 0);
        break;
    case 'H':
        high_water(f);
        break;
    case 'Z':
        board_reset();
        break;
    case 'D':
    case 'W':
        link_answer(f, args, 0);
        break;
    case 'X':
        link_answer(f, args, 0);
        board_exit(0);
        break;
    default:
        return ERROR_TYPE;
    }
    return 0;
}

#ifdef MODEL_SPLIT
int main(int argc, char **argv)
#else
int main(void)
#endif
{
    link_frame f;
    uint8_t args[4] = {0, 0, 0, 0};

#ifdef MODEL_SPLIT
    main_start_threads(argc, argv);
#endif
    damaged = (uint8_t)!board_weights_intact();
    while (link_begin(&f) == 0) {
        const int state = main_receive(&f, args);
        if (state > 0) {
            break;
        }
        const uint32_t error = state < 0 ? (uint32_t)-state : main_perform(&f, args);
        if (error != 0u) {
            link_answer_error(&f, error);
        } else {
            last_type = f.type;
            last_sequence = f.sequence;
        }
    }
    board_exit(0);
    return 0;
}
