/* The firmware: answers the host's requests, for ever.
 *
 *     I                        -> i  version, arena, input, output bytes, layers, streamed; the model's hash
 *     R  all inputs            -> r  all outputs, after one inference
 *     W  offset, bytes         -> w  write into the arena
 *     S  1: from the start     -> s  1: the next step was performed: layer, first row, last row; 2: there is none
 *     G  offset, length        -> g  read from the arena
 *     P                        -> p  paint the arena, so that H can tell what was written
 *     H                        -> h  stack bytes, most used; arena bytes, highest written
 *     X                        -> x  end
 *
 * A model whose input is streamed takes it row by row, and waits with each answer until it is ready for more:
 *
 *     B                        -> b  begin an inference; offset in all inputs and bytes of the row wanted (0: ready)
 *     N  the row wanted        -> n  the same, after all that could be computed
 *     R                        -> r  all outputs, once they are ready
 *
 * Numbers are 32 bits, little-endian. A request that fails is answered by e and one number,
 * an ERROR_ below. A fault sends f (startup.c).
 */
#include <stdint.h>

#include "board.h"
#include "link.h"
#include "model.h"
#ifdef MODEL_SPLIT
#include <stdlib.h>
#include <string.h>

#include "threads.h"
#endif

#define PROTOCOL_VERSION 2u

enum { ERROR_CRC = 1, ERROR_LENGTH = 2, ERROR_TYPE = 3, ERROR_RANGE = 4, ERROR_EARLY = 5 };

#ifdef MODEL_STREAM
#define STREAMED 1u
#else
#define STREAMED 0u
#endif

/* A section of its own: the link report shows the arena by itself, and start-up need not clear it. */
#if defined(__GNUC__) && __STDC_HOSTED__ == 0
__attribute__((section(".bss.arena")))
#endif
static model_ctx ctx;

static void answer(const link_frame *request, const void *data, uint32_t bytes)
{
    link_frame f;

    link_send_begin(&f, (char)(request->type | 0x20u), request->sequence, bytes);
    link_send(&f, data, bytes);
    link_send_end(&f);
}

static void answer_error(const link_frame *request, uint32_t error)
{
    link_frame f;
    uint8_t payload[4];

    link_put32(payload, error);
    link_send_begin(&f, 'e', request->sequence, sizeof payload);
    link_send(&f, payload, sizeof payload);
    link_send_end(&f);
}

static void identify(const link_frame *request)
{
    static const uint32_t facts[6] = {PROTOCOL_VERSION,   MODEL_ARENA_BYTES, MODEL_INPUT_BYTES,
                                      MODEL_OUTPUT_BYTES, MODEL_LAYERS,      STREAMED};
    static const char hash[] = MODEL_HASH;
    link_frame f;

    link_send_begin(&f, 'i', request->sequence, (uint32_t)(sizeof facts + sizeof hash - 1u));
    for (uint32_t i = 0; i < 6u; i++) {
        uint8_t word[4];
        link_put32(word, facts[i]);
        link_send(&f, word, sizeof word);
    }
    link_send(&f, hash, (uint32_t)(sizeof hash - 1u));
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
    uint8_t payload[16];
    uint32_t used = MODEL_ARENA_BYTES;

    while (used > 0u && ctx.arena[used - 1u] == paint(used - 1u)) {
        used--;
    }
    link_put32(payload, board_stack_bytes());
    link_put32(payload + 4, board_stack_used());
    link_put32(payload + 8, MODEL_ARENA_BYTES);
    link_put32(payload + 12, used);
    answer(request, payload, sizeof payload);
}

static void send_outputs(const link_frame *request)
{
    link_frame f;

    link_send_begin(&f, 'r', request->sequence, MODEL_OUTPUT_BYTES);
    for (uint32_t i = 0; i < MODEL_OUTPUTS; i++) {
        link_send(&f, ctx.arena + model_outputs[i].address, model_outputs[i].bytes);
    }
    link_send_end(&f);
}

/* The simulator knows by their names, main_ and link_, that these functions are no part of an inference. */
#ifdef MODEL_STREAM
/* Bytes of the row that is wanted now, 0 where none is. */
static uint32_t main_wanted(void)
{
    const int32_t input = model_wants(&ctx);

    return input < 0 ? 0u : model_inputs[input].row_bytes;
}

static void main_say_wanted(const link_frame *request)
{
    const int32_t input = model_wants(&ctx);
    uint32_t offset = 0;
    uint8_t payload[8];

    for (int32_t i = 0; i < input; i++) {
        offset += model_inputs[i].rows * model_inputs[i].row_bytes;
    }
    if (input >= 0) {
        offset += ctx.fed[input] * model_inputs[input].row_bytes;
    }
    link_put32(payload, offset);
    link_put32(payload + 4, main_wanted());
    answer(request, payload, sizeof payload);
}

