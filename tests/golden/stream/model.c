/* stream, compiled for stm32f746 by edgec 0.1.0; do not edit.
 *
 * Memory map of the arena, 228 bytes. Steps are those of the plan.
 *
 *  steps            address    bytes  tensor (layer)
 *      0-21              0       30  image, 3 of 9 rows
 *      2-21            144       24  scratch of a
 *      2-22             32       60  a (stem.a), 3 of 9 rows, each in its place
 *      5-22             96       45  b (stem.b)
 *      5-22            168       40  scratch of b
 */
#include "model.h"

#include <stddef.h>
#include <string.h>

#include "weights.h"
#include "kernels/ec_conv2d_s8.h"

#if defined(__GNUC__)
#define MODEL_LAYER __attribute__((noinline))
#else
#define MODEL_LAYER
#endif

const model_stream model_inputs[MODEL_INPUTS] = {
    {0, 10, 3, 9, 10},
};
const model_span model_outputs[MODEL_OUTPUTS] = {
    {96, 45},
};

/* a: where each row lies, in words from the first byte of any. */
static const uint16_t slots_0[] = {
    44, 5, 10, 0, 5, 10, 0, 5, 10,
};

/* stem.a (conv2d): 1x9x5x2 -> 1x9x5x4, 3,240 MAC */
static const ec_conv2d_s8_params layer_000 = {
    .height = 9,
    .width = 5,
    .channels = 2,
    .out_height = 9,
    .out_width = 5,
    .out_channels = 4,
    .outputs = 4,
    .kernel_h = 3,
    .kernel_w = 3,
    .stride_h = 1,
    .stride_w = 1,
    .pad_top = 1,
    .pad_left = 1,
    .dilation_h = 1,
    .dilation_w = 1,
    .groups = 1,
    .direct = 0,
    .input_zero = 3,
    .output_zero = -128,
    .lo = -128,
    .hi = 127,
    .weights = w000_weights,
    .bias = w000_bias,
    .multiplier = w000_multiplier,
    .shift = w000_shift,
};

MODEL_LAYER void model_layer_000_stem_a(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_000_stem_a(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 0, 10, 3, NULL}, /* image */
    };
    const ec_window out[] = {
        {arena + 32, 20, 0, slots_0}, /* a */
    };
    ec_conv2d_s8(&layer_000, in, out, first, last, arena + 144);
}

/* stem.b (conv2d): 1x9x5x4 -> 1x5x3x3, 1,620 MAC */
static const ec_conv2d_s8_params layer_001 = {
    .height = 9,
    .width = 5,
    .channels = 4,
    .out_height = 5,
    .out_width = 3,
    .out_channels = 3,
    .outputs = 3,
    .kernel_h = 3,
    .kernel_w = 3,
    .stride_h = 2,
    .stride_w = 2,
    .pad_top = 1,
    .pad_left = 1,
    .dilation_h = 1,
    .dilation_w = 1,
    .groups = 1,
    .direct = 0,
    .input_zero = -128,
    .output_zero = 5,
    .lo = -128,
    .hi = 127,
    .weights = w001_weights,
    .bias = w001_bias,
    .multiplier = w001_multiplier,
    .shift = w001_shift,
};

MODEL_LAYER void model_layer_001_stem_b(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_001_stem_b(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 32, 20, 0, slots_0}, /* a */
    };
    const ec_window out[] = {
        {arena + 96, 9, 5, NULL}, /* b */
    };
    ec_conv2d_s8(&layer_001, in, out, first, last, arena + 168);
}

/* The plan is moves, one after the other: a cursor goes back by `back` rows, and from there the layer computes
 * the next `rows` rows. */
typedef struct {
    uint8_t rows;
    uint8_t back;
    uint8_t layer;
    uint8_t cursor;
} model_move;

/* Entries at .. at+length-1 of the order, `times` times. */
typedef struct {
    uint16_t at;
    uint16_t length;
    uint16_t times;
} model_stretch;

#define MODEL_STRETCHES 3
#define MODEL_RESET 2
#define MODEL_FEED 3

static const model_move model_moves[] = {
    {1, 0, 3, 0}, /* 0 image: 1 row fed */
    {1, 0, 0, 0}, /* 1 stem.a: 1 row */
    {1, 0, 1, 1}, /* 2 stem.b: 1 row */
};

static const uint8_t model_order[] = {
    0, 1, 0, 1, 2,
};

static const model_stretch model_stretches[MODEL_STRETCHES] = {
    {0, 1, 1}, /* image */
    {0, 5, 4}, /* region 0 begins: image, stem.a, stem.b */
    {3, 2, 1}, /* stem.a, stem.b */
};

