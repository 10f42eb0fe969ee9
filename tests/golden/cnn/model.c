/* cnn, compiled for stm32f746 by edgec 0.1.0; do not edit.
 *
 * Memory map of the arena, 104 bytes. Steps are those of the plan.
 *
 *  steps            address    bytes  tensor (layer)
 *      0-0               0       20  scratch of conv
 *      0-0              32       72  image
 *      0-2              20       36  conv (stem.conv)
 *      1-2              56       36  dw (stem.dw)
 *      2-3               0       36  sum (stem)
 *      3-4              36        4  pool
 *      4-4               0        3  logits (head)
 */
#include "model.h"

#include <stddef.h>
#include <string.h>

#include "weights.h"
#include "kernels/ec_add.h"
#include "kernels/ec_conv2d_s8.h"
#include "kernels/ec_depthwise_conv2d_s8.h"
#include "kernels/ec_linear_s8.h"
#include "kernels/ec_sum.h"

#if defined(__GNUC__)
#define MODEL_LAYER __attribute__((noinline))
#else
#define MODEL_LAYER
#endif

const model_span model_inputs[MODEL_INPUTS] = {
    {32, 72},
};
const model_span model_outputs[MODEL_OUTPUTS] = {
    {0, 3},
};

/* stem.conv (conv2d): 1x6x6x2 -> 1x3x3x4, 648 MAC */
static const ec_conv2d_s8_params layer_000 = {
    .height = 6,
    .width = 6,
    .channels = 2,
    .out_height = 3,
    .out_width = 3,
    .out_channels = 4,
    .outputs = 4,
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
    .input_zero = 3,
    .output_zero = -128,
    .lo = -128,
    .hi = 127,
    .weights = w000_weights,
    .bias = w000_bias,
    .multiplier = w000_multiplier,
    .shift = w000_shift,
};

MODEL_LAYER void model_layer_000_stem_conv(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_000_stem_conv(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 32, 12, 6, NULL}, /* image */
    };
    const ec_window out[] = {
        {arena + 20, 12, 3, NULL}, /* conv */
    };
    ec_conv2d_s8(&layer_000, in, out, first, last, arena + 0);
}

/* stem.dw (depthwise_conv2d): 1x3x3x4 -> 1x3x3x4, 324 MAC */
static const ec_depthwise_conv2d_s8_params layer_001 = {
    .height = 3,
    .width = 3,
    .channels = 4,
    .out_height = 3,
    .out_width = 3,
    .out_channels = 4,
    .kernel_h = 3,
    .kernel_w = 3,
    .stride_h = 1,
    .stride_w = 1,
    .pad_top = 1,
    .pad_left = 1,
    .dilation_h = 1,
    .dilation_w = 1,
    .input_zero = -128,
    .output_zero = 5,
    .lo = -128,
    .hi = 127,
    .weights = w001_weights,
    .bias = w001_bias,
    .multiplier = w001_multiplier,
    .shift = w001_shift,
};

MODEL_LAYER void model_layer_001_stem_dw(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_001_stem_dw(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 20, 12, 3, NULL}, /* conv */
    };
    const ec_window out[] = {
        {arena + 56, 12, 3, NULL}, /* dw */
    };
    ec_depthwise_conv2d_s8(&layer_001, in, out, first, last, 0);
}

/* stem (add): 1x3x3x4, 1x3x3x4 -> 1x3x3x4 */
static const ec_add_params layer_002 = {
    .row_size = 12,
    .lead = 3,
    .inner = 12,
    .a_wide = 0,
    .a_zero = -128,
    .a_far = 0,
    .a_near = 1,
    .a_outer = 0,
    .a_inner = 1,
    .a_s8 = 0,
    .a_s16 = 0,
    .b_wide = 0,
    .b_zero = 5,
    .b_far = 0,
    .b_near = 1,
    .b_outer = 0,
    .b_inner = 1,
    .b_s8 = 0,
    .b_s16 = 0,
    .y_wide = 0,
    .y_zero = -3,
    .lo = -128,
    .hi = 127,
    .left_shift = 20,
    .subtract = 0,
    .a_multiplier = 1073741824,
    .a_shift = -1,
    .b_multiplier = 1073741824,
    .b_shift = 0,
    .y_multiplier = 1073741824,
    .y_shift = -18,
};

