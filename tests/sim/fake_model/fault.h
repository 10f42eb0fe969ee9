#ifndef FAULT_H
#define FAULT_H

/* Tests put another one here to make layer 1 fail. */
#define fault(arena) (void)(arena)

#endif
