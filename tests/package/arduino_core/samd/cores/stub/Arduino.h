/* The part of Arduino's core that a sketch of a model uses, for this machine. */
#pragma once
#include <stdio.h>

#include <cstring>

struct Printer {
    void begin(long) {}
    void print(const char *text) { printf("%s", text); }
    void print(int value) { printf("%d", value); }
    void print(unsigned long value) { printf("%lu", value); }
    void println(int value) { printf("%d\n", value); }
    void println(const char *text) { printf("%s\n", text); }
};

extern Printer Serial;

static inline unsigned long micros() { return 0; }
static inline void delay(int) {}

void setup();
void loop();
