/* open.c - an open loop: requests that are due when they are due, whatever becomes of those before.
 *
 *   open PORT PATH CONNECTIONS RATE SECONDS WARM_SECONDS [FIELD...]
 *
 * The schedule is a Poisson process of RATE requests a second with a fixed seed: the same arrivals for every server. A
 * request goes out on the connection that has been idle longest; while none is idle it waits here, and that counts:
 * latency is from the moment a request was due to the last byte of its answer. Nothing that the server does delays
 * what comes after, so there is no coordinated omission. Requests due in the first WARM_SECONDS are not counted.
 *
 * Prints one line of JSON, times in microseconds. `lag` is this program's own lateness: from the moment a request was
 * due and a connection idle to its sending. It asks for a real-time priority, since it stands for clients that have
 * processors of their own; without the right to one the lag is that of the machine's scheduler. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A histogram with 128 buckets for each doubling: what it says is at most 0.4 % off. */
enum { SUB = 128, BUCKETS = SUB * 58 };
typedef struct { long long count, max; unsigned of[BUCKETS]; } Histogram;
enum { BUF = 4096, BATCH = 256 };
typedef struct { int fd; long long due, idle_since; size_t have; long long body; char buf[BUF]; } Conn;

static const long long SECOND = 1000000000, PATIENCE = 10 * SECOND;     /* to wait for the last answers */
static Histogram latency, lag;
static long long errors, bad_status;

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static void note(Histogram *h, long long value) {
    uint64_t v = value > 0 ? value : 0;
    int shift = v < 2 * SUB ? 0 : 63 - __builtin_clzll(v) - 7;
    h->of[shift * SUB + (v >> shift)]++;
    h->count++;
    if (value > h->max) h->max = value;
}

/* The middle of the bucket in which the quantile is, in microseconds. */
static double quantile(const Histogram *h, double q) {
    long long rank = ceil(q * h->count), seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        if ((seen += h->of[i]) < rank || !rank) continue;
        int shift = i < 2 * SUB ? 0 : i / SUB - 1;
        double low = (double)((uint64_t)(i - shift * SUB) << shift), width = (double)(1ULL << shift);
        return (low + (width - 1) / 2) / 1000;
    }
    return 0;
}

/* Nanoseconds until the next arrival: exponentially distributed, from splitmix64 with a fixed seed. */
static double gap(double rate) {
    static uint64_t state = 20260101;
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return -log(((z >> 11) + 0.5) / (1ULL << 53)) / rate * SECOND;
}

static void dial(Conn *c, int ep, int port) {
    int one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (void *)&a, sizeof a)) { perror("open: connect"); exit(1); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
    c->have = 0;
    c->body = -1;
    c->due = 0;
}

/* Reads on. 1: the answer is whole, 0: not yet, -1: it is none, or the connection has ended. */
static int answer(Conn *c) {
    ssize_t r = recv(c->fd, c->buf + c->have, BUF - c->have, MSG_DONTWAIT);
    if (r < 0 && errno == EAGAIN) return 0;
    if (r <= 0 || !c->due) return -1;       /* also where nothing was asked */
    c->have += r;
    if (c->body < 0) {
        char *end = memmem(c->buf, c->have, "\r\n\r\n", 4);
        if (!end) return c->have == BUF ? -1 : 0;
        *end = 0;
        char *length = strcasestr(c->buf, "\r\ncontent-length:");
        if (strncmp(c->buf, "HTTP/1.1 ", 9) || !length) return -1;
        if (c->buf[9] != '2') bad_status++;
        c->body = atoll(length + strlen("\r\ncontent-length:"));
        c->have -= end + 4 - c->buf;
    }
    c->body -= c->have;
    c->have = 0;
    return c->body > 0 ? 0 : c->body < 0 ? -1 : 1;
}

int main(int argc, char **argv) {
    if (argc < 7) return fprintf(stderr, "usage: open PORT PATH CONNECTIONS RATE SECONDS WARM_SECONDS [FIELD...]\n"), 2;
    int port = atoi(argv[1]), n = atoi(argv[3]), ep = epoll_create1(0);
    double rate = atof(argv[4]);
    char request[16384];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n", argv[2], port);
    for (int i = 7; i < argc && size < 12000; i++) size += snprintf(request + size, 4000, "%s\r\n", argv[i]);
    size += snprintf(request + size, 4000, "\r\n");

    prctl(PR_SET_TIMERSLACK, 1);
    struct sched_param priority = {.sched_priority = 1};
    int realtime = !sched_setscheduler(0, SCHED_FIFO, &priority);

    Conn *conns = calloc(n, sizeof *conns), **idle = calloc(n, sizeof *idle);     /* idle: a ring, first in first out */
    unsigned in = 0, out = 0;
    for (int i = 0; i < n; i++) {
        dial(&conns[i], ep, port);
        idle[in++ % n] = &conns[i];
        usleep(500);                                    /* clients come one by one: whoever is free takes the next */
    }
    usleep(200000);                                     /* for the server to accept the last ones */

    long long start = now_ns(), counted = start + atof(argv[6]) * SECOND, end = counted + atof(argv[5]) * SECOND;
    long long busy = 0, sent = 0, last = counted;
    double next = start + gap(rate);
    struct epoll_event evs[BATCH];
    for (;;) {
        long long now = now_ns();
        for (; in != out && next <= now && next < end; next += gap(rate), now = now_ns()) {
            Conn *c = idle[out++ % n];
            long long ready = c->idle_since > next ? c->idle_since : (long long)next;
            c->due = next;
            if (send(c->fd, request, size, MSG_NOSIGNAL | MSG_DONTWAIT) != size) shutdown(c->fd, SHUT_RDWR);
            if (c->due >= counted) note(&lag, now - ready);
            busy++;
            sent++;
        }
        if (next >= end && (!busy || now > end + PATIENCE)) break;
        /* With no idle connection, or nothing more to send, only an answer changes anything. */
        long long wait = next < end && in != out ? (long long)next - now : PATIENCE;
        if (wait < 0) wait = 0;
        struct timespec t = {wait / SECOND, wait % SECOND};
        int ready = epoll_pwait2(ep, evs, BATCH, &t, NULL);
        for (int i = 0; i < ready; i++) {
            Conn *c = evs[i].data.ptr;
            int was_busy = c->due != 0, r = answer(c);
            if (!r) continue;
            c->idle_since = now_ns();
            if (was_busy && r > 0) {
                if (c->due >= counted) note(&latency, (last = c->idle_since) - c->due);
                c->body = -1;
                c->due = 0;
            } else {
                errors += was_busy;                     /* an idle one may be closed: that loses nothing */
                close(c->fd);
                dial(c, ep, port);
            }
            if (was_busy) {
                busy--;
                idle[in++ % n] = c;
            }
        }
    }
    errors += busy;
    double seconds = (double)((last > end ? last : end) - counted) / SECOND;
    printf("{\"requests\": %lld, \"counted\": %lld, \"seconds\": %.6f, \"rate\": %.1f, \"rps\": %.1f, \"errors\": %lld, \"bad_status\": %lld, "
           "\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f, "
           "\"lag_p50\": %.1f, \"lag_p99\": %.1f, \"lag_p999\": %.1f, \"lag_max\": %.1f, \"realtime\": %s}\n",
           sent, latency.count, seconds, rate, latency.count / seconds, errors, bad_status,
           quantile(&latency, .5), quantile(&latency, .9), quantile(&latency, .99), quantile(&latency, .999), latency.max / 1e3,
           quantile(&lag, .5), quantile(&lag, .99), quantile(&lag, .999), lag.max / 1e3, realtime ? "true" : "false");
}
