/* What one run has, and every other file needs: its options, its farmers, the time.
 *
 *   run.c       this
 *   tls.c       TLS, on a socket that is connected
 *   wire.c      sockets, buffers, the epoll pass
 *   tally.c     what was said, and whether it was heard once, whole and in order
 *   dialects.c  how each server is greeted, talked to and read
 *   modes.c     flood, paced talk, whispers, the crowd
 *   generator.c options, the conversation with the Python side, results as JSON
 *
 * A file knows only those above it. */
#ifndef RUN_H
#define RUN_H

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

#define NODES 8    /* ports at most, of the nodes of one server */

enum stage { NOWHERE, ARRIVING, INSIDE, GONE };

typedef struct farmer {
    int id, fd, step;
    enum stage stage;
    char name[NAME + 1];
    bool stalled;      /* has stopped reading */
    bool counting;     /* counts the bytes of talk, and does not look at them */
    bool watching_out; /* EPOLLOUT is set */
    bool upgraded;     /* the WebSocket handshake is over */
    char *part;        /* bytes after the last whole line */
    uint32_t part_len, part_room;
    char *out; /* bytes that the server has not taken yet */
    uint32_t out_at, out_len, out_room;
    uint64_t counted;  /* bytes of talk that were counted so */
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
    int ports[NODES], nodes; /* farmer i is at port i % nodes */
    int part, parts; /* farmers i with i % parts == part are this process's; the others another's */
    int farmers, talkers, lines, window, stalled, counting, arriving, seed;
    double rate, seconds, patience, deadline;
    bool tls, varied; /* varied: lines of LEAST to MOST bytes, a third with accents */
} options;

extern options opt;
static inline bool is_ours(int id) { return id % opt.parts == opt.part; }
extern const dialect *lang;
extern farmer *farmers;
extern uint64_t now; /* ns, monotonic: when the last bytes came, or the last pass began */
uint64_t clock_ns(void);
void die(const char *what);

#endif
