/* What was said, and whether every listener heard it once, whole and in order.
 *
 * Every line that is said is kept. The line that listener L must hear next from talker T is
 * therefore known, and checking a delivery is one memcmp with it; digits are only parsed when that
 * fails. */
#include "tally.h"

#include "wire.h"

/* What lines are made of: without accents, and with. Each is longer than the longest line. */
#define PLAIN "la cosecha de la granja va bien y hay feria en el pueblo, con disco raro y ancla a "
#define ACCENTS "¿qué tal la cosecha? ñames, árboles, pingüinos: mañana habrá más, según María; ¡así "
#define ROOM 128 /* bytes that are kept for each line */
#define SUB_BITS 5 /* 32 steps for each doubling: latencies are exact to 3 % */

typedef struct {
    char *texts;    /* ROOM bytes for each line, and its length in the last of them */
    uint64_t *when; /* and the moment at which it was said */
    uint32_t count;
    uint64_t delivered;
} talker_log;

static talker_log *logs;
static int talkers, lines;
static uint32_t *next; /* [listener][talker]: the sequence number that must come next */
static uint8_t **seen; /* [listener][talker]: bit set, made at the first irregularity */
static uint64_t doubled, disordered;
static uint64_t bytes_said;
static uint64_t histogram[2][64 << SUB_BITS]; /* [heard at the talker's node, at another] */
uint64_t delivered, stray, corrupt;
void (*on_delivery)(farmer *, uint32_t, uint32_t);

static void expect_of_others(void);

void tally_open(int talkers_, int lines_) {
    talkers = talkers_;
    lines = lines_;
    logs = calloc((size_t)talkers, sizeof *logs);
    for (int t = 0; t < talkers; t++) {
        logs[t].texts = aligned_alloc(ROOM, (size_t)lines * ROOM);
        logs[t].when = malloc((size_t)lines * sizeof(uint64_t));
        if (!logs[t].texts || !logs[t].when) die("memory for the lines");
    }
    next = calloc((size_t)opt.farmers * (size_t)talkers, sizeof *next);
    seen = calloc((size_t)opt.farmers * (size_t)talkers, sizeof *seen);
    if (!next || !seen) die("memory for the tally");
    expect_of_others();
}

static void put_hex(char *out, uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; i--, value >>= 4) out[i] = "0123456789abcdef"[value & 15];
}

/* The hexadecimal number at `in`, or UINT64_MAX. */
static uint64_t get_hex(const char *in, int digits) {
    uint64_t value = 0;
    for (int i = 0; i < digits; i++) {
        unsigned c = (unsigned char)in[i];
        unsigned digit = c - '0' < 10 ? c - '0' : c - 'a' < 6 ? c - 'a' + 10 : 16;
        if (digit > 15) return UINT64_MAX;
        value = value << 4 | digit;
    }
    return value;
}

static char *text_of(const talker_log *log, uint64_t seq) { return log->texts + seq * ROOM; }
static size_t length_of(const char *text) { return (uint8_t)text[ROOM - 1]; }

/* memcmp() == 0 for TEXT bytes, in line: this and the digits are most of what a delivery costs the
 * generator. */
static inline bool same_text(const char *a, const char *b) {
    uint64_t x[TEXT / 8], y[TEXT / 8], differ = 0;
    memcpy(x, a, TEXT);
    memcpy(y, b, TEXT);
    for (int i = 0; i < TEXT / 8; i++) differ |= x[i] ^ y[i];
    return !differ;
}

/* Whether a line ends with what was said. */
static inline bool ends_with(const char *line, size_t len, const char *text) {
    size_t n = length_of(text);
    if (len < n) return false;
    return n == TEXT ? same_text(line + len - n, text) : !memcmp(line + len - n, text, n);
}

/* The number of the talker, four hexadecimal digits at once; nonsense gives a number that the text
 * check refuses. */
