/* A driver that is not there: the calls of NVML that the agent makes, by NVML's ABI (types and numbers
 * as its public header documents them). The test compiles one for each situation, with -D. */

#include <stdio.h>
#include <string.h>

#ifndef CARDS
#define CARDS 2
#endif
#ifndef INIT
#define INIT 0 /* what nvmlInit answers */
#endif
#ifndef OPEN_LOST
#define OPEN_LOST -1 /* the card that is lost from the beginning */
#endif
#ifndef LOST
#define LOST -1 /* the card that is lost from its second reading on */
#endif
#ifndef RESET
#define RESET -1 /* the card whose memory answers "reset required" */
#endif
#ifndef NO_EVENTS
#define NO_EVENTS -1 /* the card that does not register for events */
#endif
#ifndef XIDS
#define XIDS 0 /* events of card 1: numbers, to a zero */
#endif
#ifndef BARE
#define BARE 0 /* a desktop card: no ECC, no remapping, no thresholds */
#endif
#ifndef UUID
#define UUID "GPU-00000000-0000-0000-0000-0000000000%02x"
#endif
#ifndef PROCESSES
#define PROCESSES 0
#endif

enum {
    OK = 0,
    INVALID = 2,
    NOT_SUPPORTED = 3,
    SMALL = 7,
    TIMEOUT = 10,
    GPU_LOST = 15,
    NEEDS_RESET = 16
};

typedef unsigned long long u64;
typedef struct card {
    int index;
    int readings;
} card;
typedef struct set {
    card *of;
    unsigned next;
} set;

static card cards[16];
static set sets[16];
static int open_sets;
static const u64 xids[] = {XIDS, 0};

static int lost(card *c) {
    return c->index == OPEN_LOST || (c->index == LOST && c->readings > 1);
}
#define ALIVE(c)                                                               \
    do {                                                                       \
        if (lost(c)) return GPU_LOST;                                          \
    } while (0)

int nvmlInit_v2(void) {
    for (int i = 0; i < 16; i++) cards[i].index = i;
    return INIT;
}
int nvmlShutdown(void) {
    return OK;
}
int nvmlSystemGetDriverVersion(char *text, unsigned length) {
    snprintf(text, length, "550.54.15");
    return OK;
}
int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = CARDS;
    return OK;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, card **c) {
    if (index >= CARDS) return INVALID;
    *c = &cards[index];
    ALIVE(*c);
    return OK;
}
int nvmlDeviceGetUUID(card *c, char *text, unsigned length) {
    ALIVE(c);
    snprintf(text, length, UUID, c->index);
    return OK;
}
int nvmlDeviceGetName(card *c, char *text, unsigned length) {
    ALIVE(c);
    snprintf(text, length, BARE ? "NVIDIA GeForce RTX 4090" : "NVIDIA H100 80GB HBM3");
    return OK;
}

typedef struct memory {
    unsigned version;
    u64 total, reserved, free, used;
} memory;
/* The first call of a reading. */
int nvmlDeviceGetMemoryInfo_v2(card *c, memory *m) {
    c->readings++;
    ALIVE(c);
    if (c->index == RESET) return NEEDS_RESET;
    if (m->version != (sizeof *m | 2u << 24)) return INVALID;
    m->total = (BARE ? 24564ull : 81559ull) << 20;
    m->reserved = 600ull << 20;
    m->used = (u64)(5 + c->index) << 20;
    m->free = m->total - m->used;
    return OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(card *c, unsigned *count, void *infos) {
    (void)infos;
    ALIVE(c);
    *count = PROCESSES;
    return PROCESSES ? SMALL : OK;
}
int nvmlDeviceGetTemperature(card *c, unsigned sensor, unsigned *celsius) {
    ALIVE(c);
    if (sensor != 0) return INVALID;
    *celsius = 41 + c->index;
    return OK;
}
int nvmlDeviceGetTemperatureThreshold(card *c, unsigned kind, unsigned *celsius) {
    ALIVE(c);
    if (BARE) return NOT_SUPPORTED;
    if (kind > 1) return INVALID;
    *celsius = kind == 0 ? 92 : 89;
    return OK;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(card *c, u64 *reasons) {
    ALIVE(c);
    *reasons = c->index == 1 ? 0x40 : 0x1;
    return OK;
}
int nvmlDeviceGetTotalEccErrors(card *c, unsigned kind, unsigned counter, u64 *count) {
    ALIVE(c);
    if (BARE) return NOT_SUPPORTED;
    *count = 1000 * (counter + 1) + 100 * kind + c->index;
    return OK;
}

typedef union value {
    double d;
    int si;
    unsigned ui;
    unsigned long ul;
    u64 ull;
    long long sll;
    unsigned short us;
} value;
typedef struct field {
    unsigned id, scope;
    long long timestamp, latency;
    unsigned type;
    int result;
    value v;
} field;
int nvmlDeviceGetFieldValues(card *c, int count, field *fields) {
    ALIVE(c);
    for (int i = 0; i < count; i++) {
        field *f = &fields[i];
        if (BARE || f->id < 142 || f->id > 145) {
            f->result = NOT_SUPPORTED;
            continue;
        }
        f->result = OK;
        /* The driver gives both widths. */
        if (f->id == 142) {
            f->type = 3;
            f->v.ull = 11;
        } else {
            f->type = 1;
            f->v.ui = f->id == 143 ? 7 : f->id == 144 ? 1 : 0;
        }
    }
    return OK;
}

typedef struct pci {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char bus_id[32];
} pci;
int nvmlDeviceGetPciInfo_v3(card *c, pci *p) {
    ALIVE(c);
    memset(p, 0, sizeof *p);
    p->id = 0x233010de;
    p->subsystem = 0x16c110de;
    snprintf(p->bus_id, sizeof p->bus_id, "00000000:%02X:00.0", c->index);
    return OK;
}
int nvmlDeviceGetPcieReplayCounter(card *c, unsigned *count) {
    ALIVE(c);
    *count = 21;
    return OK;
}
#define LINK(name, number)                                                     \
    int nvmlDeviceGet##name(card *c, unsigned *n) {                            \
        ALIVE(c);                                                              \
        *n = number;                                                           \
        return OK;                                                             \
    }
LINK(CurrPcieLinkWidth, 8)
LINK(MaxPcieLinkWidth, 16)
LINK(CurrPcieLinkGeneration, 1)
LINK(MaxPcieLinkGeneration, 5)

int nvmlEventSetCreate(set **s) {
    if (open_sets >= 16) return INVALID;
    *s = &sets[open_sets++];
    return OK;
}
int nvmlEventSetFree(set *s) {
    (void)s;
    open_sets--;
    return OK;
}
int nvmlDeviceRegisterEvents(card *c, u64 types, set *s) {
    ALIVE(c);
    if (types != 8) return INVALID;
    if (c->index == NO_EVENTS) return NOT_SUPPORTED;
    s->of = c;
    return OK;
}
typedef struct event {
    card *device;
    u64 type, data;
    unsigned gpu_instance, compute_instance;
} event;
int nvmlEventSetWait_v2(set *s, event *e, unsigned ms) {
    /* The agent never waits. */
    if (ms != 0 || s->of == NULL) return INVALID;
    if (s->of->index != 1 || xids[s->next] == 0) return TIMEOUT;
    e->device = s->of;
    e->type = 8;
    e->data = xids[s->next++];
    return OK;
}
