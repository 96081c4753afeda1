// What the kernel runs at each switch of its scheduler. User space says in a map which threads it wants to
// hear of; a switch from or to one of them goes to a ring buffer. If that is full the event is counted as
// dropped: nothing here ever waits.
//
// No kernel headers: the helpers and the shapes of maps that are needed are declared here. Where the
// tracepoint has its fields is given by macros (PREV_PID and so on) that `compile.rs` makes of what the
// running kernel says of it.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SECTION(name) __attribute__((section(name), used))
#define NUMBER(name, value) int(*name)[value]
#define TYPE(name, value) value *name

// Part of the kernel's interface, as in include/uapi/linux/bpf.h: types of maps, numbers of helpers.
enum { HASH = 1, PERCPU_ARRAY = 6, RINGBUF = 27 };
static void *(*const lookup)(void *map, const void *key) = (void *)1;
static u64 (*const now)(void) = (void *)5;
static u32 (*const processor)(void) = (void *)8;
static void *(*const reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const submit)(void *data, u64 flags) = (void *)132;

// From user space: the threads that are wanted, by their ids.
struct {
    NUMBER(type, HASH);
    NUMBER(max_entries, 4096);
    TYPE(key, u32);
    TYPE(value, u8);
} wanted SECTION(".maps");

// To user space: how often each of these happened, on each processor.
enum { SEEN, SENT, DROPPED, COUNTERS };
struct {
    NUMBER(type, PERCPU_ARRAY);
    NUMBER(max_entries, COUNTERS);
    TYPE(key, u32);
    TYPE(value, u64);
} counters SECTION(".maps");

// To user space: the events. The size is set by who loads it.
struct {
    NUMBER(type, RINGBUF);
    NUMBER(max_entries, 4096);
} events SECTION(".maps");

// As `event.rs` reads it.
struct event {
    u64 time;
    u64 state;
    u32 prev;
    u32 next;
    u32 processor;
    u32 wanted;
    u8 prev_name[16];
    u8 next_name[16];
};

static void count(u32 which) {
    u64 *counter = lookup(&counters, &which);
    if (counter) ++*counter;
}

SECTION("tracepoint/sched/sched_switch")
int switches(const u8 *context) {
    u32 prev = *(const u32 *)(context + PREV_PID);
    u32 next = *(const u32 *)(context + NEXT_PID);
    count(SEEN);
    u32 found = (lookup(&wanted, &prev) ? 1 : 0) | (lookup(&wanted, &next) ? 2 : 0);
    if (!found) return 0;
    struct event *event = reserve(&events, sizeof *event, 0);
    if (!event) {
        count(DROPPED);
        return 0;
    }
    event->time = now();
    event->state = *(const PREV_STATE_TYPE *)(context + PREV_STATE);
    event->prev = prev;
    event->next = next;
    event->processor = processor();
    event->wanted = found;
    for (int n = 0; n < 16; n++) event->prev_name[n] = context[PREV_COMM + n];
    for (int n = 0; n < 16; n++) event->next_name[n] = context[NEXT_COMM + n];
    // Counted first: so it is never behind what user space has received.
    count(SENT);
    submit(event, 0);
    return 0;
}

// None of these helpers depends on it.
const char licence[] SECTION("license") = "Dual MIT/GPL";
