/* ec_dsp_layer.h for cores that issue one instruction a cycle, such as the Cortex-M4: as few instructions as there
 * can be, and loads side by side, where they take a cycle each. Groups of four outputs. */
#include "ec_dsp_assembly.h"

#define EC_DSP_GROUP 4

#ifdef EC_DSP_ASSEMBLY
#include "ec_dsp_layer.h"

#include "ec_dsp_products.inc"

#endif

#include "ec_dsp_entries.inc"
