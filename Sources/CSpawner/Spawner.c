// The spawner's side: one thread, one table of instances, no more memory than a request needs.
#define _GNU_SOURCE
#include "Spawner.h"
#include "CSpawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The instances that have not been reaped. Each leads a session and process group of its own (its number is its
// pid's), and is a child subreaper, so that what it starts stays below it in the tree of processes while it lives,
// and becomes the spawner's child when it has died. Hence the rule in sweep(): a child that is not in this table
// descends from a dead instance.
struct instance {
    uint64_t id;
    pid_t pid;
};
static struct instance *instances;
static size_t instance_count, instance_room;
static int control_socket;

static void answer(uint32_t kind, uint32_t stage, uint64_t id, pid_t pid, int status) {
    struct penstock_spawn_answer message = {.kind = kind, .stage = stage, .id = id, .pid = pid, .status = status};
    // Waits where the gateway is slow to read. Where it is gone, the next receive says so.
    while (send(control_socket, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR) {}
}

// What the child reads of its parent's memory, which it shares until it executes (CLONE_VM); it answers in `stage`
// and `error`. It allocates nothing and calls nothing that locks.
struct launch {
    const struct penstock_spawn_request *request;
    const int *descriptors;
    const char *program, *directory;
    char **arguments, **variables;
    pid_t spawner;
    volatile int stage, error;
};

// Puts descriptors[i] at targets[i] and closes everything else. First all move above every target, so that no target
// overwrites one that is still to be moved.
static bool place_descriptors(const struct launch *launch) {
    const struct penstock_spawn_request *request = launch->request;
    int moved[PENSTOCK_SPAWN_DESCRIPTORS];
    bool taken[PENSTOCK_SPAWN_TARGETS] = {false};
    for (uint32_t index = 0; index < request->descriptors; index++) {
        moved[index] = fcntl(launch->descriptors[index], F_DUPFD, PENSTOCK_SPAWN_TARGETS);
        if (moved[index] < 0) return false;
    }
    for (uint32_t index = 0; index < request->descriptors; index++) {
        if (dup2(moved[index], request->targets[index]) < 0) return false;
        taken[request->targets[index]] = true;
    }
    // 0 is the spawner's /dev/null where nothing was put there.
    for (int number = 1; number < PENSTOCK_SPAWN_TARGETS; number++) {
        if (!taken[number]) close(number);
    }
    return syscall(SYS_close_range, (unsigned)PENSTOCK_SPAWN_TARGETS, ~0U, 0U) == 0;
}

static bool set_limits(const struct launch *launch) {
    const struct penstock_spawn_request *request = launch->request;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    struct rlimit core = {0, 0};
    if (setrlimit(RLIMIT_CORE, &core) != 0) return false;
    if (request->files_hard != 0) {
        struct rlimit files = {request->files_soft, request->files_hard};
        if (setrlimit(RLIMIT_NOFILE, &files) != 0) return false;
    }
    if (request->memory != 0) {
        struct rlimit memory = {request->memory, request->memory};
        if (setrlimit(RLIMIT_AS, &memory) != 0) return false;
    }
    return true;
}

static int run_child(void *argument) {
    struct launch *launch = argument;
    // A child of a spawner that has died must not live: the signal covers the time from here on, the comparison that
    // before. Both go by thread, which is why the spawner has only one.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != launch->spawner) _exit(127);

    // Past the C library, which keeps two signals for itself (nptl(7)) and would leave them as they were.
    unsigned long standard[4] = {(unsigned long)SIG_DFL};
    for (int number = 1; number < NSIG; number++) (void)syscall(SYS_rt_sigaction, number, standard, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();

    launch->stage = PENSTOCK_STAGE_DIRECTORY;
    if (chdir(launch->directory) == 0) {
        launch->stage = PENSTOCK_STAGE_DESCRIPTORS;
        if (place_descriptors(launch)) {
            launch->stage = PENSTOCK_STAGE_LIMITS;
            if (set_limits(launch)) {
                launch->stage = PENSTOCK_STAGE_EXEC;
                execve(launch->program, launch->arguments, launch->variables);
            }
        }
    }
    launch->error = errno;
    _exit(127);
}

#if __has_feature(thread_sanitizer)
// Its own clone takes every child for one with memory of its own, and puts ours into disorder; glibc's has this name too.
int __clone(int (*function)(void *), void *stack, int flags, void *argument);
#define clone __clone
#endif

// Clones a child that shares this memory, on a stack of its own, and sleeps until it has executed or failed.
static pid_t start_child(struct launch *launch) {
    static char stack[64 * 1024] __attribute__((aligned(16)));
    pid_t pid = clone(run_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, launch);
    if (pid < 0) {
        launch->stage = PENSTOCK_STAGE_CLONE;
        launch->error = errno;
        return -1;
    }
    if (launch->error == 0) return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    return -1;
}

// Splits the NUL-ended strings into `launch`, whose vectors have room for them and two NULLs.
// The counts come from the gateway, which is trusted, and are checked against the bytes all the same.
static bool split_strings(struct launch *launch, char *bytes, char **vector) {
    const struct penstock_spawn_request *request = launch->request;
    char *end = bytes + request->strings;
    if (request->strings == 0 || end[-1] != 0) return false;
    size_t wanted = 2 + (size_t)request->arguments + request->variables, found = 0;
    char *place = bytes;
    for (; place < end && found < wanted; found++, place += strlen(place) + 1) {
        if (found == 0) launch->program = place;
        else if (found == 1) launch->directory = place;
        else if (found < 2 + (size_t)request->arguments) vector[found - 2] = place;
        else vector[found - 1] = place;
    }
    vector[request->arguments] = NULL;
    vector[request->arguments + 1 + request->variables] = NULL;
    launch->arguments = vector;
    launch->variables = vector + request->arguments + 1;
    return found == wanted && place == end;
}

static bool read_strings(int file, char *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t count = pread(file, bytes + done, length - done, (off_t)done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        done += (size_t)count;
    }
    return true;
}

static bool is_well_formed(const struct penstock_spawn_request *request, const int *descriptors) {
    if (request->strings > PENSTOCK_SPAWN_STRINGS || request->descriptors > PENSTOCK_SPAWN_DESCRIPTORS) return false;
    if (request->arguments == 0 || request->arguments > request->strings) return false;
    if (request->variables > request->strings) return false;
    for (uint32_t index = 0; index < request->descriptors; index++) {
        if (request->targets[index] < 0 || request->targets[index] >= PENSTOCK_SPAWN_TARGETS) return false;
    }
    for (uint32_t index = 0; index <= request->descriptors; index++) {
        if (descriptors[index] < 0) return false;
    }
    return true;
}

static bool make_room(void) {
    if (instance_count < instance_room) return true;
    size_t room = instance_room == 0 ? 64 : instance_room * 2;
    struct instance *larger = realloc(instances, room * sizeof *larger);
    if (larger == NULL) return false;
    instances = larger;
    instance_room = room;
    return true;
}

static void spawn(const struct penstock_spawn_request *request, const int *descriptors) {
    struct launch launch = {
        .request = request, .descriptors = descriptors + 1, .spawner = getpid(), .stage = PENSTOCK_STAGE_REQUEST};
    char *bytes = NULL, **vector = NULL;
    pid_t pid = -1;
    launch.error = EINVAL;
    if (is_well_formed(request, descriptors)) {
        bytes = malloc((size_t)request->strings + 1);
        vector = calloc((size_t)request->arguments + request->variables + 2, sizeof *vector);
        launch.error = ENOMEM;
        if (bytes != NULL && vector != NULL && make_room()) {
            launch.error = EINVAL;
            if (read_strings(descriptors[0], bytes, request->strings) && split_strings(&launch, bytes, vector)) {
                launch.error = 0;
                pid = start_child(&launch);
            }
        }
    }
    if (pid > 0) {
        instances[instance_count++] = (struct instance){.id = request->id, .pid = pid};
        answer(PENSTOCK_SPAWNED, 0, request->id, pid, 0);
    } else {
        answer(PENSTOCK_FAILED, (uint32_t)launch.stage, request->id, 0, launch.error);
    }
    free(bytes);
    free(vector);
}

static void signal_instance(uint64_t id, uint32_t number) {
    for (size_t index = 0; index < instance_count; index++) {
        if (instances[index].id != id) continue;
        // The rest of its descendants become our children when it is dead, and are swept.
        if (number == SIGKILL) kill(-instances[index].pid, SIGKILL);
        kill(instances[index].pid, (int)number);
        return;
    }
}

static bool is_instance(pid_t pid) {
    for (size_t index = 0; index < instance_count; index++) {
        if (instances[index].pid == pid) return true;
    }
    return false;
}

// Kills every child that is not an instance, or every child; false where the kernel does not list them.
static bool sweep(bool all) {
    FILE *list = fopen("/proc/thread-self/children", "re");
    if (list == NULL) return false;
    int pid;
    while (fscanf(list, "%d", &pid) == 1) {
        if (all || !is_instance(pid)) kill(pid, SIGKILL);
    }
    fclose(list);
    return true;
}

// Reaps whatever has exited, tells the gateway of instances, then goes after what they have left behind.
static void reap(void) {
    bool any = false;
    for (;;) {
        siginfo_t child = {0};
        if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0 || child.si_pid == 0) break;
        any = true;
        bool known = is_instance(child.si_pid);
        // Before it is reaped its number is still its own, and so is its group's.
        if (known) kill(-child.si_pid, SIGKILL);
        int status = 0;
        while (waitpid(child.si_pid, &status, 0) < 0 && errno == EINTR) {}
        for (size_t index = 0; known && index < instance_count; index++) {
            if (instances[index].pid != child.si_pid) continue;
            uint64_t id = instances[index].id;
            instances[index] = instances[--instance_count];
            answer(PENSTOCK_EXITED, 0, id, child.si_pid, status);
            break;
        }
    }
    if (any) sweep(false);
}

// The gateway is gone: so is everything that it had us start.
static _Noreturn void finish(void) {
    for (size_t index = 0; index < instance_count; index++) kill(-instances[index].pid, SIGKILL);
    while (sweep(true)) {
        if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD) _exit(0);
    }
    // What has left its instance's group cannot be found, and might never end: only instances are waited for.
    for (size_t index = 0; index < instance_count; index++) {
        while (waitpid(instances[index].pid, NULL, 0) < 0 && errno == EINTR) {}
    }
    _exit(0);
}

