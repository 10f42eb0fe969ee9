/* attention, compiled for stm32f746 by edgec 0.1.0; do not edit.
 *
 * Memory map of the arena, 216 bytes. Steps are those of the plan.
 *
 *  steps            address    bytes  tensor (layer)
 *      0-9               8        8  norm (block.norm), 1 of 5 rows
 *      0-28             48       40  tokens
 *      1-9               0        8  scratch of qkv
 *      1-26             96      120  qkv (block.attn.qkv)
 *     10-26              0       48  scratch of context
 *     10-26             88        8  context (block.attn), 1 of 5 rows
 *     11-28              0        8  proj (block.attn.proj), 1 of 5 rows
 *     12-29              0        8  sum (block), 1 of 5 rows
 *     13-29             48       40  act (block.act)
 */
#include "model.h"

#include <stddef.h>
#include <string.h>

#include "weights.h"
#include "kernels/ec_add.h"
#include "kernels/ec_attention_s8.h"
#include "kernels/ec_layer_norm_s8.h"
#include "kernels/ec_linear_s8.h"
#include "kernels/ec_lut_s8.h"

#if defined(__GNUC__)
#define MODEL_LAYER __attribute__((noinline))
#else
#define MODEL_LAYER
#endif

const model_span model_inputs[MODEL_INPUTS] = {
    {48, 40},
};
const model_span model_outputs[MODEL_OUTPUTS] = {
    {48, 40},
};

/* block.norm (layer_norm): 1x5x8 -> 1x5x8 */
static const ec_layer_norm_s8_params layer_000 = {
    .epsilon = 0,
    .channels = 8,
    .vectors = 1,
    .rms = 0,
    .input_zero = -2,
    .fraction = 26,
    .shift = 19,
    .gamma = w000_gamma,
    .beta = w000_beta,
};

MODEL_LAYER void model_layer_000_block_norm(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_000_block_norm(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 48, 8, 5, NULL}, /* tokens */
    };
    const ec_window out[] = {
        {arena + 8, 8, 1, NULL}, /* norm */
    };
    ec_layer_norm_s8(&layer_000, in, out, first, last, 0);
}

/* block.attn.qkv (linear): 1x5x8 -> 1x5x24, 960 MAC */
static const ec_linear_s8_params layer_001 = {
    .inputs = 8,
    .outputs = 24,
    .vectors = 1,
    .output_zero = 0,
    .lo = -128,
    .hi = 127,
    .weights = w001_weights,
    .bias = w001_bias,
    .multiplier = w001_multiplier,
    .shift = w001_shift,
};

MODEL_LAYER void model_layer_001_block_attn_qkv(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_001_block_attn_qkv(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 8, 8, 1, NULL}, /* norm */
    };
    const ec_window out[] = {
        {arena + 96, 24, 5, NULL}, /* qkv */
    };
    ec_linear_s8(&layer_001, in, out, first, last, arena + 0);
}

/* block.attn (attention): 1x5x24, 1x5x24, 1x5x24 -> 1x5x2x4, 400 MAC */
static const ec_attention_s8_params layer_002 = {
    .heads = 2,
    .queries = 5,
    .keys = 5,
    .depth = 4,
    .value_depth = 4,
    .q_zero = 0,
    .v_zero = 0,
    .output_zero = 0,
    .left = 14,
    .factor = 30981640,
    .fraction = 16,
    .mask_shift = 0,
    .precision = 14,
    .multiplier = 1073741824,
    .shift = 1,
    .q_pitch = 24,
    .k_pitch = 24,
    .v_pitch = 24,
    .q_view = w002_q_view,
    .k_view = w002_k_view,
    .v_view = w002_v_view,
    .limit = 0,
    .mask = 0,
    .mask_stride = 0,
    .bias = 0,
    .bias_stride = 0,
    .exp2 = w002_exp2,
    .q_data = 0,
    .k_data = 0,
    .v_data = 0,
};

MODEL_LAYER void model_layer_002_block_attn(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_002_block_attn(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 96, 24, 5, NULL}, /* qkv */
        {arena + 96, 24, 5, NULL}, /* qkv */
        {arena + 96, 24, 5, NULL}, /* qkv */
    };
    const ec_window out[] = {
        {arena + 88, 8, 1, NULL}, /* context */
    };
    ec_attention_s8(&layer_002, in, out, first, last, arena + 0);
}

