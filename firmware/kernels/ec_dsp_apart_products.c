/* ec_dsp_apart.h for cores that issue one instruction a cycle: ec_dsp_products.c with what else there is of outputs elsewhere. */
#define EC_DSP_APART

#include "ec_dsp_apart.h"

#include "ec_dsp_assembly.h"

#define EC_DSP_TWIN(name) __attribute__((unused)) static void ec_dsp_apart_##name
#define EC_DSP_TABLES ec_dsp_apart_layer
#define EC_DSP_PLAIN(plain, l)                                                                           \
    const ec_dsp_layer own = {(l)->table, (l)->inputs, (l)->outputs, (l)->lo, (l)->hi, (l)->offset};      \
    const ec_dsp_layer *plain = &own;
#define EC_DSP_FINISH(l, o, behind) ((l)->ends + EC_DSP_ENDS * (o))
#define EC_DSP_SKIP(group) 0

#include "ec_dsp_in_c.inc"

#define EC_DSP_GROUP 4
#define EC_DSP_ENTRY(name) ec_dsp_apart_##name
#define EC_DSP_WORDS(inputs) (inputs)

#ifdef EC_DSP_ASSEMBLY
#include "ec_dsp_products.inc"
#endif

#include "ec_dsp_entries.inc"
