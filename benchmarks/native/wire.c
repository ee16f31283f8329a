/* Sockets, buffers and the epoll pass. Nothing here knows what a line means. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h> /* not <netinet/tcp.h>: its tcp_info has no segment counts */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tls.h"

#define BUFFER (1u << 20)
#define EVENTS 512
#define SOURCES 4 /* loopback addresses to connect from, so that 10,000 ports are no matter */

uint64_t last_bytes, cuts, counted_bytes;
static int poll_fd, timer_fd;
static char *buffer;
static splitter *hand_out;

void wire_open(splitter *split) {
    hand_out = split;
    poll_fd = epoll_create1(0);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    buffer = malloc(BUFFER);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    if (poll_fd < 0 || timer_fd < 0 || !buffer) die("start");
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &e)) die("timer");
}

/* Wake the epoll pass at the moment `at` (ns, monotonic). */
void wire_timer(uint64_t at) {
    struct itimerspec t = {.it_value = {(time_t)(at / 1000000000u), (long)(at % 1000000000u)}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static void watch(farmer *f, int operation) {
    struct epoll_event e = {.data.ptr = f};
    e.events = (f->stalled ? 0 : EPOLLIN) | (f->watching_out ? EPOLLOUT : 0);
    if (epoll_ctl(poll_fd, operation, f->fd, &e)) die("epoll_ctl");
}

/* Those who will stop reading are across a real network: segments and buffers are as small there,
 * while loopback alone would take 4 MB from the server before it noticed anything. */
static void live_far_away(int fd) {
    int segment = 1460, room = 16 << 10;
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

/* nats-server says a line before TLS begins. */
static void hear_first_line(farmer *f) {
    char byte = 0;
    while (recv(f->fd, &byte, 1, 0) == 1 && byte != '\n') continue;
}

/* Connects while blocking: on loopback that takes microseconds, and the number of farmers who
 * arrive at the same time is kept under the servers' accept queues. */
void wire_connect(farmer *f) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.ports[f->id % opt.nodes])};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int one = 1;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(f->id % SOURCES));
    inet_pton(AF_INET, opt.host, &to.sin_addr);
    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f->fd < 0) die("socket");
    setsockopt(f->fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
    if (f->id >= opt.farmers - opt.stalled) live_far_away(f->fd);
    if (bind(f->fd, (struct sockaddr *)&from, sizeof from)) die("bind");
    if (connect(f->fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (opt.tls && !strcmp(opt.dialect, "nats")) hear_first_line(f);
    if (opt.tls) tls_start(f);
    fcntl(f->fd, F_SETFL, O_NONBLOCK);
    f->stage = ARRIVING;
    watch(f, EPOLL_CTL_ADD);
}

static void lose(farmer *f) {
    if (f->stage == GONE) return;
    f->stage = GONE;
    cuts++;
    epoll_ctl(poll_fd, EPOLL_CTL_DEL, f->fd, NULL);
}

void wire_stall(farmer *f) {
    f->stalled = true;
    watch(f, EPOLL_CTL_MOD);
}

void wire_resume(farmer *f) {
    if (f->stage == GONE) return;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = f};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, f->fd, &e);
}

void wire_count(farmer *f) { f->counting = true; }

static void keep_part(farmer *f, const char *bytes, size_t n) {
    if (n > f->part_room) {
        f->part_room = (uint32_t)(n < 256 ? 256 : n * 2);
        f->part = realloc(f->part, f->part_room);
    }
    memcpy(f->part, bytes, n);
    f->part_len = (uint32_t)n;
}

static ssize_t take(farmer *f, char *to, size_t room) {
    return opt.tls ? tls_take(f, to, room) : recv(f->fd, to, room, 0);
}

/* The kernel throws the bytes away, and says how many they were: a listener who costs nothing. */
static void count_from(farmer *f) {
    ssize_t n = recv(f->fd, NULL, BUFFER, MSG_TRUNC);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        lose(f);
        return;
    }
    last_bytes = now = clock_ns();
    f->counted += (uint64_t)n;
    counted_bytes += (uint64_t)n;
}

static void read_from(farmer *f) {
    if (f->counting) {
        count_from(f);
        return;
    }
    size_t had = f->part_len;
    memcpy(buffer, f->part, had);
    ssize_t n = take(f, buffer + had, BUFFER - had);
    now = clock_ns();
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        lose(f);
        return;
    }
    last_bytes = now;
    size_t used = hand_out(f, buffer, had + (size_t)n);
    keep_part(f, buffer + used, had + (size_t)n - used);
}

/* One pass of epoll; returns the number of sockets that were served, 0 after `timeout_ms` of
 * silence. */
int wire_turn(int timeout_ms) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(poll_fd, events, EVENTS, timeout_ms);
    int served = 0;
    now = clock_ns();
    for (int i = 0; i < n; i++) {
        farmer *f = events[i].data.ptr;
        if (!f) {
            uint64_t ticks;
            if (read(timer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN) die("timer");
            continue;
        }
        served++;
        if (f->stage == GONE) continue;
        if (events[i].events & EPOLLOUT) wire_flush(f);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_from(f);
    }
    return served;
}

/* Room for `n` more bytes at the end of what waits to be sent; add what was written to `out_len`.
 */
char *wire_room(farmer *f, size_t n) {
    if (f->out_at == f->out_len) f->out_at = f->out_len = 0;
    if (f->out_len + n > f->out_room) {
        f->out_room = (uint32_t)(f->out_len + n + 256);
        f->out = realloc(f->out, f->out_room);
    }
    return f->out + f->out_len;
}

void wire_flush(farmer *f) {
    while (f->stage != GONE && f->out_at < f->out_len) {
        const char *bytes = f->out + f->out_at;
        size_t size = f->out_len - f->out_at;
        ssize_t n = opt.tls ? tls_give(f, bytes, size) : send(f->fd, bytes, size, MSG_NOSIGNAL);
        if (n > 0) f->out_at += (uint32_t)n;
        if (n < 0 && errno != EAGAIN) lose(f);
        if (n < 0) break;
    }
    bool waiting = f->stage != GONE && f->out_at < f->out_len;
    if (waiting == f->watching_out || f->stage == GONE) return;
    f->watching_out = waiting;
    watch(f, EPOLL_CTL_MOD);
}

void wire_put(farmer *f, const char *bytes, size_t n) {
    memcpy(wire_room(f, n), bytes, n);
    f->out_len += (uint32_t)n;
    wire_flush(f);
}

/* Data segments that this farmer has received: on loopback, where a segment holds 64 KB, the number
 * of the server's writes, whatever the server is made of. */
uint32_t wire_segments(const farmer *f) {
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(f->fd, IPPROTO_TCP, TCP_INFO, &info, &size)) return 0;
    return info.tcpi_data_segs_in;
}