static int main_take_input(link_frame *f)
{
    const uint32_t wanted = main_wanted();

    if (f->type == 'N' && wanted > 0u) {
        return link_take(f, model_next_row(&ctx), wanted);
    }
    return 0;
}

static uint32_t main_input_bytes(uint8_t type) { return type == 'N' ? main_wanted() : 0u; }

static void main_run(const link_frame *request)
{
    if (request->type == 'R') {
        if (model_wants(&ctx) == MODEL_ERROR_END) {
            send_outputs(request);
        } else {
            answer_error(request, ERROR_EARLY);
        }
        return;
    }
    if (request->type == 'B') {
        (void)model_begin(&ctx);
    } else {
        (void)model_advance(&ctx);
    }
    main_say_wanted(request);
}
#else
static int main_take_input(link_frame *f)
{
    for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
        if (link_take(f, ctx.arena + model_inputs[i].address, model_inputs[i].bytes) != 0) {
            return 1;
        }
    }
    return 0;
}

static uint32_t main_input_bytes(uint8_t type)
{
    (void)type;
    return MODEL_INPUT_BYTES;
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

static void main_run(const link_frame *request)
{
    main_infer();
    send_outputs(request);
}
#endif

/* Receives the payload. 0: taken as a whole; positive: the host has gone; negative: -ERROR. */
static int main_receive(link_frame *f, uint8_t args[8])
{
    uint32_t offset;

    switch (f->type) {
#ifdef MODEL_STREAM
    case 'B':
    case 'N':
#endif
    case 'R':
        if (f->length != main_input_bytes(f->type)) {
            break;
        }
        return main_take_input(f) != 0 ? 1 : link_end(f);
    case 'W':
        if (f->length < 4u) {
            break;
        }
        if (link_take(f, args, 4) != 0) {
            return 1;
        }
        offset = link_get32(args);
        f->length -= 4u;
        if (offset > MODEL_ARENA_BYTES || f->length > MODEL_ARENA_BYTES - offset) {
            break;
        }
        return link_take(f, ctx.arena + offset, f->length) != 0 ? 1 : link_end(f);
    case 'S':
    case 'G':
        if (f->length != (f->type == 'S' ? 4u : 8u)) {
            break;
        }
        return link_take(f, args, f->length) != 0 ? 1 : link_end(f);
    default:
        if (f->length != 0u) {
            break;
        }
        return link_end(f);
    }
    if (link_skip(f, f->length) != 0) {
        return 1;
    }
    return link_end(f) > 0 ? 1 : -ERROR_LENGTH;
}

static void read_arena(const link_frame *request, const uint8_t args[8])
{
    const uint32_t offset = link_get32(args);
    const uint32_t bytes = link_get32(args + 4);

    if (offset > MODEL_ARENA_BYTES || bytes > MODEL_ARENA_BYTES - offset) {
        answer_error(request, ERROR_RANGE);
        return;
    }
    answer(request, ctx.arena + offset, bytes);
}

static void step(const link_frame *request, const uint8_t args[8])
{
    model_block done = {0, 0, 0};
    uint8_t payload[16];

    if (link_get32(args) != 0u) {
        model_rewind(&ctx);
    }
    link_put32(payload, (uint32_t)model_step(&ctx, &done));
    link_put32(payload + 4, (uint32_t)done.layer);
    link_put32(payload + 8, (uint32_t)done.first);
    link_put32(payload + 12, (uint32_t)done.last);
    answer(request, payload, sizeof payload);
}

#ifdef MODEL_SPLIT
int main(int argc, char **argv)
#else
int main(void)
#endif
{
    link_frame f;
    uint8_t args[8];

#ifdef MODEL_SPLIT
    main_start_threads(argc, argv);
#endif
    while (link_begin(&f) == 0) {
        const int state = main_receive(&f, args);
        if (state > 0) {
            break;
        }
        if (state < 0) {
            answer_error(&f, state == -1 ? ERROR_CRC : (uint32_t)-state);
            continue;
        }
        switch (f.type) {
        case 'I':
            identify(&f);
            break;
#ifdef MODEL_STREAM
        case 'B':
        case 'N':
#endif
        case 'R':
            main_run(&f);
            break;
        case 'W':
            answer(&f, args, 0);
            break;
        case 'S':
            step(&f, args);
            break;
        case 'G':
            read_arena(&f, args);
            break;
        case 'P':
            paint_arena();
            answer(&f, args, 0);
            break;
        case 'H':
            high_water(&f);
            break;
        case 'X':
            answer(&f, args, 0);
            board_exit(0);
            break;
        default:
            answer_error(&f, ERROR_TYPE);
            break;
        }
    }
    board_exit(0);
    return 0;
}
