/* The second stage of the RP2040's boot: 252 bytes and their checksum at the start of flash (RP2040 datasheet,
 * bootrom and SSI). The ROM copies them to RAM and starts them there. They make flash readable at its address in the
 * plainest way, the command 03h on one line at a quarter of the core's clock, which every such flash knows; then they
 * start the image behind them as a reset would. edgec/codegen/seal.py puts the checksum in.
 */
#define SSI_CONTROL 0x001F0300     /* one line; words of 32 bits, read behind a command */
#define SSI_READ_COMMAND 0x03000218 /* 03h, 8 bits of command, 24 of address */

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)

__attribute__((naked, used, section(".boot.stage2"))) void boot_stage2(void);
__attribute__((naked, used, section(".boot.stage2"))) void boot_stage2(void)
{
    __asm volatile("ldr r3, =0x18000000\n" /* SSI */
                   "movs r0, #0\n"
                   "str r0, [r3, #0x08]\n" /* SSIENR: off */
                   "movs r1, #4\n"
                   "str r1, [r3, #0x14]\n" /* BAUDR */
                   "ldr r1, =" NUMBER(SSI_CONTROL) "\n"
                   "str r1, [r3, #0x00]\n" /* CTRLR0 */
                   "str r0, [r3, #0x04]\n" /* CTRLR1: one word at a time */
                   "ldr r1, =" NUMBER(SSI_READ_COMMAND) "\n"
                   "movs r2, #0xF4\n"
                   "str r1, [r3, r2]\n"    /* SPI_CTRLR0 */
                   "movs r1, #1\n"
                   "str r1, [r3, #0x08]\n" /* SSIENR: on */
                   "ldr r0, =0x10000100\n" /* the vector table */
                   "ldr r1, =0xE000ED08\n" /* VTOR */
                   "str r0, [r1]\n"
                   "ldmia r0!, {r1, r2}\n"
                   "msr msp, r1\n"
                   "bx r2\n"
                   ".ltorg\n"
                   ".org 252\n"
                   ".word 0\n"); /* the checksum */
}
