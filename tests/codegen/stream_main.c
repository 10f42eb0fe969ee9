/* A firmware for tests of the push interface, in place of runtime/main.c:
 *
 *     U  n, all inputs  -> u  the inference's outputs, fed n rows at a time (0: without a copy)
 *     M  all inputs     -> m  number of the first check that failed, 0 for none; the outputs
 *     T  all inputs     -> t  the outputs, with a second context at work, some rows behind
 *
 * M uses the interface in every wrong way in the middle of an inference that then comes out right.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "link.h"
#include "model.h"

static model_ctx contexts[2];
static model_ctx *active = contexts;
#define ctx (*active)
static uint8_t input[4 + MODEL_INPUT_BYTES];
static const uint8_t *at[MODEL_INPUTS]; /* the next row of each input */

static int32_t feed(int32_t k, const void *rows, uint32_t bytes)
{
#if MODEL_INPUTS == 1
    (void)k;
    return model_feed(&ctx, rows, bytes);
#else
    return k == MODEL_FEED_LEFT ? model_feed_left(&ctx, rows, bytes) : model_feed_right(&ctx, rows, bytes);
#endif
}

static void rewind_inputs(const uint8_t *from)
{
    for (uint32_t k = 0; k < MODEL_INPUTS; k++) {
        at[k] = from;
        from += model_inputs[k].rows * model_inputs[k].row_bytes;
    }
}

/* The next `most` rows of the input that is wanted, fewer where another input's come first. */
static int32_t some(uint32_t most)
{
    const int32_t k = model_wants(&ctx);
    const uint32_t room = model_room(&ctx);
    const uint32_t bytes = (most < room ? most : room) * model_inputs[k].row_bytes;
    const uint8_t *rows = at[k];

    at[k] += bytes;
    return feed(k, rows, bytes);
}

static int32_t in_place(void)
{
    const int32_t k = model_wants(&ctx);

    memcpy(model_next_row(&ctx), at[k], model_inputs[k].row_bytes);
    at[k] += model_inputs[k].row_bytes;
    return model_advance(&ctx);
}

static void use(uint32_t most)
{
    int32_t state = model_begin(&ctx);

    while (state == MODEL_MORE) {
        state = most > 0u ? some(most) : in_place();
    }
}

static void two_at_once(const uint8_t *from)
{
    const uint8_t *places[2][MODEL_INPUTS];
    int32_t states[2];

    rewind_inputs(from);
    for (uint32_t c = 0; c < 2u; c++) {
        active = &contexts[c];
        states[c] = model_begin(&ctx);
        memcpy(places[c], at, sizeof at);
    }
    for (uint32_t turn = 0; states[0] == MODEL_MORE || states[1] == MODEL_MORE; turn++) {
        const uint32_t c = turn < 3u ? 0u : turn & 1u;
        active = &contexts[c];
        if (states[c] == MODEL_MORE) {
            memcpy(at, places[c], sizeof at);
            states[c] = some(1);
            memcpy(places[c], at, sizeof at);
        }
    }
}

static int32_t early(void)
{
    const int8_t *result = (const int8_t *)input;
    const int32_t state = model_result(&ctx, &result);

    return result == NULL ? state : 0;
}

/* With rows wanted: wrong feeding is refused. `n` numbers the checks. 0: all as they should be. */
static uint32_t refusals(uint32_t n)
{
    const int32_t k = model_wants(&ctx);
    const uint32_t row = model_inputs[k].row_bytes;
    const uint32_t room = model_room(&ctx);
    const uint8_t *next = (const uint8_t *)model_next_row(&ctx);

    if (early() != MODEL_ERROR_EARLY) {
        return n + 1u;
    }
    if (feed(k, at[k], row + 1u) != MODEL_ERROR_SIZE || feed(k, NULL, row) != MODEL_ERROR_SIZE) {
        return n + 2u;
    }
    if (feed(k, at[k], (room + 1u) * row) != MODEL_ERROR_ROWS || feed(k, at[k], 0) != MODEL_MORE) {
        return n + 3u;
    }
#if MODEL_INPUTS > 1
    if (feed(1 - k, at[1 - k], model_inputs[1 - k].row_bytes) != MODEL_ERROR_ORDER) {
        return n + 4u;
    }
#endif
    /* Nothing of all that was taken. */
    if (model_wants(&ctx) != k || model_room(&ctx) != room || model_next_row(&ctx) != next) {
        return n + 5u;
    }
    return 0;
}

/* With no rows wanted. */
static int refuses(int32_t code)
{
    for (int32_t k = 0; k < MODEL_INPUTS; k++) {
        if (feed(k, input, model_inputs[k].row_bytes) != code) {
            return 0;
        }
    }
    return model_advance(&ctx) == code && model_wants(&ctx) == code && model_room(&ctx) == 0u &&
           model_next_row(&ctx) == NULL;
}

static uint32_t misuse(void)
{
    const int8_t *first = NULL;
    const int8_t *again = NULL;
    int32_t state;
    uint32_t failed;

    memset(&ctx, 0, sizeof ctx);
    if (!refuses(MODEL_ERROR_BEGIN) || early() != MODEL_ERROR_EARLY) {
        return 1;
    }
    /* An inference that is left in the middle. */
    (void)model_begin(&ctx);
    (void)some(1);
    (void)some(1);
    rewind_inputs(input);
    state = model_begin(&ctx);
    for (uint32_t n = 100; state == MODEL_MORE; n += 100u) {
        failed = refusals(n);
        if (failed != 0u) {
            return failed;
        }
        state = some(1);
    }
    if (state != MODEL_READY || model_result(&ctx, &first) != MODEL_READY || first == NULL) {
        return 2;
    }
    if (!refuses(MODEL_ERROR_END) || model_result(&ctx, &again) != MODEL_READY || again != first) {
        return 3;
    }
    return 0;
}

static void answer(const link_frame *request, const void *head, uint32_t bytes)
{
    link_frame f;

    link_send_begin(&f, request, (char)(request->type | 0x20u), bytes + MODEL_OUTPUT_BYTES);
    link_send(&f, head, bytes);
    link_send(&f, ctx.arena + model_outputs[0].address, model_outputs[0].bytes);
    link_send_end(&f);
}

int main(void)
{
    link_frame f;
    uint8_t number[4];

    while (link_begin(&f) == 0) {
        if (link_take(&f, input, f.length) != 0 || link_end(&f) != 0) {
            break;
        }
        if (f.type == 'T') {
            two_at_once(input);
            answer(&f, number, 0);
            active = contexts;
        } else if (f.type == 'U') {
            rewind_inputs(input + 4);
            use(link_get32(input));
            answer(&f, number, 0);
        } else {
            rewind_inputs(input);
            link_put32(number, misuse());
            answer(&f, number, sizeof number);
        }
    }
    board_exit(0);
    return 0;
}