/* block.attn.proj (linear): 1x5x8 -> 1x5x8, 320 MAC */
static const ec_linear_s8_params layer_003 = {
    .inputs = 8,
    .outputs = 8,
    .vectors = 1,
    .output_zero = 0,
    .lo = -128,
    .hi = 127,
    .weights = w003_weights,
    .bias = w003_bias,
    .multiplier = w003_multiplier,
    .shift = w003_shift,
};

MODEL_LAYER void model_layer_003_block_attn_proj(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_003_block_attn_proj(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 88, 8, 1, NULL}, /* merged */
    };
    const ec_window out[] = {
        {arena + 0, 8, 1, NULL}, /* proj */
    };
    ec_linear_s8(&layer_003, in, out, first, last, 0);
}

/* block (add): 1x5x8, 1x5x8 -> 1x5x8 */
static const ec_add_params layer_004 = {
    .row_size = 8,
    .lead = 5,
    .inner = 8,
    .a_wide = 0,
    .a_zero = -2,
    .a_far = 0,
    .a_near = 1,
    .a_outer = 0,
    .a_inner = 1,
    .a_s8 = 0,
    .a_s16 = 0,
    .b_wide = 0,
    .b_zero = 0,
    .b_far = 0,
    .b_near = 1,
    .b_outer = 0,
    .b_inner = 1,
    .b_s8 = 0,
    .b_s16 = 0,
    .y_wide = 0,
    .y_zero = -1,
    .lo = -128,
    .hi = 127,
    .left_shift = 20,
    .subtract = 0,
    .a_multiplier = 1717986918,
    .a_shift = -1,
    .b_multiplier = 1073741824,
    .b_shift = 0,
    .y_multiplier = 1342177280,
    .y_shift = -19,
};

MODEL_LAYER void model_layer_004_block(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_004_block(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 48, 8, 5, NULL}, /* tokens */
        {arena + 0, 8, 1, NULL}, /* proj */
    };
    const ec_window out[] = {
        {arena + 0, 8, 1, NULL}, /* sum */
    };
    ec_add(&layer_004, in, out, first, last, 0);
}

/* block.act (pointwise): 1x5x8 -> 1x5x8 */
static const ec_lut_s8_params layer_005 = {
    .length = 8,
    .table = w005_table,
};

MODEL_LAYER void model_layer_005_block_act(uint8_t *arena, int32_t first, int32_t last);
MODEL_LAYER void model_layer_005_block_act(uint8_t *arena, int32_t first, int32_t last)
{
    const ec_window in[] = {
        {arena + 0, 8, 1, NULL}, /* sum */
    };
    const ec_window out[] = {
        {arena + 48, 8, 5, NULL}, /* act */
    };
    ec_lut_s8(&layer_005, in, out, first, last, 0);
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
#define MODEL_RESET 6
#define MODEL_FEED 7

static const model_move model_moves[] = {
    {1, 0, 0, 0}, /* 0 block.norm: 1 row */
    {1, 0, 1, 1}, /* 1 block.attn.qkv: 1 row */
    {0, 0, 6, 0}, /* 2 every cursor to row 0 */
    {1, 0, 2, 0}, /* 3 block.attn: 1 row */
    {1, 0, 3, 1}, /* 4 block.attn.proj: 1 row */
    {1, 0, 4, 2}, /* 5 block: 1 row */
    {1, 0, 5, 3}, /* 6 block.act: 1 row */
};

static const uint8_t model_order[] = {
    3, 4, 5, 6, 0, 1, 2,
};

static const model_stretch model_stretches[MODEL_STRETCHES] = {
    {4, 2, 5}, /* region 0 begins: block.norm, block.attn.qkv */
    {6, 1, 1}, /* all cursors */
    {0, 4, 5}, /* block.attn, block.attn.proj, block, block.act */
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
        model_layer_000_block_norm(ctx->arena, first, last);
        break;
    case 1:
        model_layer_001_block_attn_qkv(ctx->arena, first, last);
        break;
    case 2:
        model_layer_002_block_attn(ctx->arena, first, last);
        break;
    case 3:
        model_layer_003_block_attn_proj(ctx->arena, first, last);
        break;
    case 4:
        model_layer_004_block(ctx->arena, first, last);
        break;
    case 5:
        model_layer_005_block_act(ctx->arena, first, last);
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
