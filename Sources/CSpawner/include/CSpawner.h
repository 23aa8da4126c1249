// The spawner: one small single-threaded process that starts, kills and reaps every function instance.
//
// It is the gateway's own program, executed again as `penstock-spawn`: a constructor in this library sees that name
// before `main` and never returns. Its control socket (AF_UNIX, SOCK_SEQPACKET) is descriptor 3; one message is one
// struct below, in the machine's own byte order, since both ends are the same file.
//
//   gateway -> spawner   penstock_spawn_request   PENSTOCK_SPAWN   with descriptors (SCM_RIGHTS)
//                                                 PENSTOCK_KILL    none
//   spawner -> gateway   penstock_spawn_answer    PENSTOCK_SPAWNED it runs
//                                                 PENSTOCK_FAILED  no process was left behind
//                                                 PENSTOCK_EXITED  reaped; what descends from it is being killed
//
// At the end of its control socket the spawner kills everything that it started, waits for it and exits.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum penstock_spawn_kind {
    PENSTOCK_SPAWN = 1,
    PENSTOCK_KILL = 2,
    PENSTOCK_SPAWNED = 3,
    PENSTOCK_FAILED = 4,
    PENSTOCK_EXITED = 5,
};

// Where a start failed; with it goes the errno.
enum penstock_spawn_stage {
    PENSTOCK_STAGE_REQUEST = 1,      // the message itself
    PENSTOCK_STAGE_CLONE = 2,        // no process
    PENSTOCK_STAGE_DESCRIPTORS = 3,  // its descriptors
    PENSTOCK_STAGE_LIMITS = 4,       // its rlimits and prctls
    PENSTOCK_STAGE_DIRECTORY = 5,    // its working directory
    PENSTOCK_STAGE_EXEC = 6,         // the program
};

enum {
    PENSTOCK_SPAWN_DESCRIPTORS = 8,           // most descriptors that a child is given
    PENSTOCK_SPAWN_TARGETS = 64,              // their numbers in the child are below this
    PENSTOCK_SPAWN_STRINGS = 4 * 1024 * 1024  // most bytes of strings
};

// PENSTOCK_SPAWN comes with 1 + descriptors descriptors. The first is a memfd with the strings, each ended by a NUL:
// the program's absolute path, its working directory, then `arguments` and `variables` (NAME=value). The others become
// targets[0], targets[1], ... in the child, where all other numbers are closed but 0, which is /dev/null if not given.
struct penstock_spawn_request {
    uint32_t kind;
    uint32_t signal;  // PENSTOCK_KILL: SIGKILL ends the instance and all its descendants, others go to it alone
    uint64_t id;      // the gateway's name for the instance
    uint32_t arguments;
    uint32_t variables;
    uint32_t strings;  // bytes in the memfd
    uint32_t descriptors;
    int32_t targets[PENSTOCK_SPAWN_DESCRIPTORS];
    uint64_t files_soft, files_hard;  // RLIMIT_NOFILE; 0, 0: as the spawner's
    uint64_t memory;                  // RLIMIT_AS in bytes; 0: no limit
};

struct penstock_spawn_answer {
    uint32_t kind;
    uint32_t stage;  // PENSTOCK_FAILED
    uint64_t id;
    int32_t pid;
    int32_t status;  // PENSTOCK_EXITED: as wait(2) has it; PENSTOCK_FAILED: an errno
};

// Starts a spawner, which owns the other end of `control` from here on, and answers 0 or an errno.
// The caller closes its copy of `control` and calls waitpid for *pid once its own end of the socket has ended.
int penstock_spawner_start(int control, pid_t *pid);

// Sends one request with its descriptors, never waiting: 0 or an errno (EAGAIN: the socket is full).
int penstock_spawner_send(
    int control, const struct penstock_spawn_request *request, const int *descriptors, size_t count);

// Receives one answer, never waiting: 1, 0 at the end, or -errno.
int penstock_spawner_receive(int control, struct penstock_spawn_answer *answer);

// Makes an anonymous file of `length` bytes that nobody can change: a descriptor or -errno.
int penstock_memory_file(const char *name, const void *bytes, size_t length);

// pipe2(2), closed on exec: 0 or an errno.
int penstock_pipe(int ends[2]);
