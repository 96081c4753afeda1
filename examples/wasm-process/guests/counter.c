// A server in C: whoever receives from handle 4 gets the sum of what was sent to handle 3 so far. It is
// ready for both at any time, so it selects over a receive and a send.
// In Go: for { select { case n, ok := <-add: if !ok { return }; sum += n; case get <- sum: } }
#include "hchan.h"
#include <stdio.h>

int main(void) {
    uint32_t sum = 0, n = 0;
    struct chan_arm arms[] = {{CHAN_RECV, 3, &n, sizeof n, 0}, {CHAN_SEND, 4, &sum, sizeof sum, 0}};
    for (;;) {
        int which = chan_select(arms, 2, -1);
        if (which < 0) return 1;
        // Nobody adds any more; or nobody asks any more, and it goes on adding.
        if (which == 0 && arms[0].result < 0) break;
        if (which == 0) sum += n;
        if (which == 1 && arms[1].result < 0) arms[1].what = CHAN_OFF;
    }
    printf("%u in all\n", sum);
    return 0;
}
