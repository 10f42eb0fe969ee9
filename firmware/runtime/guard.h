/* The MPU: docs/device.md has its regions. */
#ifndef GUARD_H
#define GUARD_H

/* Sets the regions and switches them on, where the core has an MPU; after board_init(). */
void guard_memories(void);

#endif
