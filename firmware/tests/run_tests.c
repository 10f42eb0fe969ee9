/* Runs the tests of a build on the host.
 *
 *     run_tests VECTORS_DIR          both
 *     run_tests VECTORS_DIR steps    the plan step by step
 *     run_tests VECTORS_DIR model    a whole inference
 *
 * Every row is compared right after the step that computes it, and the outputs at the end. A failure
 * names the layer, the row, the first differing element and both values; what follows from it
 * is not looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "model.h"

static model_ctx ctx;
static uint8_t *golden[TEST_TENSORS];

static uint8_t *load(const char *folder, const test_tensor *t)
{
    const size_t bytes = (size_t)t->rows * t->row_bytes;
    char path[4096];
    uint8_t *data = malloc(bytes ? bytes : 1);
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", folder, t->file);
    f = fopen(path, "rb");
    if (data == NULL || f == NULL || fread(data, 1, bytes, f) != bytes) {
        (void)fprintf(stderr, "cannot read %lu bytes of %s\n", (unsigned long)bytes, path);
        exit(2);
    }
    (void)fclose(f);
    return data;
}

static long element(const uint8_t *at, uint32_t bytes)
{
    int16_t half;
    int32_t word;

    switch (bytes) {
    case 1:
        return (int8_t)at[0];
    case 2:
        memcpy(&half, at, sizeof half);
        return half;
    default:
        memcpy(&word, at, sizeof word);
        return word;
    }
}

static uint8_t *row_of(const test_tensor *t, uint32_t row)
{
    return ctx.arena + t->address + (t->slots != NULL ? t->slots[row] : row % t->capacity * t->pitch);
}

/* Compares rows first .. last-1 of a tensor, computed in one step, those that its window still holds. */
static int compare(const char *name, uint32_t tensor, uint32_t first, uint32_t last)
{
    const test_tensor *t = &test_tensors[tensor];
    const int wraps = t->slots == NULL && last - first > t->capacity;

    for (uint32_t row = wraps ? last - t->capacity : first; row < last; row++) {
        const uint8_t *want = golden[tensor] + (size_t)row * t->row_bytes;
        const uint8_t *got = row_of(t, row);
        uint32_t i = 0;
        while (i < t->row_bytes && got[i] == want[i]) {
            i++;
        }
        if (i < t->row_bytes) {
            i -= i % t->element;
            (void)printf("FAIL %s: row %lu of %s: element %lu is %ld, must be %ld\n", name, (unsigned long)row,
                         t->name, (unsigned long)(i / t->element), element(got + i, t->element),
                         element(want + i, t->element));
            return 1;
        }
    }
    return 0;
}

static void fill(uint32_t input, uint32_t first, uint32_t last)
{
    const test_tensor *t = &test_tensors[input];

    for (uint32_t row = first; row < last; row++) {
        memcpy(row_of(t, row), golden[input] + (size_t)row * t->row_bytes, t->row_bytes);
    }
}

static int steps(void)
{
    model_block b;

    memset(&ctx, 0x5A, sizeof ctx);
#ifndef MODEL_STREAM
    for (uint32_t k = 0; k < TEST_INPUTS; k++) {
        fill(k, 0, test_tensors[k].rows);
    }
#endif
    model_rewind(&ctx);
    while (model_step(&ctx, &b) == MODEL_MORE) {
        if (b.layer >= TEST_LAYERS) {
            fill((uint32_t)b.layer - TEST_LAYERS, (uint32_t)b.first, (uint32_t)b.last);
            continue;
        }
        for (uint32_t k = test_layers[b.layer].first; k < test_layers[b.layer].last; k++) {
            if (compare(test_layers[b.layer].name, k, (uint32_t)b.first, (uint32_t)b.last)) {
                return 1;
            }
        }
    }
    for (uint32_t k = 0; k < TEST_LAYERS; k++) {
        (void)printf("ok   %s\n", test_layers[k].name);
    }
    return 0;
}

static void run(void)
{
#ifdef MODEL_STREAM
    uint32_t at[TEST_INPUTS] = {0};

    (void)model_begin(&ctx);
    for (int32_t k = model_wants(&ctx); k >= 0; k = model_wants(&ctx)) {
        memcpy(model_next_row(&ctx), golden[k] + (size_t)at[k]++ * test_tensors[k].row_bytes,
               test_tensors[k].row_bytes);
        (void)model_advance(&ctx);
    }
#else
    for (uint32_t k = 0; k < TEST_INPUTS; k++) {
        fill(k, 0, test_tensors[k].rows);
    }
    model_run(&ctx);
#endif
}

static int model(void)
{
    memset(&ctx, 0x5A, sizeof ctx);
    run();
    for (uint32_t k = TEST_TENSORS - TEST_OUTPUTS; k < TEST_TENSORS; k++) {
        if (compare("model", k, 0, test_tensors[k].rows)) {
            return 1;
        }
    }
    (void)printf("ok   model\n");
    return 0;
}

int main(int argc, char **argv)
{
    const char *only = argc > 2 ? argv[2] : "";
    int failed = 0;

    for (uint32_t k = 0; k < TEST_TENSORS; k++) {
        golden[k] = load(argc > 1 ? argv[1] : "vectors", &test_tensors[k]);
    }
    failed |= strcmp(only, "model") != 0 && steps();
    failed |= strcmp(only, "steps") != 0 && model();
    for (uint32_t k = 0; k < TEST_TENSORS; k++) {
        free(golden[k]);
    }
    return failed;
}
