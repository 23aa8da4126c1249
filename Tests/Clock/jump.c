/* A wall clock that a test sets: clock_gettime(CLOCK_REALTIME) of the program that preloads this is ahead by as many
   seconds as the file $PENSTOCK_TEST_CLOCK says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    const char *path = clock == CLOCK_REALTIME ? getenv("PENSTOCK_TEST_CLOCK") : NULL;
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
        long seconds = 0;
        if (fscanf(file, "%ld", &seconds) == 1) time->tv_sec += seconds;
        fclose(file);
    }
    return result;
}
