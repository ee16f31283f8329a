/* The limit: what the fan-out alone costs in C, with nothing else that a chat server must do.
 *
 *   fanout PORT each   a send() for each line and listener
 *   fanout PORT pass   a send() for each epoll pass and listener: what was said in the pass,
 * without one's own lines
 *
 * further arguments: "quiet" leaves out the announcements of arrivals, "frames" speaks WebSocket
 * frames instead of lines, "tls=FILE" TLS by OpenSSL with the key and certificate of a PEM file
 * (compiled with -DWITH_TLS)
 *
 * The first line of a connection is its name ("ok" answers, "+name" tells the others); a line is
 * talk, ":p name text" a whisper. No checks, no cleaning, no limits beyond BACKLOG bytes for a
 * listener that does not read. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
static SSL_CTX *context;
#endif

#define HEAD 4 /* room before a message for the header of its frame */
#define NAME 16
#define READ (64u << 10)
#define BACKLOG (64u << 20)
#define EVENTS 1024
#define SLOTS (1u << 16)
#define PIECES 512

typedef struct client {
    int fd, index;
    char name[NAME];
    size_t name_len, part_len, out_at, out_len, out_room, joined;
    char *part, *out;
    bool spoke, whispered, watching, gone, upgraded;
#ifdef WITH_TLS
    SSL *tls;
#endif
} client;

typedef struct { /* what one client said in this pass, as a stretch of the log */
    client *from;
    size_t start, end;
} stretch;

static client **inside, *slots[SLOTS];
static int inside_len, inside_room, poll_fd;
static bool coalesce, announce, frames;
static char *log_bytes;
static size_t log_len, log_room;
static stretch *stretches;
static size_t stretch_len, stretch_room;
static client **whispered;
static size_t whispered_len, whispered_room;

#define GROW(array, len, room, more)                              \
    do {                                                          \
        if ((len) + (more) > (room)) {                            \
            (room) = ((len) + (more)) * 2;                        \
            (array) = realloc((array), (room) * sizeof *(array)); \
            if (!(array)) abort();                                \
        }                                                         \
    } while (0)

static uint32_t slot_of(const char *name, size_t len) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++) hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    return hash & (SLOTS - 1);
}

static client *named(const char *name, size_t len) {
    for (uint32_t s = slot_of(name, len); slots[s]; s = (s + 1) & (SLOTS - 1))
        if (slots[s]->name_len == len && !memcmp(slots[s]->name, name, len) && !slots[s]->gone)
            return slots[s];
    return NULL;
}

