/* What was said, and whether every listener heard it. */
#ifndef TALLY_H
#define TALLY_H

#include "run.h"

typedef struct {
    uint64_t expected, lost, doubled, disordered, corrupt, stray;
} tally_counts;
extern uint64_t delivered, stray, corrupt;
extern void (*on_delivery)(farmer *listener, uint32_t talker, uint32_t seq);
void tally_open(int talkers, int lines);
const char *tally_say(uint32_t talker, size_t *n);
uint32_t tally_said(uint32_t talker);
uint64_t tally_delivered_from(uint32_t talker);
static inline bool tally_is_talk(const char *mark) { return memcmp(mark, "line ", 5) == 0; }
void tally_hear(farmer *f, const char *line, size_t len);
uint32_t tally_heard_by(const farmer *f);
tally_counts tally_close(bool whispers);
uint64_t tally_bytes_said(void);
uint64_t tally_counted_lines(void);
double latency_us(double quantile, int place);

#endif
