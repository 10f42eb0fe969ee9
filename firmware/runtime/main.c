/* The firmware: answers the host's requests, for ever.
 *
 *     I                        -> i  version, arena, input, output bytes, layers; the model's hash
 *     R  all inputs            -> r  all outputs, after one inference
 *     W  offset, bytes         -> w  write into the arena
 *     L  index                 -> l  run one layer on what lies in the arena
 *     G  offset, length        -> g  read from the arena
 *     P                        -> p  paint the arena, so that H can tell what was written
 *     H                        -> h  stack bytes, most used; arena bytes, highest written
 *     X                        -> x  end
 *
 * Numbers are 32 bits, little-endian. A request that fails is answered by e and one number,
 * an ERROR_ below. A fault sends f (startup.c).
 */
#include <stdint.h>

#include "board.h"
#include "link.h"
#include "model.h"

#define PROTOCOL_VERSION 1u

enum { ERROR_CRC = 1, ERROR_LENGTH = 2, ERROR_TYPE = 3, ERROR_RANGE = 4 };

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
    static const uint32_t facts[5] = {PROTOCOL_VERSION, MODEL_ARENA_BYTES, MODEL_INPUT_BYTES,
                                      MODEL_OUTPUT_BYTES, MODEL_LAYERS};
    static const char hash[] = MODEL_HASH;
    link_frame f;

    link_send_begin(&f, 'i', request->sequence, (uint32_t)(sizeof facts + sizeof hash - 1u));
    for (uint32_t i = 0; i < 5u; i++) {
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

/* Receives the payload. 0: taken as a whole; positive: the host has gone; negative: -ERROR. */
static int receive(link_frame *f, uint8_t args[8])
{
    uint32_t offset;

    switch (f->type) {
    case 'R':
        if (f->length != MODEL_INPUT_BYTES) {
            break;
        }
        for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
            if (link_take(f, ctx.arena + model_inputs[i].address, model_inputs[i].bytes) != 0) {
                return 1;
            }
        }
        return link_end(f);
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
    case 'L':
    case 'G':
        if (f->length != (f->type == 'L' ? 4u : 8u)) {
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

static void run_layer(const link_frame *request, const uint8_t args[8])
{
    const uint32_t index = link_get32(args);

    if (index >= MODEL_LAYERS) {
        answer_error(request, ERROR_RANGE);
        return;
    }
    model_layer(&ctx, (int32_t)index);
    answer(request, args, 0);
}

int main(void)
{
    link_frame f;
    uint8_t args[8];

    while (link_begin(&f) == 0) {
        const int state = receive(&f, args);
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
        case 'R':
            model_run(&ctx);
            send_outputs(&f);
            break;
        case 'W':
            answer(&f, args, 0);
            break;
        case 'L':
            run_layer(&f, args);
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
