/* What tells the RP2350's ROM that flash holds an image for its Arm cores: a block with one item and no other block
 * (RP2350 datasheet, bootrom, minimum Arm IMAGE_DEF). The ROM has made flash readable before it starts the image.
 */
#include <stdint.h>

__attribute__((used, section(".boot.image_def"))) const uint32_t image_def[5] = {
    0xFFFFDED3u, /* a block begins */
    0x10210142u, /* image type, one word: program, secure, Arm, RP2350 */
    0x000001FFu, /* the last item; those before it take one word */
    0u,          /* the next block: itself */
    0xAB123579u, /* the block ends */
};
