/* memcpy, memmove and memset for bare metal, with the names compilers call for them.
 *
 * Compiled with -fno-builtin, or a compiler would turn the loops into calls of themselves.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
void __aeabi_memcpy(void *restrict to, const void *restrict from, size_t bytes);
void __aeabi_memcpy4(void *restrict to, const void *restrict from, size_t bytes);
void __aeabi_memcpy8(void *restrict to, const void *restrict from, size_t bytes);
void __aeabi_memmove(void *to, const void *from, size_t bytes);
void __aeabi_memmove4(void *to, const void *from, size_t bytes);
void __aeabi_memmove8(void *to, const void *from, size_t bytes);
void __aeabi_memset(void *to, size_t bytes, int value);
void __aeabi_memset4(void *to, size_t bytes, int value);
void __aeabi_memset8(void *to, size_t bytes, int value);
void __aeabi_memclr(void *to, size_t bytes);
void __aeabi_memclr4(void *to, size_t bytes);
void __aeabi_memclr8(void *to, size_t bytes);

/* A word that may lie anywhere and alias anything: ARMv7-M loads and stores those in one go. */
typedef struct __attribute__((packed, may_alias)) {
    uint32_t v;
} word;

/* Ascending; right for overlapping ranges too where `t` lies below `f`. */
static void copy_up(uint8_t *t, const uint8_t *f, size_t bytes)
{
    for (; bytes >= 16u; bytes -= 16u, t += 16, f += 16) {
        const uint32_t a = ((const word *)f)[0].v;
        const uint32_t b = ((const word *)f)[1].v;
        const uint32_t c = ((const word *)f)[2].v;
        const uint32_t d = ((const word *)f)[3].v;
        ((word *)t)[0].v = a;
        ((word *)t)[1].v = b;
        ((word *)t)[2].v = c;
        ((word *)t)[3].v = d;
    }
    for (; bytes >= 4u; bytes -= 4u, t += 4, f += 4) {
        ((word *)t)->v = ((const word *)f)->v;
    }
    for (; bytes > 0u; bytes--) {
        *t++ = *f++;
    }
}

static void copy_down(uint8_t *t, const uint8_t *f, size_t bytes)
{
    for (; bytes >= 4u; bytes -= 4u) {
        ((word *)(t + bytes - 4u))->v = ((const word *)(f + bytes - 4u))->v;
    }
    for (; bytes > 0u; bytes--) {
        t[bytes - 1u] = f[bytes - 1u];
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    copy_up((uint8_t *)to, (const uint8_t *)from, bytes);
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to <= (uintptr_t)from) {
        copy_up((uint8_t *)to, (const uint8_t *)from, bytes);
    } else {
        copy_down((uint8_t *)to, (const uint8_t *)from, bytes);
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    uint8_t *t = (uint8_t *)to;
    const uint32_t v = (uint8_t)value * 0x01010101u;

    for (; bytes >= 4u; bytes -= 4u, t += 4) {
        ((word *)t)->v = v;
    }
    for (; bytes > 0u; bytes--) {
        *t++ = (uint8_t)value;
    }
    return to;
}

void __aeabi_memcpy(void *restrict to, const void *restrict from, size_t bytes) { (void)memcpy(to, from, bytes); }
void __aeabi_memcpy4(void *restrict to, const void *restrict from, size_t bytes) { (void)memcpy(to, from, bytes); }
void __aeabi_memcpy8(void *restrict to, const void *restrict from, size_t bytes) { (void)memcpy(to, from, bytes); }
void __aeabi_memmove(void *to, const void *from, size_t bytes) { (void)memmove(to, from, bytes); }
void __aeabi_memmove4(void *to, const void *from, size_t bytes) { (void)memmove(to, from, bytes); }
void __aeabi_memmove8(void *to, const void *from, size_t bytes) { (void)memmove(to, from, bytes); }
void __aeabi_memset(void *to, size_t bytes, int value) { (void)memset(to, value, bytes); }
void __aeabi_memset4(void *to, size_t bytes, int value) { (void)memset(to, value, bytes); }
void __aeabi_memset8(void *to, size_t bytes, int value) { (void)memset(to, value, bytes); }
void __aeabi_memclr(void *to, size_t bytes) { (void)memset(to, 0, bytes); }
void __aeabi_memclr4(void *to, size_t bytes) { (void)memset(to, 0, bytes); }
void __aeabi_memclr8(void *to, size_t bytes) { (void)memset(to, 0, bytes); }
