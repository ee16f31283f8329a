/* What the farmers do: arrive, flood, talk at a pace, whisper, or sit in a crowd. */
#include "modes.h"

#include "dialects.h"
#include "tally.h"
#include "wire.h"

#define SETTLE_MS 250 /* this much silence ends the arrivals */
#define NEWS_MS 1000  /* and this much where some have not heard of all: the word may wait */

uint64_t arrived_ns, announced_ns, run_ns, unfinished;
static uint64_t late_ns;       /* paced: the worst delay of the generator itself */
static double *reached_ms;     /* crowd: for each line, until the last farmer had it */
static uint64_t reached_after; /* deliveries */
static uint64_t reached_at;

/* How many farmers of a range are this process's. */
int ours(int from, int to) {
    int count = 0;
    for (int i = from; i < to; i++) count += is_ours(i);
    return count;
}

/* Those who check what they hear, the talker too. */
static uint64_t audience(void) {
    return (uint64_t)ours(0, opt.farmers - opt.stalled - opt.counting);
}

/* The same without the talker, who is this process's. */
static uint64_t audience_of_one(void) { return audience() - 1; }

/* Whether those who only count have the bytes of all lines that were said. */
static bool counted_all(void) {
    return counted_bytes >=
           tally_bytes_said() * (uint64_t)ours(opt.farmers - opt.counting, opt.farmers);
}

static bool over(uint64_t deadline) {
    return now > deadline || now > last_bytes + (uint64_t)(opt.patience * 1e9);
}

static int arriving(int started) { return started - inside_count - (int)cuts; }

void arrive_all(void) {
    uint64_t from = now = last_bytes = clock_ns(), deadline = from + (uint64_t)(opt.deadline * 1e9);
    int started = 0, next = opt.part, all_ours = ours(0, opt.farmers);
    while (inside_count + (int)cuts < all_ours && !over(deadline)) {
        for (; next < opt.farmers && arriving(started) < opt.arriving; next += opt.parts, started++) {
            wire_connect(&farmers[next]);
            lang->greet(&farmers[next]);
        }
        wire_turn(100);
    }
    arrived_ns = last_arrival - from;
    uint64_t all = (uint64_t)opt.farmers * (uint64_t)(opt.farmers - 1) / 2;
    bool crowd = !strcmp(opt.mode, "crowd");
    int silence;
    do {
        bool waits = opt.counting || (crowd && announcements && announcements < all);
        silence = waits ? NEWS_MS : SETTLE_MS;
    } while (now < deadline && wire_turn(silence));
    announced_ns = last_bytes - from;
}

static int first_announced(const farmer *first) {
    return first->arrivals_heard ? first->arrivals[0] : -1;
}

/* Everybody heard everybody who arrived after them, once, and all in one order: each list of
 * arrivals is the end of the longest one, beginning after the farmer's own place. */
bool arrivals_in_order(void) {
    const farmer *first = NULL;
    int *place = malloc(sizeof(int) * (size_t)opt.farmers);
    bool right = true;
    for (int i = 0; i < opt.farmers; i++) {
        place[i] = -1;
        if (!first || farmers[i].arrivals_heard > first->arrivals_heard) first = &farmers[i];
    }
    uint32_t all = first->arrivals_heard;
    if (all != (uint32_t)opt.farmers - 1 || first_announced(first) < 0) right = false;
    for (uint32_t i = 0; right && i < all; i++) place[first->arrivals[i]] = (int)i;
    for (int i = 0; right && i < opt.farmers; i++) {
        uint32_t from = (uint32_t)(place[i] + 1);
        right =
            farmers[i].arrivals_heard == all - from &&
            !memcmp(farmers[i].arrivals, first->arrivals + from, (all - from) * sizeof(uint16_t));
    }
    free(place);
    return right;
}

static void say(uint32_t talker) {
    farmer *f = &farmers[talker];
    size_t n;
    const char *text = tally_say(talker, &n);
    f->out_len += (uint32_t)lang->say(wire_room(f, ECHOED), f, text, n);
}

/* Flood: each talker keeps up to `window` lines under way, counted by what an average listener has
 * heard, and fills up when a quarter of it is free. */

static uint64_t room_for(uint32_t talker, uint64_t audience) {
    uint64_t done = tally_delivered_from(talker) / audience, said = tally_said(talker);
    uint64_t under_way = said - done, left = (uint64_t)opt.lines - said;
    uint64_t room = under_way < (uint64_t)opt.window ? (uint64_t)opt.window - under_way : 0;
    if (room < (uint64_t)opt.window / 4) return 0;
    return room < left ? room : left;
}

static bool flood_pass(uint64_t audience) {
    bool all_said = true;
    for (uint32_t t = (uint32_t)opt.part; t < (uint32_t)opt.talkers; t += (uint32_t)opt.parts) {
        farmer *f = &farmers[t];
        if (f->out_at < f->out_len) {
            all_said = false;
            continue;
        }
        for (uint64_t n = room_for(t, audience); n; n--) say(t);
        if (tally_said(t) < (uint32_t)opt.lines) all_said = false;
        wire_flush(f);
    }
    return all_said;
}

static void flood(uint64_t deadline) {
    uint64_t others = audience_of_one(), lines = (uint64_t)opt.lines;
    uint64_t expected = audience() * lines * (uint64_t)opt.talkers;
    expected -= (uint64_t)ours(0, opt.talkers) * lines; /* nobody hears themselves */
    while (!(flood_pass(others) && delivered >= expected && counted_all()) && !over(deadline))
        wire_turn(100);
    unfinished = expected - delivered;
}