static void watch(client *c, bool out) {
    struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
    c->watching = out;
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

static void leave(client *c) {
    if (c->gone) return;
    c->gone = true;
#ifdef WITH_TLS
    SSL_free(c->tls);
    c->tls = NULL;
#endif
    close(c->fd);
    if (c->index < 0) return;
    inside[c->index] = inside[--inside_len];
    inside[c->index]->index = c->index;
}

static void keep(client *c, const char *bytes, size_t n) {
    if (c->out_len - c->out_at + n > BACKLOG) {
        leave(c);
        return;
    }
    if (c->out_at == c->out_len) c->out_at = c->out_len = 0;
    GROW(c->out, c->out_len, c->out_room, n);
    memcpy(c->out + c->out_len, bytes, n);
    c->out_len += n;
}

/* -1 when nothing goes now; the error is EAGAIN with TLS, whatever it is. */
static ssize_t transmit(client *c, const char *bytes, size_t n) {
#ifdef WITH_TLS
    if (c->tls) {
        int sent = SSL_write(c->tls, bytes, (int)n);
        errno = EAGAIN;
        return sent > 0 ? sent : -1;
    }
#endif
    return send(c->fd, bytes, n, MSG_NOSIGNAL);
}

static ssize_t receive(client *c, char *to, size_t room) {
#ifdef WITH_TLS
    if (c->tls) {
        size_t total = 0;
        int n = 0;
        while (total < room && (n = SSL_read(c->tls, to + total, (int)(room - total))) > 0)
            total += (size_t)n;
        errno = EAGAIN;
        return total ? (ssize_t)total : SSL_get_error(c->tls, n) == SSL_ERROR_WANT_READ ? -1 : 0;
    }
#endif
    return recv(c->fd, to, room, 0);
}

static void drain(client *c) {
    while (c->out_at < c->out_len) {
        ssize_t n = transmit(c, c->out + c->out_at, c->out_len - c->out_at);
        if (n < 0) break;
        c->out_at += (size_t)n;
    }
    if (c->out_at == c->out_len) c->out_at = c->out_len = 0;
    if (c->watching != (c->out_len > 0)) watch(c, c->out_len > 0);
}

/* Sends the pieces now when nothing waits; keeps what the socket does not take. */
static void give(client *c, struct iovec *pieces, size_t count) {
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    ssize_t sent = 0;
#ifdef WITH_TLS
    if (c->tls) { /* a record holds 16 KiB, and a piece may hold more */
        for (size_t i = 0; i < count && !c->gone; i++) {
            const char *at = pieces[i].iov_base, *end = at + pieces[i].iov_len;
            while (at < end && !c->out_len && (sent = transmit(c, at, (size_t)(end - at))) > 0)
                at += sent;
            if (at < end) keep(c, at, (size_t)(end - at));
        }
        if (!c->gone && c->out_len && !c->watching) watch(c, true);
        return;
    }
#endif
    if (c->out_len == 0) sent = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return;
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    for (size_t i = 0; i < count && !c->gone; i++) {
        size_t skip = taken < pieces[i].iov_len ? taken : pieces[i].iov_len;
        taken -= skip;
        if (skip < pieces[i].iov_len)
            keep(c, (char *)pieces[i].iov_base + skip, pieces[i].iov_len - skip);
    }
    if (!c->gone && c->out_len && !c->watching) watch(c, true);
}

static void give_one(client *c, const char *bytes, size_t n) {
    give(c, &(struct iovec){(char *)bytes, n}, 1);
}

/* A message of n bytes, which lie at out + HEAD, with what goes before or behind it. */
static struct iovec finished(char *out, size_t n) {
    if (!frames) {
        memcpy(out + HEAD + n, "\r\n", 2);
        return (struct iovec){out + HEAD, n + 2};
    }
    if (n < 126) {
        out[HEAD - 2] = (char)0x81;
        out[HEAD - 1] = (char)n;
        return (struct iovec){out + HEAD - 2, n + 2};
    }
    const char head[] = {(char)0x81, 126, (char)(n >> 8), (char)n};
    memcpy(out, head, HEAD);
    return (struct iovec){out, n + HEAD};
}

/* To everybody else: at once, or onto the log of the pass. */
static void tell(client *from, const char *bytes, size_t n) {
    if (!coalesce) {
        for (int i = inside_len - 1; i >= 0; i--)
            if (inside[i] != from) give_one(inside[i], bytes, n);
        return;
    }
    GROW(log_bytes, log_len, log_room, n);
    memcpy(log_bytes + log_len, bytes, n);
    if (stretch_len && stretches[stretch_len - 1].from == from) {
        stretches[stretch_len - 1].end += n;
    } else {
        GROW(stretches, stretch_len, stretch_room, 1);
        stretches[stretch_len++] = (stretch){from, log_len, log_len + n};
    }
    log_len += n;
    from->spoke = true;
}

static void tell_one(client *to, const char *bytes, size_t n) {
    if (!coalesce) {
        give_one(to, bytes, n);
        return;
    }
    if (!to->whispered) {
        GROW(whispered, whispered_len, whispered_room, 1);
        whispered[whispered_len++] = to;
        to->whispered = true;
    }
    keep(to, bytes, n);
}

/* The log from where the client joined, without its own stretches. */
static void give_others(client *c) {
    struct iovec pieces[PIECES];
    size_t count = 0, from = c->joined;
    for (size_t i = 0; i < stretch_len; i++) {
        if (stretches[i].from != c) continue;
        if (stretches[i].start > from)
            pieces[count++] = (struct iovec){log_bytes + from, stretches[i].start - from};
        from = stretches[i].end;
        if (count < PIECES - 1) continue;
        give(c, pieces, count);
        count = 0;
    }
    if (log_len > from) pieces[count++] = (struct iovec){log_bytes + from, log_len - from};
    if (count && !c->gone) give(c, pieces, count);
}

static void flush_pass(void) {
    for (int i = log_len ? inside_len - 1 : -1; i >= 0; i--) {
        client *c = inside[i];
        if (c->spoke)
            give_others(c);
        else if (log_len > c->joined)
            give_one(c, log_bytes + c->joined, log_len - c->joined);
        if (c->gone) continue;
        c->joined = 0;
        c->spoke = false;
    }
    for (size_t i = 0; i < whispered_len; i++) {
        whispered[i]->whispered = false;
        if (!whispered[i]->gone && !whispered[i]->watching) drain(whispered[i]);
    }
    log_len = stretch_len = whispered_len = 0;
}

static void arrive(client *c, const char *name, size_t len) {
    char line[HEAD + NAME + 8];
    struct iovec message;
    c->name_len = len < NAME ? len : NAME;
    memcpy(c->name, name, c->name_len);
    uint32_t s = slot_of(c->name, c->name_len);
    while (slots[s]) s = (s + 1) & (SLOTS - 1);
    slots[s] = c;
    memcpy(line + HEAD, "ok", 2);
    message = finished(line, 2);
    give_one(c, message.iov_base, message.iov_len);
    line[HEAD] = '+';
    memcpy(line + HEAD + 1, c->name, c->name_len);
    message = finished(line, c->name_len + 1);
    if (announce) tell(c, message.iov_base, message.iov_len);
    if (inside_len == inside_room) {
        inside_room = inside_room ? inside_room * 2 : 256;
        inside = realloc(inside, (size_t)inside_room * sizeof *inside);
    }
    c->joined = log_len;
    c->index = inside_len;
    inside[inside_len++] = c;
}

static void line_of(client *c, const char *line, size_t len) {
    static char out[READ + 64];
    client *to = NULL;
    const char *text = line, *between = ": ";
    if (c->index < 0) {
        arrive(c, line, len);
        return;
    }
    if (len > 3 && !memcmp(line, ":p ", 3)) {
        const char *end = memchr(line + 3, ' ', len - 3);
        to = end ? named(line + 3, (size_t)(end - line - 3)) : NULL;
        if (!to) return;
        text = end + 1;
        between = " te susurra: ";
        len -= (size_t)(text - line);
    }
    size_t at = HEAD + c->name_len, gap = strlen(between);
    memcpy(out + HEAD, c->name, c->name_len);
    memcpy(out + at, between, gap);
    memcpy(out + at + gap, text, len);
    struct iovec message = finished(out, c->name_len + gap + len);
    if (to)
        tell_one(to, message.iov_base, message.iov_len);
    else
        tell(c, message.iov_base, message.iov_len);
}

static char *split_lines(client *c, char *at, char *end) {
    char *stop;
    while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
        size_t len = (size_t)(stop - at);
        line_of(c, at, len && at[len - 1] == '\r' ? len - 1 : len);
        at = stop + 1;
    }
    return at;
}

