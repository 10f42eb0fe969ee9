#include "Arduino.h"

Printer Serial;

int main()
{
    setup();
    loop();
    return 0;
}
