/* What one run has: its options, its farmers, the time, and an end for what cannot go on. */
#include "run.h"

#include <errno.h>
#include <time.h>

options opt = {
    .mode = "flood",
    .dialect = "plain",
    .host = "127.0.0.1",
    .farmers = 100,
    .talkers = 10,
    .lines = 1000,
    .window = 256,
    .arriving = 32,
    .rate = 1,
    .patience = 5,
    .deadline = 60,
    .parts = 1,
};
const dialect *lang;
farmer *farmers;
uint64_t now;

void die(const char *what) {
    fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
    exit(1);
}

uint64_t clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
