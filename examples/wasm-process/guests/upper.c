// An ordinary filter: lines from standard input to standard output, in capitals. It knows of no channel.
// With arguments they are written first; the environment says in which LANGUAGE to complain.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    for (int n = 1; n < argc; n++) printf("%s%c", argv[n], n + 1 < argc ? ' ' : '\n');
    size_t lines = 0;
    for (int c; (c = getchar()) != EOF;) {
        if (putchar(toupper(c)) == EOF) return 3;
        lines += c == '\n';
    }
    if (fflush(stdout) != 0) return 3;
    const char *language = getenv("LANGUAGE");
    fprintf(stderr, language && *language == 'd' ? "%zu Zeilen\n" : "%zu lines\n", lines);
    return lines == 0;
}
