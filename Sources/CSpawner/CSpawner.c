// The gateway's side: starting a spawner and exchanging messages with it.
#define _GNU_SOURCE
#include "CSpawner.h"
#include "Spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// Run by the loader before main, with main's arguments (glibc). It stands here, beside what the gateway calls, so that
// no linker leaves it out.
__attribute__((constructor)) static void become_spawner(int argc, char **argv, char **environment) {
    (void)environment;
    if (argc > 0 && argv[0] != NULL && strcmp(argv[0], PENSTOCK_SPAWNER_NAME) == 0) penstock_spawner_run(3);
}

int penstock_spawner_start(int control, pid_t *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);

    int error = posix_spawn_file_actions_init(&files);
    if (error != 0) return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&files);
        return error;
    }
    // Standard error stays, for what the spawner may have to say; a terminal's signals and hang-ups do not reach it.
    // The control socket moves first: its number may be one of those that are opened here.
    if (error == 0) error = posix_spawn_file_actions_adddup2(&files, control, 3);
    if (error == 0) error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&files, 0, 1);
    if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(&files, 4);
    if (error == 0) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (error == 0) error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (error == 0) {
        error = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    }
    // Nothing of the gateway's environment goes along, but the place of its shared libraries.
    char *environment[2] = {NULL, NULL};
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, "LD_LIBRARY_PATH=", 16) == 0) environment[0] = *entry;
    }
    char *arguments[2] = {PENSTOCK_SPAWNER_NAME, NULL};
    if (error == 0) error = posix_spawn(pid, "/proc/self/exe", &files, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

int penstock_spawner_send(
    int control, const struct penstock_spawn_request *request, const int *descriptors, size_t count) {
    union {
        char bytes[CMSG_SPACE(sizeof(int) * (1 + PENSTOCK_SPAWN_DESCRIPTORS))];
        struct cmsghdr align;
    } ancillary;
    if (count > 1 + PENSTOCK_SPAWN_DESCRIPTORS) return EINVAL;
    struct iovec part = {.iov_base = (void *)request, .iov_len = sizeof *request};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        memset(&ancillary, 0, sizeof ancillary);
        message.msg_control = ancillary.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    }
    while (sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
}

int penstock_spawner_receive(int control, struct penstock_spawn_answer *answer) {
    ssize_t length = penstock_receive(control, MSG_DONTWAIT, answer, sizeof *answer, NULL, 0);
    if (length == 0) return 0;
    if (length == (ssize_t)sizeof *answer) return 1;
    return length < 0 ? (int)length : -EPROTO;
}

int penstock_memory_file(const char *name, const void *bytes, size_t length) {
    int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return -errno;
    for (size_t written = 0; written < length;) {
        ssize_t count = pwrite(file, (const char *)bytes + written, length - written, (off_t)written);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            int error = count < 0 ? errno : EIO;
            close(file);
            return -error;
        }
        written += (size_t)count;
    }
    // Several functions may be given the same file: none may write to it.
    (void)fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    return file;
}

int penstock_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }

ssize_t penstock_receive(int control, int flags, void *bytes, size_t length, int *descriptors, size_t most) {
    union {
        char bytes[CMSG_SPACE(sizeof(int) * (1 + PENSTOCK_SPAWN_DESCRIPTORS))];
        struct cmsghdr align;
    } ancillary;
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = ancillary.bytes, .msg_controllen = sizeof ancillary};
    ssize_t count;
    do {
        count = recvmsg(control, &message, flags | MSG_CMSG_CLOEXEC);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    size_t taken = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < here; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            if (taken < most) descriptors[taken++] = descriptor;
            else close(descriptor);
        }
    }
    return count;
}
