/* ec_dsp_apart.h for the Cortex-M7: ec_dsp_products_dual.c with what else there is of outputs elsewhere. */
#define EC_DSP_APART

#include "ec_dsp_apart.h"

#include "ec_dsp_assembly.h"

#define EC_DSP_GROUP 2
#define EC_DSP_ENTRY(name) ec_dsp_apart_##name
#define EC_DSP_WORDS(inputs) ((inputs) / 2)

#ifdef EC_DSP_ASSEMBLY
#include "ec_dsp_products_dual.inc"
#endif

#include "ec_dsp_entries.inc"