static inline uint32_t talker_of(const char *mark) {
    uint32_t digits;
    memcpy(&digits, mark + 5, 4);
    digits = __builtin_bswap32((digits & 0x0f0f0f0f) + 9 * (digits >> 6 & 0x01010101));
    digits |= digits >> 4;
    return (digits & 0xff) | (digits >> 8 & 0xff00);
}

/* How long a line is: not a multiple of anything, and the same in every run. */
static size_t length_for(uint32_t talker, uint32_t seq) {
    uint64_t mixed = (talker * 0x9e3779b97f4a7c15ull + seq + 1) * 0xbf58476d1ce4e5b9ull;
    return opt.varied ? LEAST + (mixed >> 33) % (MOST - LEAST + 1) : TEXT;
}

/* Words, `n` bytes of them, and no half of a character at their end. */
static void put_words(char *out, const char *words, size_t n) {
    size_t size = strlen(words), end = n;
    for (size_t i = 0; i < n; i++) out[i] = words[i % size];
    while (end && (words[end % size] & 0xc0) == 0x80) end--;
    memset(out + end, '.', n - end);
}

/* The talker's next line: words, then "line tttt ssssssss". */
const char *tally_say(uint32_t talker, size_t *n) {
    talker_log *log = &logs[talker];
    uint32_t seq = log->count;
    char *text = text_of(log, seq);
    *n = length_for(talker, seq);
    put_words(text, opt.varied && seq % 3 == 0 ? ACCENTS : PLAIN, *n - MARK);
    char *mark = text + *n - MARK;
    memcpy(mark, "line ", 5);
    put_hex(mark + 5, talker, 4);
    mark[9] = ' ';
    put_hex(mark + 10, seq, 8);
    text[ROOM - 1] = (char)*n;
    bytes_said += NAME + 2 + *n + 2; /* "gabcde: …\r\n" */
    log->when[log->count++] = now;
    return text;
}

/* What talkers of other processes will say is known: it depends on who says it and on its number. */
static void expect_of_others(void) {
    size_t n;
    for (int t = 0; t < talkers; t++)
        for (int s = 0; !is_ours(t) && s < lines; s++) tally_say((uint32_t)t, &n);
}

uint64_t tally_bytes_said(void) { return bytes_said; }
uint32_t tally_said(uint32_t talker) { return logs[talker].count; }
uint64_t tally_delivered_from(uint32_t talker) { return logs[talker].delivered; }

/* Log-linear buckets in the manner of HdrHistogram. */
static void sample(uint64_t ns, bool across) {
    int top = ns < 1u << SUB_BITS ? SUB_BITS : 63 - __builtin_clzll(ns);
    uint64_t shift = (uint64_t)(top - SUB_BITS);
    histogram[across][(shift << SUB_BITS) + (ns >> shift)]++;
}

static uint64_t samples_in(size_t bucket, int place) {
    return place < 0 ? histogram[0][bucket] + histogram[1][bucket] : histogram[place][bucket];
}

/* In µs; `place` is 0 at the talker's node, 1 at another, -1 everywhere. */
double latency_us(double quantile, int place) {
    uint64_t samples = 0, passed = 0, size = sizeof *histogram / sizeof **histogram;
    for (uint64_t i = 0; i < size; i++) samples += samples_in(i, place);
    uint64_t rank = (uint64_t)(quantile * (double)samples);
    for (uint64_t i = 0; i < size; i++) {
        passed += samples_in(i, place);
        if (!samples_in(i, place) || passed < rank) continue;
        uint64_t shift = i >> SUB_BITS ? (i >> SUB_BITS) - 1 : 0;
        return (double)((i - (shift << SUB_BITS)) << shift) / 1000;
    }
    return 0;
}

static uint8_t *seen_by(size_t pair) {
    if (!seen[pair]) {
        seen[pair] = calloc((size_t)lines / 8 + 1, 1);
        for (uint32_t s = 0; s < next[pair]; s++) seen[pair][s / 8] |= (uint8_t)(1 << s % 8);
    }
    return seen[pair];
}

