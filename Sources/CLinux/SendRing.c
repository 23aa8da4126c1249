#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENTRIES = 256 };

struct penstock_send_ring {
    int descriptor;
    unsigned mask;
    unsigned *tail; // of what is submitted
    struct io_uring_sqe *entries;
    unsigned *taken, *completed, completed_mask;
    struct io_uring_cqe *completions;
    void *shared;
    size_t shared_size, entries_size;
};

static void *map(int descriptor, size_t size, off_t what) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, what);
    return memory == MAP_FAILED ? NULL : memory;
}

struct penstock_send_ring *penstock_send_ring_open(void) {
    struct io_uring_params parameters = {0};
    int descriptor = (int)syscall(SYS_io_uring_setup, ENTRIES, &parameters);
    if (descriptor < 0) return NULL;
    struct penstock_send_ring *ring = calloc(1, sizeof *ring);
    if (!ring || !(parameters.features & IORING_FEAT_SINGLE_MMAP)) {
        free(ring);
        close(descriptor);
        errno = ring ? ENOSYS : ENOMEM;
        return NULL;
    }
    size_t submitted = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
    size_t completed = parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe);
    ring->descriptor = descriptor;
    ring->shared_size = submitted > completed ? submitted : completed;
    ring->entries_size = parameters.sq_entries * sizeof(struct io_uring_sqe);
    ring->shared = map(descriptor, ring->shared_size, IORING_OFF_SQ_RING);
    ring->entries = map(descriptor, ring->entries_size, IORING_OFF_SQES);
    if (!ring->shared || !ring->entries) {
        int reason = errno;
        penstock_send_ring_close(ring);
        errno = reason;
        return NULL;
    }
    char *base = ring->shared;
    ring->mask = *(unsigned *)(base + parameters.sq_off.ring_mask);
    ring->tail = (unsigned *)(base + parameters.sq_off.tail);
    ring->taken = (unsigned *)(base + parameters.cq_off.head);
    ring->completed = (unsigned *)(base + parameters.cq_off.tail);
    ring->completed_mask = *(unsigned *)(base + parameters.cq_off.ring_mask);
    ring->completions = (struct io_uring_cqe *)(base + parameters.cq_off.cqes);
    unsigned *order = (unsigned *)(base + parameters.sq_off.array);
    for (unsigned i = 0; i < parameters.sq_entries; i++) order[i] = i;
    return ring;
}

void penstock_send_ring_close(struct penstock_send_ring *ring) {
    if (ring->shared) munmap(ring->shared, ring->shared_size);
    if (ring->entries) munmap(ring->entries, ring->entries_size);
    close(ring->descriptor);
    free(ring);
}

/// At most ENTRIES of them; returns how many the kernel has taken.
static size_t submit(struct penstock_send_ring *ring, struct penstock_send *sends, size_t count) {
    unsigned tail = *ring->tail;
    for (size_t i = 0; i < count; i++) {
        ring->entries[(tail + i) & ring->mask] = (struct io_uring_sqe){
            .opcode = sends[i].count > 0 ? IORING_OP_SEND : IORING_OP_NOP,
            .fd = sends[i].socket,
            .addr = (uintptr_t)sends[i].bytes,
            .len = sends[i].count,
            .msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT,
            .user_data = i,
        };
    }
    __atomic_store_n(ring->tail, tail + (unsigned)count, __ATOMIC_RELEASE);
    // With MSG_DONTWAIT each has ended when it was begun, so that nothing is waited for: it is only made sure of.
    long taken = syscall(SYS_io_uring_enter, ring->descriptor, count, count, IORING_ENTER_GETEVENTS, NULL, 0);
    if (taken < 0) taken = 0;
    if ((size_t)taken < count) __atomic_store_n(ring->tail, tail + (unsigned)taken, __ATOMIC_RELEASE);
    unsigned head = *ring->taken;
    for (long left = taken; left > 0;) {
        unsigned end = __atomic_load_n(ring->completed, __ATOMIC_ACQUIRE);
        for (; head != end; head++, left--) {
            const struct io_uring_cqe *completion = &ring->completions[head & ring->completed_mask];
            sends[completion->user_data].result = completion->res;
        }
        __atomic_store_n(ring->taken, head, __ATOMIC_RELEASE);
        if (left > 0) syscall(SYS_io_uring_enter, ring->descriptor, 0, left, IORING_ENTER_GETEVENTS, NULL, 0);
    }
    return (size_t)taken;
}

void penstock_send_all(struct penstock_send_ring *ring, struct penstock_send *sends, size_t count) {
    while (count > 0) {
        size_t done = count < ENTRIES ? count : ENTRIES;
        // A single one is cheaper without the ring.
        if (ring && done > 1) done = submit(ring, sends, done);
        else done = 0;
        if (done == 0) {
            long result = sends->count == 0 ? 0 : penstock_socket_send(sends->socket, sends->bytes, sends->count);
            sends->result = result < 0 ? -errno : (int)result;
            done = 1;
        }
        sends += done;
        count -= done;
    }
}
