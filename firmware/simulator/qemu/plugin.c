/* Counts the instructions of a firmware that QEMU runs, by layer: a TCG plugin.
 *
 * QEMU calls a function of ours at the start of every block of instructions that it has translated. The
 * argument counts=PATH names a file that edgec/sim/counts.py has made and reads: a header, totals by slot, and for
 * each half-word of the code the slot that is charged from there on. Runs on the developer's machine. The
 * declarations are those of QEMU's plugin interface, of which this is all that is used.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION 1
#endif

typedef uint64_t plugin_id;
typedef struct qemu_plugin_tb plugin_block;
typedef void translated(plugin_id id, plugin_block *block);
typedef void executed(unsigned core, void *user);

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translated *call);
extern void qemu_plugin_register_vcpu_tb_exec_cb(plugin_block *block, executed *call, int flags, void *user);
extern size_t qemu_plugin_tb_n_insns(const plugin_block *block);
extern uint64_t qemu_plugin_tb_vaddr(const plugin_block *block);

extern int qemu_plugin_version;
int qemu_plugin_version = PLUGIN_VERSION;
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

typedef struct {
    uint32_t code_base;
    uint32_t halfwords;
    uint32_t slots;
    int32_t owner; /* the slot that is charged now */
    uint64_t totals[];
} counts;

typedef struct {
    int32_t owner; /* -1: the one that was */
    uint32_t instructions;
} cost;

static counts *file;
static const int32_t *owners;

static void on_executed(unsigned core, void *user)
{
    const cost *c = (const cost *)user;

    (void)core;
    if (c->owner >= 0) {
        file->owner = c->owner;
    }
    file->totals[file->owner] += c->instructions;
}

/* What QEMU translates again gets a further cost: a few bytes, for as long as QEMU runs. */
static void on_translated(plugin_id id, plugin_block *block)
{
    const uint64_t at = (qemu_plugin_tb_vaddr(block) - file->code_base) / 2u;
    cost *c = malloc(sizeof *c);

    (void)id;
    if (c == NULL) {
        abort();
    }
    c->owner = at < file->halfwords ? owners[at] : -1;
    c->instructions = (uint32_t)qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_executed, 0, c);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    struct stat found;
    int descriptor;
    void *map;

    (void)info;
    if (argc != 1 || strncmp(argv[0], "counts=", 7) != 0 || (descriptor = open(argv[0] + 7, O_RDWR)) < 0) {
        return -1;
    }
    if (fstat(descriptor, &found) != 0) {
        return -1;
    }
    map = mmap(NULL, (size_t)found.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (map == MAP_FAILED) {
        return -1;
    }
    file = (counts *)map;
    owners = (const int32_t *)(const void *)(file->totals + file->slots);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    return 0;
}
