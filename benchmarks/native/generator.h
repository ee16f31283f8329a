/* The load generator: N farmers in one process, on one core, with one epoll.
 *
 *   wire.c      sockets, buffers, the epoll pass
 *   dialects.c  how each server is greeted, talked to and read
 *   tally.c     what was said, and whether it was heard once, whole and in order
 *   modes.c     flood, paced talk, whispers, the crowd
 *   generator.c options, the conversation with the Python side, results as JSON
 */
#ifndef GENERATOR_H
#define GENERATOR_H

#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT 64    /* bytes of a line as typed, without framing and line end, unless varied */
#define LEAST 20   /* the same of the shortest and the longest that are varied */
#define MOST 120
#define MARK 18    /* bytes at the end of each line that say whose it is, and which */
#define NAME 6     /* bytes of a farmer's name */
#define ECHOED 512 /* room for one framed line */

enum stage { NOWHERE, ARRIVING, INSIDE, GONE };

typedef struct farmer {
    int id, fd, step;
    enum stage stage;
    char name[NAME + 1];
    bool stalled;      /* has stopped reading */
    bool watching_out; /* EPOLLOUT is set */
    bool upgraded;     /* the WebSocket handshake is over */
    char *part;        /* bytes after the last whole line */
    uint32_t part_len, part_room;
    char *out; /* bytes that the server has not taken yet */
    uint32_t out_at, out_len, out_room;
    uint32_t missed;    /* lines that the server says it skipped */
    uint32_t segments;  /* data segments received up to "go" */
    uint16_t *arrivals; /* ids in the order in which they were announced */
    uint32_t arrivals_heard;
    void *tls; /* SSL *, when talking TLS */
} farmer;

/* One server's language. Each function that writes returns the number of bytes. */
typedef struct {
    const char *name;
    void (*greet)(farmer *);                              /* on connect */
    void (*hear)(farmer *, const char *line, size_t len); /* anything but talk */
    size_t (*say)(char *out, const farmer *from, const char *text, size_t n);
    size_t (*whisper)(char *out, const farmer *from, const farmer *to, const char *text, size_t n);
    int (*announced)(const char *line, size_t len); /* id of who arrived, or -1 */
    int name_at; /* where a talk line has the talker's name, or -1 */
    bool framed; /* WebSocket frames, not lines */
} dialect;

typedef struct {
    const char *mode, *dialect, *host;
    int port, farmers, talkers, lines, window, stalled, arriving, seed;
    double rate, seconds, patience, deadline;
    bool tls, varied; /* varied: lines of LEAST to MOST bytes, a third with accents */
} options;

extern options opt;
extern const dialect *lang;
extern farmer *farmers;

/* wire.c */
extern uint64_t now, last_bytes, cuts;
uint64_t clock_ns(void);
void wire_open(void);
void wire_connect(farmer *f);
void wire_stall(farmer *f);
void wire_resume(farmer *f);
int wire_turn(int timeout_ms);
void wire_timer(uint64_t at);
void wire_put(farmer *f, const char *bytes, size_t n);
char *wire_room(farmer *f, size_t n);
void wire_flush(farmer *f);
uint32_t wire_segments(const farmer *f);
void die(const char *what);

/* dialects.c */
const dialect *dialect_named(const char *name);
void name_of(int id, char *out);
int id_of(const char *name);
size_t split(farmer *f, char *bytes, size_t n);
extern int inside_count;
extern uint64_t announcements, last_arrival;

/* tally.c */
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
double latency_us(double quantile);

/* modes.c */
void arrive_all(void);
void mode_run(void);
void mode_report(void);
extern uint64_t arrived_ns, announced_ns, run_ns, unfinished;
bool arrivals_in_order(void);

#endif