static void note(size_t pair, uint32_t seq) { seen_by(pair)[seq / 8] |= (uint8_t)(1 << seq % 8); }

/* A line that is not the one that must come next: heard before, out of turn, or not what was said.
 */
static void irregular(size_t pair, uint32_t talker, const char *line, size_t len) {
    talker_log *log = &logs[talker];
    uint64_t seq = get_hex(line + len - MARK + 10, 8);
    if (seq >= log->count || !ends_with(line, len, text_of(log, seq))) {
        corrupt++;
        return;
    }
    if (seen_by(pair)[seq / 8] >> seq % 8 & 1) {
        doubled++;
        return;
    }
    if (seq < next[pair]) disordered++;
    note(pair, (uint32_t)seq);
    if (seq >= next[pair]) next[pair] = (uint32_t)seq + 1;
    delivered++;
    log->delivered++;
}

static bool is_stray(const farmer *f, uint32_t talker) {
    return (int)talker == f->id || (on_delivery && (int)(talker ^ 1) != f->id);
}

/* `line` ends with a mark that looks like one of ours; `len` is without the line end. */
void tally_hear(farmer *f, const char *line, size_t len) {
    uint32_t talker = talker_of(line + len - MARK);
    bool known = talker < (uint32_t)talkers;
    if (!known ||
        (lang->name_at >= 0 && memcmp(line + lang->name_at, farmers[talker].name, NAME))) {
        corrupt++;
        return;
    }
    if (is_stray(f, talker)) {
        stray++;
        return;
    }
    talker_log *log = &logs[talker];
    size_t pair = (size_t)f->id * (size_t)talkers + talker;
    uint32_t seq = next[pair];
    if (seq >= log->count || !ends_with(line, len, text_of(log, seq))) {
        irregular(pair, talker, line, len);
        return;
    }
    next[pair] = seq + 1;
    if (seen[pair]) note(pair, seq);
    delivered++;
    log->delivered++;
    if (is_ours((int)talker)) sample(now - log->when[seq], f->id % opt.nodes != (int)talker % opt.nodes);
    if (on_delivery) on_delivery(f, talker, seq);
}

static uint32_t heard_from(const farmer *f, int talker) {
    size_t pair = (size_t)f->id * (size_t)talkers + (size_t)talker;
    uint32_t count = 0;
    if (!seen[pair]) return next[pair];
    for (uint32_t s = 0; s < logs[talker].count; s++) count += seen[pair][s / 8] >> s % 8 & 1;
    return count;
}

uint32_t tally_heard_by(const farmer *f) {
    uint32_t count = 0;
    for (int t = 0; t < talkers; t++) count += heard_from(f, t);
    return count;
}

/* The lines that those who only count have, all of one length. */
uint64_t tally_counted_lines(void) { return counted_bytes / (NAME + 2 + TEXT + 2); }

/* What those who only count have not, or have too much. */
static uint64_t miscounted(const farmer *f) {
    uint64_t differ = f->counted < bytes_said ? bytes_said - f->counted : f->counted - bytes_said;
    return (differ + TEXT - 1) / TEXT;
}

/* Sums up over every pair of listener and talker; stalled listeners have an account of their own.
 */
tally_counts tally_close(bool whispers) {
    tally_counts sum = {
        .doubled = doubled, .disordered = disordered, .corrupt = corrupt, .stray = stray};
    for (int l = 0; l < opt.farmers; l++) {
        if (farmers[l].stalled || !is_ours(l)) continue;
        if (farmers[l].counting) {
            sum.lost += miscounted(&farmers[l]);
            continue;
        }
        for (int t = 0; t < talkers; t++) {
            if (t == l || (whispers && (t ^ 1) != l)) continue;
            sum.expected += logs[t].count;
            sum.lost += logs[t].count - heard_from(&farmers[l], t);
        }
    }
    return sum;
}