MODEL_LAYER void model_layer_002_stem(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_002_stem(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 20, 12, 3, NULL}, /* conv */
        {arena + 56, 12, 3, NULL}, /* dw */
    };
    const ec_window out[] = {
        {arena + 0, 12, 3, NULL}, /* sum */
    };
    ec_add(&layer_002, in, out, first, last, 0);
}

/* pool (mean): 1x3x3x4 -> 1x4 */
static const ec_sum_params layer_003 = {
    .length = 4,
    .wide = 0,
    .offset = 27,
    .multiplier = 954437176,
    .shift = -1,
    .output_zero = 0,
    .axes = 1,
    .kept = w003_kept,
    .reduced = w003_reduced,
};

MODEL_LAYER void model_layer_003_pool(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_003_pool(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 0, 12, 3, NULL}, /* sum */
    };
    const ec_window out[] = {
        {arena + 36, 4, 1, NULL}, /* pool */
    };
    ec_sum(&layer_003, in, out, first, last, 0);
}

/* head (linear): 1x4 -> 1x3, 12 MAC */
static const ec_linear_s8_params layer_004 = {
    .inputs = 4,
    .outputs = 3,
    .vectors = 1,
    .output_zero = 1,
    .lo = -128,
    .hi = 127,
    .weights = w004_weights,
    .bias = w004_bias,
    .multiplier = w004_multiplier,
    .shift = w004_shift,
};

MODEL_LAYER void model_layer_004_head(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_004_head(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 36, 4, 1, NULL}, /* pool */
    };
    const ec_window out[] = {
        {arena + 0, 3, 1, NULL}, /* logits */
    };
    ec_linear_s8(&layer_004, in, out, first, last, 0);
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

#define MODEL_STRETCHES 1
#define MODEL_RESET 5
#define MODEL_FEED 6

static const model_move model_moves[] = {
    {3, 0, 0, 0}, /* 0 stem.conv: 3 rows */
    {3, 3, 1, 0}, /* 1 stem.dw: 3 rows */
    {3, 3, 2, 0}, /* 2 stem: 3 rows */
    {1, 3, 3, 0}, /* 3 pool: 1 row */
    {1, 1, 4, 0}, /* 4 head: 1 row */
};

static const uint8_t model_order[] = {
    0, 1, 2, 3, 4,
};

static const model_stretch model_stretches[MODEL_STRETCHES] = {
    {0, 5, 1}, /* region 0 to 4 begins: stem.conv, stem.dw, stem, pool, head */
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
        model_layer_000_stem_conv(ctx->arena, first, last);
        break;
    case 1:
        model_layer_001_stem_dw(ctx->arena, first, last);
        break;
    case 2:
        model_layer_002_stem(ctx->arena, first, last);
        break;
    case 3:
        model_layer_003_pool(ctx->arena, first, last);
        break;
    case 4:
        model_layer_004_head(ctx->arena, first, last);
        break;
    default:
        memset(ctx->row, 0, sizeof ctx->row);
        break;
    }
}

void model_run(model_ctx *ctx)
{
    model_place p = {0, 0, 0};
    const model_move *m;

    memset(ctx->row, 0, sizeof ctx->row);
    while ((m = model_next(&p)) != NULL) {
        model_perform(ctx, m);
    }
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
        model_perform(ctx, m);
        done->last = (int32_t)ctx->row[m->cursor];
    } while (m->layer == MODEL_RESET);
    done->layer = m->layer < MODEL_RESET ? (int32_t)m->layer : (int32_t)(m->layer - 1);
    done->first = done->last - (int32_t)m->rows;
    return MODEL_MORE;
}
