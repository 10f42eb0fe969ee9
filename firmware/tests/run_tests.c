/* Runs the layer tests and the whole-model test of a build on the host.
 *
 *     run_tests VECTORS_DIR          all tests
 *     run_tests VECTORS_DIR INDEX    one layer; -1 is the whole model
 *
 * Every test writes golden operands into the arena, runs, and compares every result
 * byte. A failure names the layer, the first differing element and both values.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "model.h"

static model_ctx ctx;

static uint8_t *load(const char *folder, const test_tensor *t)
{
    char path[4096];
    uint8_t *data = malloc(t->bytes ? t->bytes : 1);
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", folder, t->file);
    f = fopen(path, "rb");
    if (data == NULL || f == NULL || fread(data, 1, t->bytes, f) != t->bytes) {
        (void)fprintf(stderr, "cannot read %lu bytes of %s\n", (unsigned long)t->bytes, path);
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

static int compare(const char *folder, const test_case *c, const test_tensor *t)
{
    uint8_t *want = load(folder, t);
    const uint8_t *got = ctx.arena + t->address;
    uint32_t i = 0;

    while (i < t->bytes && got[i] == want[i]) {
        i++;
    }
    if (i < t->bytes) {
        const uint32_t k = i / t->element;
        (void)printf("FAIL %s: element %lu of %s is %ld, must be %ld\n", c->name, (unsigned long)k, t->name,
                     element(got + k * t->element, t->element), element(want + k * t->element, t->element));
    }
    free(want);
    return i < t->bytes;
}

static int run(const char *folder, const test_case *c)
{
    int failed = 0;

    memset(&ctx, 0x5A, sizeof ctx);
    for (uint32_t k = 0; k < c->inputs; k++) {
        uint8_t *data = load(folder, &c->input[k]);
        memcpy(ctx.arena + c->input[k].address, data, c->input[k].bytes);
        free(data);
    }
    if (c->layer < 0) {
        model_run(&ctx);
    } else {
        model_layer(&ctx, c->layer);
    }
    for (uint32_t k = 0; k < c->outputs; k++) {
        failed |= compare(folder, c, &c->output[k]);
    }
    if (!failed) {
        (void)printf("ok   %s\n", c->name);
    }
    return failed;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "vectors";
    const long only = argc > 2 ? strtol(argv[2], NULL, 10) : -2;
    int failed = 0;

    for (uint32_t k = 0; k < TEST_CASES; k++) {
        if (only == -2 || only == test_cases[k].layer) {
            failed |= run(folder, &test_cases[k]);
        }
    }
    return failed;
}
