// What a C library finds of a system that is not there: no files, no sleep; but clocks, and random bytes.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, int failed) {
    printf("%s: %s\n", what, failed ? strerror(errno) : "works");
}

int main(void) {
    char bytes[16] = {0};
    struct timespec time, second = {.tv_sec = 1};
    say("open", open("/etc/passwd", O_RDONLY) < 0);
    say("seek", lseek(0, 0, SEEK_SET) < 0);
    say("sleep", (errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL)) != 0);
    say("write to nothing", write(9, bytes, 1) < 0);
    say("read of an output", read(1, bytes, 1) < 0);
    say("random", getentropy(bytes, sizeof bytes) < 0);
    say("clock", clock_gettime(CLOCK_MONOTONIC, &time) < 0);
    say("terminal", !isatty(1));
    void *volatile much = malloc(64 << 20);
    say("64 MiB", much == NULL);
    return 0;
}
