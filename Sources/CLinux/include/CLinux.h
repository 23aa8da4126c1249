#pragma once

/// Calls and constants of Linux that Swift cannot reach through its Glibc module: variadic functions, macros, and what
/// hides behind _GNU_SOURCE. Each is its manual page's function; errors are in errno.

#include <stddef.h>
#include <stdint.h>

/// `accept4(2)` with SOCK_NONBLOCK | SOCK_CLOEXEC.
///
/// `address` is a `struct sockaddr_storage`, `length` its size.
int penstock_accept(int listener, void *address, uint32_t *length);

/// `epoll_create1(2)`, closed on exec.
int penstock_epoll_create(void);

/// `epoll_ctl(2)` with EPOLL_CTL_ADD and 64 bits of user data.
int penstock_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t data);

/// `epoll_ctl(2)` with EPOLL_CTL_MOD and 64 bits of user data.
int penstock_epoll_modify(int epoll, int descriptor, uint32_t events, uint64_t data);

/// `epoll_ctl(2)` with EPOLL_CTL_DEL.
int penstock_epoll_remove(int epoll, int descriptor);

/// What `epoll_wait(2)` tells of one descriptor; the layout of `struct epoll_event`.
struct penstock_event {
    uint32_t events;
    uint64_t data;
}
#if defined(__x86_64__)
__attribute__((packed))
#endif
;

/// `epoll_wait(2)`.
///
/// This and the next two go past the C library, whose functions are cancellation points: in a program with threads they
/// cost two locked instructions more.
int penstock_epoll_wait(int epoll, struct penstock_event *events, int capacity, int timeout_ms);

/// `recv(2)` without flags.
long penstock_socket_receive(int socket, void *bytes, size_t count);

/// `send(2)` with MSG_NOSIGNAL.
long penstock_socket_send(int socket, const void *bytes, size_t count);

/// One of many sends: `result` becomes what `send(2)` returns, or -errno.
struct penstock_send {
    int socket;
    int result;
    const void *bytes;
    uint32_t count;
};

/// Submits many sends in one system call, by `io_uring(7)`; for one thread.
///
/// NULL, with errno, where the kernel has none or forbids it.
struct penstock_send_ring *penstock_send_ring_open(void);

/// Nothing may be under way.
void penstock_send_ring_close(struct penstock_send_ring *ring);

/// `send(2)` with MSG_NOSIGNAL, on sockets that do not block, for each of them that has bytes; all have ended when it returns.
///
/// `ring` may be NULL: then each is a system call of its own.
void penstock_send_all(struct penstock_send_ring *ring, struct penstock_send *sends, size_t count);

/// A non-blocking `eventfd(2)`, closed on exec.
int penstock_eventfd(void);

/// `pipe2(2)`: two descriptors, non-blocking, closed on exec; the first is read from.
int penstock_pipe_nonblocking(int *ends);

/// `ioctl(2)` with FIONREAD: how many bytes a pipe holds, or -1.
int penstock_unread(int pipe);

/// `prctl(2)` with PR_SET_DUMPABLE 0.
int penstock_undumpable(void);

/// `mallopt(3)` with M_MMAP_THRESHOLD.
int penstock_mmap_threshold(int bytes);

/// `fcntl(2)`: O_NONBLOCK and FD_CLOEXEC on.
int penstock_nonblocking(int descriptor);

/// `openat2(2)`: read-only, below `directory` whatever the path says, without following links; closed on exec.
int penstock_open_beneath(int directory, const char *path);

/// The number of cores that `sched_getaffinity(2)` lets this process use, at least 1.
int penstock_usable_cores(void);