static void receive_requests(void) {
    for (;;) {
        struct penstock_spawn_request request;
        int descriptors[1 + PENSTOCK_SPAWN_DESCRIPTORS];
        for (size_t index = 0; index <= PENSTOCK_SPAWN_DESCRIPTORS; index++) descriptors[index] = -1;
        ssize_t length = penstock_receive(
            control_socket, MSG_DONTWAIT, &request, sizeof request, descriptors, 1 + PENSTOCK_SPAWN_DESCRIPTORS);
        if (length == -EAGAIN) return;
        if (length != (ssize_t)sizeof request) finish();
        if (request.kind == PENSTOCK_SPAWN) spawn(&request, descriptors);
        if (request.kind == PENSTOCK_KILL) signal_instance(request.id, request.signal);
        for (size_t index = 0; index <= PENSTOCK_SPAWN_DESCRIPTORS; index++) {
            if (descriptors[index] >= 0) close(descriptors[index]);
        }
    }
}

static bool is_control_socket(int descriptor) {
    int type = 0;
    socklen_t length = sizeof type;
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

_Noreturn void penstock_spawner_run(int control) {
    control_socket = control;
    if (!is_control_socket(control)) {
        static const char complaint[] = PENSTOCK_SPAWNER_NAME ": only the gateway starts me\n";
        (void)!write(2, complaint, sizeof complaint - 1);
        _exit(2);
    }
    fcntl(control, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_NAME, PENSTOCK_SPAWNER_NAME, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    int ignorable[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    for (size_t index = 0; index < sizeof ignorable / sizeof *ignorable; index++) {
        sigaction(ignorable[index], &ignored, NULL);
    }
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) _exit(2);

    for (;;) {
        struct pollfd waits[2] = {{.fd = control, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        if (poll(waits, 2, -1) < 0 && errno != EINTR) finish();
        if (waits[1].revents != 0) {
            struct signalfd_siginfo notice;
            while (read(signals, &notice, sizeof notice) > 0) {}
            reap();
        }
        if (waits[0].revents != 0) receive_requests();
    }
}