/* Masked text frames of one piece each; the key of the handshake is always the generator's. */
static char *split_frames(client *c, char *at, char *end) {
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";
    if (!c->upgraded) {
        char *stop = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
        if (!stop) return at;
        c->upgraded = true;
        give_one(c, answer, sizeof answer - 1);
        at = stop + 4;
    }
    while (end - at >= 6) {
        size_t len = (uint8_t)at[1] & 127, head = 6;
        if (len == 126) {
            len = (size_t)((uint8_t)at[2] << 8 | (uint8_t)at[3]);
            head = 8;
        }
        if ((size_t)(end - at) < head + len) break;
        char *mask = at + head - 4, *text = at + head;
        for (size_t i = 0; i < len; i++) text[i] ^= mask[i & 3];
        if ((at[0] & 15) == 1) line_of(c, text, len);
        at += head + len;
    }
    return at;
}

static void read_from(client *c) {
    static char buffer[2 * READ];
    memcpy(buffer, c->part, c->part_len);
    ssize_t n = receive(c, buffer + c->part_len, READ);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        leave(c);
        return;
    }
    char *end = buffer + c->part_len + n;
    char *at = frames ? split_frames(c, buffer, end) : split_lines(c, buffer, end);
    c->part_len = (size_t)(end - at);
    if (c->part_len > READ - 1) c->part_len = 0;
    if (c->part_len) {
        if (!c->part) c->part = malloc(READ);
        memcpy(c->part, at, c->part_len);
    }
}

static void accept_all(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        client *c = calloc(1, sizeof *c);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->fd = fd;
        c->index = -1;
#ifdef WITH_TLS
        if (context) {
            c->tls = SSL_new(context);
            SSL_set_fd(c->tls, fd);
            SSL_set_accept_state(c->tls);
        }
#endif
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &e);
    }
}

static int listen_on(int port) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) || listen(fd, 1024)) {
        perror("fanout");
        exit(1);
    }
    return fd;
}

static void speak_tls(const char *file) {
#ifdef WITH_TLS
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_use_certificate_chain_file(context, file) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) == 1)
        return;
#endif
    fprintf(stderr, "fanout: no TLS with %s\n", file);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: fanout PORT each|pass [quiet] [frames] [tls=FILE]\n");
        return 2;
    }
    announce = true;
    for (int i = 3; i < argc; i++) {
        if (!strcmp(argv[i], "quiet")) announce = false;
        if (!strcmp(argv[i], "frames")) frames = true;
        if (!strncmp(argv[i], "tls=", 4)) speak_tls(argv[i] + 4);
    }
    signal(SIGPIPE, SIG_IGN);
    struct epoll_event events[EVENTS], e = {.events = EPOLLIN, .data.ptr = NULL};
    int listener = listen_on(atoi(argv[1]));
    coalesce = !strcmp(argv[2], "pass");
    poll_fd = epoll_create1(0);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(poll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            client *c = events[i].data.ptr;
            if (!c) {
                accept_all(listener);
                continue;
            }
            if (!c->gone && events[i].events & EPOLLOUT) drain(c);
            if (!c->gone && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_from(c);
        }
        flush_pass();
    }
}
