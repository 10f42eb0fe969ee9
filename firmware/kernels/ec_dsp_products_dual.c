/* ec_dsp_layer.h for the Cortex-M7, which issues two instructions a cycle: a multiplication with a load or with an
 * SXTB16 in front of it. The order of instructions is that of their pairs. Groups of two outputs. */
#include "ec_dsp_assembly.h"

#define EC_DSP_GROUP 2

#ifdef EC_DSP_ASSEMBLY
#include "ec_dsp_layer.h"

#include "ec_dsp_products_dual.inc"

#endif

#include "ec_dsp_entries.inc"
