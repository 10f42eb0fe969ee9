/* ec_dsp_apart.h for cores that issue one instruction a cycle: ec_dsp_products.c with what else there is of outputs elsewhere. */
#define EC_DSP_APART

#include "ec_dsp_apart.h"

#include "ec_dsp_assembly.h"

#define EC_DSP_GROUP 4
#define EC_DSP_ENTRY(name) ec_dsp_apart_##name
#define EC_DSP_WORDS(inputs) (inputs)

#ifdef EC_DSP_ASSEMBLY
#include "ec_dsp_products.inc"
#endif

#include "ec_dsp_entries.inc"