/* The next move; NULL at the end. */
static inline const model_move *model_next(model_place *p)
{
    const model_stretch *s = &model_stretches[p->stretch];
    const model_move *m;

    if (p->stretch == MODEL_STRETCHES) {
        return NULL;
    }
    m = &model_moves[model_order[s->at + p->at]];
    if (++p->at == s->length) {
        p->at = 0;
        if (++p->turn == s->times) {
            p->turn = 0;
            p->stretch++;
        }
    }
    return m;
}

/* Where defined, the name of a function that is called before each step, to feed a watchdog or to mark it. */
#ifdef MODEL_BEFORE
void MODEL_BEFORE(void);
#else
#define MODEL_BEFORE() ((void)0)
#endif

static void model_perform(model_ctx *ctx, const model_move *m)
{
    const int32_t first = (int32_t)ctx->row[m->cursor] - (int32_t)m->back;
    const int32_t last = first + (int32_t)m->rows;

    ctx->row[m->cursor] = (uint16_t)last;
    MODEL_BEFORE();
    switch (m->layer) {
    case 0:
        model_layer_000_stem_a(ctx->arena, first, last);
        break;
    case 1:
        model_layer_001_stem_b(ctx->arena, first, last);
        break;
    default:
        memset(ctx->row, 0, sizeof ctx->row);
        break;
    }
}

/* Performs moves until rows have to arrive, or to the end. */
static int32_t model_proceed(model_ctx *ctx)
{
    model_place p = ctx->place;
    const model_move *m;

    while ((m = model_next(&p)) != NULL && m->layer < MODEL_FEED) {
        model_perform(ctx, m);
    }
    ctx->place = p;
    ctx->state = m != NULL ? MODEL_MORE : MODEL_READY;
    if (m != NULL) {
        ctx->wanted = (uint16_t)(m->layer - MODEL_FEED);
        ctx->due = m->rows;
    }
    return ctx->state;
}

int32_t model_begin(model_ctx *ctx)
{
    model_rewind(ctx);
    return model_proceed(ctx);
}

/* How many of the next `most` rows of the wanted input may be fed now. */
static uint32_t model_ahead(const model_ctx *ctx, uint32_t most)
{
    const uint32_t left = model_inputs[ctx->wanted].rows - ctx->fed[ctx->wanted];
    const uint32_t end = most < left ? most : left;
    return end;
}

uint32_t model_room(const model_ctx *ctx) { return ctx->state == MODEL_MORE ? model_ahead(ctx, UINT32_MAX) : 0; }

void *model_next_row(model_ctx *ctx)
{
    const model_stream *in = &model_inputs[ctx->wanted];

    if (ctx->state != MODEL_MORE) {
        return NULL;
    }
    return ctx->arena + in->address + ctx->fed[ctx->wanted] % in->capacity * in->pitch;
}

int32_t model_advance(model_ctx *ctx)
{
    if (ctx->state != MODEL_MORE) {
        return model_wants(ctx);
    }
    ctx->fed[ctx->wanted]++;
    ctx->due--;
    return ctx->due > 0 ? MODEL_MORE : model_proceed(ctx);
}

static int32_t model_take(model_ctx *ctx, int32_t input, const void *rows, uint32_t bytes)
{
    const uint32_t row = model_inputs[input].row_bytes;
    const uint8_t *from = (const uint8_t *)rows;

    if (model_wants(ctx) != input) {
        return ctx->state == MODEL_MORE ? MODEL_ERROR_ORDER : model_wants(ctx);
    }
    if (bytes % row != 0 || rows == NULL) {
        return MODEL_ERROR_SIZE;
    }
    if (bytes / row > model_ahead(ctx, bytes / row)) {
        return MODEL_ERROR_ROWS;
    }
    for (; bytes > 0; bytes -= row, from += row) {
        memcpy(model_next_row(ctx), from, row);
        (void)model_advance(ctx);
    }
    return ctx->state;
}

int32_t model_feed(model_ctx *ctx, const void *rows, uint32_t bytes)
{
    return model_take(ctx, 0, rows, bytes);
}

void model_rewind(model_ctx *ctx)
{
    memset((uint8_t *)ctx + offsetof(model_ctx, row), 0, sizeof *ctx - offsetof(model_ctx, row));
}

int32_t model_step(model_ctx *ctx, model_block *done)
{
    const model_move *m;

    do {
        m = model_next(&ctx->place);
        if (m == NULL) {
            return MODEL_READY;
        }
        if (m->layer >= MODEL_FEED) {
            ctx->fed[m->layer - MODEL_FEED] = (uint16_t)(ctx->fed[m->layer - MODEL_FEED] + m->rows);
            done->last = (int32_t)ctx->fed[m->layer - MODEL_FEED];
            break;
        }
        model_perform(ctx, m);
        done->last = (int32_t)ctx->row[m->cursor];
    } while (m->layer == MODEL_RESET);
    done->layer = m->layer < MODEL_RESET ? (int32_t)m->layer : (int32_t)(m->layer - 1);
    done->first = done->last - (int32_t)m->rows;
    return MODEL_MORE;
}