/* Paced talk: in each period every talker says one line at a random moment of it. */

typedef struct {
    uint64_t at;
    uint32_t talker;
} turn;

static int by_time(const void *a, const void *b) {
    uint64_t x = ((const turn *)a)->at, y = ((const turn *)b)->at;
    return x < y ? -1 : x > y;
}

static uint64_t chance(void) {
    static uint64_t state;
    if (!state) state = 88172645463325252ull + (uint64_t)opt.seed * 7919;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static turn *schedule(size_t *count) {
    uint64_t period = (uint64_t)(1e9 / opt.rate);
    *count = (size_t)opt.lines * (size_t)opt.talkers;
    turn *turns = malloc(*count * sizeof *turns);
    for (size_t i = 0; i < *count; i++) {
        uint64_t of = i / (size_t)opt.talkers;
        turns[i] = (turn){of * period + chance() % period, (uint32_t)(i % (size_t)opt.talkers)};
    }
    qsort(turns, *count, sizeof *turns, by_time);
    return turns;
}

static void paced(uint64_t deadline) {
    size_t count, next = 0;
    turn *turns = schedule(&count);
    uint64_t from = clock_ns(), expected = count * audience_of_one();
    while (next < count || (delivered < expected && !over(deadline))) {
        now = clock_ns();
        for (; next < count && from + turns[next].at <= now; next++) {
            uint64_t late = now - from - turns[next].at;
            if (late > late_ns) late_ns = late;
            say(turns[next].talker);
            wire_flush(&farmers[turns[next].talker]);
            last_bytes = now;
        }
        if (next < count) wire_timer(from + turns[next].at);
        wire_turn(next < count ? -1 : 100);
    }
    free(turns);
}

/* Whispers: farmers 2n and 2n + 1 talk in turns, each answering what it hears. */

static void whisper(uint32_t talker) {
    farmer *f = &farmers[talker];
    if (tally_said(talker) >= (uint32_t)opt.lines) return;
    size_t n;
    const char *text = tally_say(talker, &n);
    farmer *to = &farmers[talker ^ 1];
    f->out_len += (uint32_t)lang->whisper(wire_room(f, ECHOED), f, to, text, n);
    wire_flush(f);
}

static void answer(farmer *f, uint32_t talker, uint32_t seq) {
    (void)talker, (void)seq;
    whisper((uint32_t)f->id);
}

static void whispers(uint64_t deadline) {
    uint64_t expected = (uint64_t)opt.lines * (uint64_t)opt.farmers;
    for (uint32_t i = 0; i < (uint32_t)opt.farmers; i += 2) whisper(i);
    while (delivered < expected && !over(deadline)) wire_turn(100);
}

/* The crowd: one line at a time, to everybody. */

static void crowd(uint64_t deadline) {
    reached_ms = calloc((size_t)opt.lines, sizeof *reached_ms);
    for (int i = 0; i < opt.lines && !over(deadline); i++) {
        uint64_t from = now = clock_ns();
        say(0);
        wire_flush(&farmers[0]);
        reached_after += (uint64_t)opt.farmers - 1;
        while (delivered < reached_after && !over(deadline)) wire_turn(100);
        reached_at = clock_ns();
        reached_ms[i] = (double)(reached_at - from) / 1e6;
    }
}

/* After the flood the stalled farmers read again, until nothing more comes. */
static void read_again(void) {
    for (int i = 0; i < opt.farmers; i++)
        if (farmers[i].stalled) wire_resume(&farmers[i]);
    while (wire_turn(1500)) continue;
}

void mode_run(void) {
    uint64_t from = now = last_bytes = clock_ns(), deadline = from + (uint64_t)(opt.deadline * 1e9);
    for (int i = opt.farmers - opt.stalled; i < opt.farmers; i++) wire_stall(&farmers[i]);
    for (int i = opt.farmers - opt.counting; i < opt.farmers; i++)
        if (is_ours(i)) wire_count(&farmers[i]);
    if (!strcmp(opt.mode, "whispers")) on_delivery = answer;
    if (!strcmp(opt.mode, "flood")) flood(deadline);
    if (!strcmp(opt.mode, "paced")) paced(deadline);
    if (!strcmp(opt.mode, "whispers")) whispers(deadline);
    if (!strcmp(opt.mode, "crowd")) crowd(deadline);
    run_ns = clock_ns() - from;
}

static void report_stalled(void) {
    uint32_t heard = 0, missed = 0, gone = 0;
    if (!opt.stalled) return;
    read_again();
    for (int i = opt.farmers - opt.stalled; i < opt.farmers; i++) {
        heard += tally_heard_by(&farmers[i]);
        missed += farmers[i].missed;
        gone += farmers[i].stage == GONE;
    }
    printf("\"stalled_heard\":%u,\"stalled_told\":%u,\"stalled_closed\":%u,", heard, missed, gone);
}

/* What only one mode knows, as members of the result's JSON object. */
void mode_report(void) {
    report_stalled();
    if (!strcmp(opt.mode, "paced")) printf("\"generator_late_us\":%.1f,", (double)late_ns / 1000);
    if (strcmp(opt.mode, "crowd")) return;
    printf("\"reached_ms\":[");
    for (int i = 0; i < opt.lines; i++) printf("%s%.3f", i ? "," : "", reached_ms[i]);
    printf("],");
}
