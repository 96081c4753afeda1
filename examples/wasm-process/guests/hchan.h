// What a guest in C imports of the host: see `src/csp.rs`. All answer a count, or a negative errno.
#pragma once
#include <stdint.h>

#define HCHAN(name) __attribute__((import_module("hchan"), import_name(#name))) int32_t chan_##name

HCHAN(send)(uint32_t handle, const void *message, uint32_t len);
HCHAN(recv)(uint32_t handle, void *place, uint32_t len);
HCHAN(size)(uint32_t handle);
HCHAN(close)(uint32_t handle);

enum { CHAN_OFF = 0, CHAN_RECV = 1, CHAN_SEND = 2 };

struct chan_arm {
    uint32_t what;
    uint32_t handle;
    const void *at;
    uint32_t len;
    int32_t result;
};

// The index of the arm that was performed; its `result` is what chan_recv or chan_send would answer.
// `ms`: below zero it waits for ever.
HCHAN(select)(struct chan_arm *arms, uint32_t count, int32_t ms);
