// What the two files of this target know of each other.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define PENSTOCK_SPAWNER_NAME "penstock-spawn"

// Runs the spawner on its control socket; never returns.
_Noreturn void penstock_spawner_run(int control);

// Receives one message and at most `most` descriptors (set to -1 by the caller; surplus ones are closed): its length,
// 0 at the end, or -errno.
ssize_t penstock_receive(int control, int flags, void *bytes, size_t length, int *descriptors, size_t most);
