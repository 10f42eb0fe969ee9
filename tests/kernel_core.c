/* Start-up and system calls for tests/kernel_runner.c on a Cortex-M that QEMU models.
 *
 * newlib's stdio goes to QEMU's own standard input and output, by semihosting (Arm's specification
 * "Semihosting for AArch32 and AArch64"). A fault ends QEMU with status 1.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { MODE_READ_BINARY = 1, MODE_WRITE_BINARY = 5 };

#define ADP_APPLICATION_EXIT 0x20026u
#define ADP_RUN_TIME_ERROR 0x20023u
#define SCB_CPACR (*(volatile uint32_t *)0xE000ED88u)

extern uint32_t _stack_top[], _bss_start[], _bss_end[];
extern char _heap_start[], _heap_end[];

int main(void);
void reset_handler(void);
void fault_handler(void);
void start(void);
int _read(int file, char *data, int bytes);
int _write(int file, const char *data, int bytes);
void *_sbrk(intptr_t bytes);
void _exit(int status);
int _close(int file);
int _lseek(int file, int offset, int from);
int _fstat(int file, struct stat *found);
int _isatty(int file);
int _kill(int process, int signal);
int _getpid(void);

typedef struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vector_table;

__attribute__((section(".vectors"), used)) static const vector_table vectors = {
    _stack_top,
    {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
     fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
     fault_handler},
};

static uint32_t files[2];
static char buffer[65536];

static uint32_t semihost(uint32_t operation, uint32_t argument)
{
    register uint32_t r0 __asm("r0") = operation;
    register uint32_t r1 __asm("r1") = argument;

    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t at(const void *p) { return (uint32_t)(uintptr_t)p; }

static uint32_t open_file(const char *path, uint32_t length, uint32_t mode)
{
    const uint32_t block[3] = {at(path), mode, length};
    return semihost(SYS_OPEN, at(block));
}

__attribute__((naked, noreturn)) void reset_handler(void)
{
    __asm volatile("ldr r0, =_stack_top\n"
                   "msr msp, r0\n"
                   "bl start\n"
                   ".ltorg\n");
}

void fault_handler(void) { _exit(1); }

void start(void)
{
    static const char input[] = "/dev/stdin";
    static const char output[] = "/dev/stdout";

    SCB_CPACR |= 0xFu << 20; /* floating point and, where there is one, the vector extension */
    __asm volatile("dsb\nisb" ::: "memory");
    for (uint32_t *to = _bss_start; to < _bss_end; to++) {
        *to = 0;
    }
    files[0] = open_file(input, (uint32_t)sizeof input - 1u, MODE_READ_BINARY);
    files[1] = open_file(output, (uint32_t)sizeof output - 1u, MODE_WRITE_BINARY);
    (void)setvbuf(stdin, buffer, _IOFBF, sizeof buffer);
    _exit(main());
}

int _read(int file, char *data, int bytes)
{
    const uint32_t block[3] = {files[file], at(data), (uint32_t)bytes};
    return bytes - (int)semihost(SYS_READ, at(block));
}

int _write(int file, const char *data, int bytes)
{
    const uint32_t block[3] = {files[file], at(data), (uint32_t)bytes};
    return bytes - (int)semihost(SYS_WRITE, at(block));
}

void *_sbrk(intptr_t bytes)
{
    static char *end = _heap_start;
    char *was = end;

    if (bytes > _heap_end - end) {
        errno = ENOMEM;
        return (void *)-1; /* what it returns by its specification */
    }
    end += bytes;
    return was;
}

void _exit(int status)
{
    for (;;) {
        (void)semihost(SYS_EXIT, status == 0 ? ADP_APPLICATION_EXIT : ADP_RUN_TIME_ERROR);
    }
}

int _close(int file)
{
    (void)file;
    return 0;
}

int _lseek(int file, int offset, int from)
{
    (void)file;
    (void)offset;
    (void)from;
    return 0;
}

int _fstat(int file, struct stat *found)
{
    (void)file;
    found->st_mode = S_IFCHR;
    return 0;
}

int _isatty(int file)
{
    (void)file;
    return 0;
}

int _kill(int process, int signal)
{
    (void)process;
    (void)signal;
    return -1;
}

int _getpid(void) { return 1; }
