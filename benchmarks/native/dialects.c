/* How each server is greeted, talked to and read. A new server is a row at the end of this file. */
#include "dialects.h"

#include "tally.h"
#include "wire.h"

#define IS_TALK(line, len) ((len) >= MARK && tally_is_talk((line) + (len) - MARK))

static const char ALPHABET[] = "abcdefghjk"; /* no two of these look alike in Unicode's tables */
static void line_of(farmer *f, const char *line, size_t len);
int inside_count;
uint64_t announcements, last_arrival;

/* "g" and five letters: a name in every server, and no two that a person could mistake for one
 * another. */
void name_of(int id, char *out) {
    out[0] = 'g';
    for (int i = NAME - 1; i > 0; i--, id /= 10) out[i] = ALPHABET[id % 10];
    out[NAME] = 0;
}

int id_of(const char *name) {
    int id = 0;
    if (name[0] != 'g') return -1;
    for (int i = 1; i < NAME; i++) {
        const char *at = memchr(ALPHABET, name[i], sizeof ALPHABET - 1);
        if (!at) return -1;
        id = id * 10 + (int)(at - ALPHABET);
    }
    return id < opt.farmers ? id : -1;
}

static bool starts(const char *line, size_t len, const char *with) {
    size_t n = strlen(with);
    return len >= n && memcmp(line, with, n) == 0;
}

static bool has(const char *line, size_t len, const char *what) {
    return memmem(line, len, what, strlen(what)) != NULL;
}

static void inside(farmer *f) {
    f->stage = INSIDE;
    inside_count++;
    last_arrival = now;
}

static void put(farmer *f, const char *format, const char *value) {
    char line[ECHOED];
    int n = snprintf(line, sizeof line, format, value, value);
    wire_put(f, line, (size_t)n);
}

static char *append(char *out, const char *bytes, size_t n) {
    memcpy(out, bytes, n);
    return out + n;
}

#define APPEND(at, literal) append(at, literal, sizeof(literal) - 1)

/* Granja: one line at a time, each after its question, as a person would. */

static void granja_greet(farmer *f) { (void)f; }

static void granja_hear(farmer *f, const char *line, size_t len) {
    const char *skipped = "[SERVER] Te perdiste ";
    if (f->stage == INSIDE) {
        if (starts(line, len, skipped)) f->missed += (uint32_t)atoi(line + strlen(skipped));
    } else if (has(line, len, "Ingresa tu nombre")) {
        put(f, "%s\r\n", f->name);
    } else if (has(line, len, "qué artefactos tienes")) {
        put(f, "6, 13, 14\r\n", "");
    } else if (has(line, len, "¿Está Bien?")) {
        put(f, "si\r\n", "");
    } else if (starts(line, len, "[SERVER] ¡OK!")) {
        inside(f);
    }
}

static size_t granja_say(char *out, const farmer *from, const char *text, size_t n) {
    (void)from;
    return (size_t)(APPEND(append(out, text, n), "\r\n") - out);
}

static size_t granja_whisper(char *out, const farmer *from, const farmer *to, const char *text,
                             size_t n) {
    char *at = append(APPEND(out, ":p "), to->name, NAME);
    return (size_t)(at - out) + 1 + granja_say(APPEND(at, " "), from, text, n);
}

static int granja_announced(const char *line, size_t len) {
    const size_t before = sizeof "[SERVER] Cliente " - 1;
    if (len != before + NAME + 11 || memcmp(line + before + NAME, " conectado.", 11)) return -1;
    return id_of(line + before);
}

/* The same over a WebSocket: masked text frames (with a mask of zeros) of one line each. */

static void ws_put(farmer *f, const char *format, const char *value) {
    char frame[ECHOED];
    int n = snprintf(frame + 6, sizeof frame - 6, format, value);
    frame[0] = (char)0x81;
    frame[1] = (char)(0x80 | n);
    memset(frame + 2, 0, 4);
    wire_put(f, frame, (size_t)n + 6);
}

static void ws_greet(farmer *f) {
    put(f,
        "GET /ws HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n",
        opt.host);
}

static void ws_hear(farmer *f, const char *line, size_t len) {
    if (f->stage == INSIDE) {
        granja_hear(f, line, len);
    } else if (has(line, len, "Ingresa tu nombre")) {
        ws_put(f, "%s", f->name);
    } else if (has(line, len, "qué artefactos tienes")) {
        ws_put(f, "%s", "6, 13, 14");
    } else if (has(line, len, "¿Está Bien?")) {
        ws_put(f, "%s", "si");
    } else if (starts(line, len, "[SERVER] ¡OK!")) {
        inside(f);
    }
}

static size_t ws_say(char *out, const farmer *from, const char *text, size_t n) {
    const char head[] = {(char)0x81, (char)(0x80 | n), 0, 0, 0, 0};
    (void)from;
    return (size_t)(append(append(out, head, sizeof head), text, n) - out);
}

/* Our own small servers: the first line is the name, "ok" the answer, "+name" the announcement. */

static void plain_greet(farmer *f) { put(f, "%s\r\n", f->name); }

static void plain_hear(farmer *f, const char *line, size_t len) {
    if (f->stage == ARRIVING && starts(line, len, "ok")) inside(f);
}

static size_t plain_whisper(char *out, const farmer *from, const farmer *to, const char *text,
                            size_t n) {
    return granja_whisper(out, from, to, text, n);
}

static int plain_announced(const char *line, size_t len) {
    return len == NAME + 1 && line[0] == '+' ? id_of(line + 1) : -1;
}

/* The same over a WebSocket. */

static void plain_ws_greet(farmer *f) {
    ws_greet(f);
    ws_put(f, "%s", f->name);
}

/* IRC */

static void irc_greet(farmer *f) { put(f, "NICK %s\r\nUSER %s 0 * :granja\r\n", f->name); }

static void irc_hear(farmer *f, const char *line, size_t len) {
    if (starts(line, len, "PING")) {
        put(f, "PONG :bench\r\n", "");
    } else if (f->stage == ARRIVING && f->step == 0 && has(line, len, " 001 ")) {
        f->step = 1;
        put(f, "JOIN #granja\r\n", "");
    } else if (f->stage == ARRIVING && has(line, len, " 366 ")) {
        inside(f);
    }
}

static size_t irc_say(char *out, const farmer *from, const char *text, size_t n) {
    char *at = APPEND(out, "PRIVMSG #granja :");
    return (size_t)(at - out) + granja_say(at, from, text, n);
}

static size_t irc_whisper(char *out, const farmer *from, const farmer *to, const char *text,
                          size_t n) {
    char *at = APPEND(append(APPEND(out, "PRIVMSG "), to->name, NAME), " :");
    return (size_t)(at - out) + granja_say(at, from, text, n);
}

static int irc_announced(const char *line, size_t len) {
    return len > NAME + 2 && line[0] == ':' && has(line, len, " JOIN ") ? id_of(line + 1) : -1;
}

/* NATS: a header line and a payload line; without echo, as a farmer hears no echo either. */

static const char NATS_CONNECT[] =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n"
    "SUB granja 1\r\nSUB %s 2\r\nPING\r\n";

/* Over TLS its first line has come before TLS begins. */
static void nats_greet(farmer *f) {
    if (opt.tls) put(f, NATS_CONNECT, f->name);
}

static void nats_hear(farmer *f, const char *line, size_t len) {
    if (starts(line, len, "PING")) {
        put(f, "PONG\r\n", "");
    } else if (f->stage == ARRIVING && starts(line, len, "INFO") && !opt.tls) {
        put(f, NATS_CONNECT, f->name);
    } else if (f->stage == ARRIVING && starts(line, len, "PONG")) {
        inside(f);
    }
}

static size_t nats_say(char *out, const farmer *from, const char *text, size_t n) {
    char *at = out + sprintf(out, "PUB granja %zu\r\n", n);
    return (size_t)(at - out) + granja_say(at, from, text, n);
}

static size_t nats_whisper(char *out, const farmer *from, const farmer *to, const char *text,
                           size_t n) {
    char *at = out + sprintf(out, "PUB %s %zu\r\n", to->name, n);
    return (size_t)(at - out) + granja_say(at, from, text, n);
}

static void nats_ws_hear(farmer *f, const char *line, size_t len) {
    if (starts(line, len, "PING"))
        ws_put(f, "%s", "PONG\r\n");
    else if (f->stage == ARRIVING && starts(line, len, "INFO"))
        ws_put(f,
               "CONNECT {\"verbose\":false,\"echo\":false}\r\n"
               "SUB granja 1\r\nSUB %s 2\r\nPING\r\n",
               f->name);
    else if (f->stage == ARRIVING && starts(line, len, "PONG"))
        inside(f);
}

static size_t nats_ws_say(char *out, const farmer *from, const char *text, size_t n) {
    size_t size = nats_say(out + 6, from, text, n);
    const char head[] = {(char)0x82, (char)(0x80 | size), 0, 0, 0, 0};
    memcpy(out, head, sizeof head);
    return size + 6;
}

/* MQTT 5 over a WebSocket: subscribed without hearing oneself, at most once (QoS 0). */

static void mqtt_put(farmer *f, const char *packet, size_t n) {
    char frame[ECHOED] = {(char)0x82, (char)(0x80 | n)};
    memcpy(frame + 6, packet, n);
    wire_put(f, frame, n + 6);
}

static void mqtt_greet(farmer *f) {
    char packet[] = "\x10\x13\0\4MQTT\5\2\x0e\x10\0\0\6gxxxxx";
    memcpy(packet + sizeof packet - 1 - NAME, f->name, NAME);
    put(f,
        "GET /mqtt HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
        opt.host);
    mqtt_put(f, packet, sizeof packet - 1);
}

/* One packet whose fixed header has been read: what is published is a line. */
static void mqtt_packet(farmer *f, uint8_t kind, const char *at, size_t n) {
    static const char subscribe[] = "\x82\x0c\0\1\0\0\6granja\4";
    if (kind >> 4 == 2) {
        mqtt_put(f, subscribe, sizeof subscribe - 1);
    } else if (kind >> 4 == 9) {
        inside(f);
    } else if (kind >> 4 == 3 && n > 2) {
        size_t topic = (size_t)((uint8_t)at[0] << 8 | (uint8_t)at[1]);
        if (n > topic + 3) line_of(f, at + topic + 3, n - topic - 3); /* 0 bytes of properties */
    }
}

static void mqtt_hear(farmer *f, const char *line, size_t len) { (void)f, (void)line, (void)len; }

static size_t mqtt_say(char *out, const farmer *from, const char *text, size_t n) {
    size_t rest = 9 + NAME + 2 + n, wide = rest > 127; /* the talker's name is in the text */
    char *at = out + (rest + 2 + wide > 125 ? 8 : 6), *body = at;
    *at++ = 0x30;
    if (wide) *at++ = (char)(0x80 | (rest & 127));
    *at++ = (char)(wide ? rest >> 7 : rest);
    at = APPEND(at, "\0\6granja\0");
    at = append(APPEND(append(at, from->name, NAME), ": "), text, n);
    size_t size = (size_t)(at - body);
    memset(out, 0, (size_t)(body - out));
    out[0] = (char)0x82;
    out[1] = (char)(0x80 | (size > 125 ? 126 : size));
    if (size > 125) out[3] = (char)size;
    return (size_t)(at - out);
}

static int nobody_announced(const char *line, size_t len) {
    (void)line, (void)len;
    return -1;
}

static const dialect DIALECTS[] = {
    {"granja", granja_greet, granja_hear, granja_say, granja_whisper, granja_announced, 0, false},
    {"granja-ws", ws_greet, ws_hear, ws_say, NULL, granja_announced, 0, true},
    {"plain", plain_greet, plain_hear, granja_say, plain_whisper, plain_announced, 0, false},
    {"irc", irc_greet, irc_hear, irc_say, irc_whisper, irc_announced, 1, false},
    {"plain-ws", plain_ws_greet, plain_hear, ws_say, NULL, plain_announced, 0, true},
    {"nats-ws", ws_greet, nats_ws_hear, nats_ws_say, NULL, nobody_announced, -1, true},
    {"mqtt-ws", mqtt_greet, mqtt_hear, mqtt_say, NULL, nobody_announced, 0, true},
    {"nats", nats_greet, nats_hear, nats_say, nats_whisper, nobody_announced, -1, false},
};

const dialect *dialect_named(const char *name) {
    for (size_t i = 0; i < sizeof DIALECTS / sizeof *DIALECTS; i++)
        if (!strcmp(DIALECTS[i].name, name)) return &DIALECTS[i];
    return NULL;
}

static void line_of(farmer *f, const char *line, size_t len) {
    if (IS_TALK(line, len)) {
        tally_hear(f, line, len);
        return;
    }
    int id = f->stage == INSIDE ? lang->announced(line, len) : -1;
    if (id < 0) {
        lang->hear(f, line, len);
        return;
    }
    announcements++;
    if (f->arrivals && f->arrivals_heard < (uint32_t)opt.farmers)
        f->arrivals[f->arrivals_heard] = (uint16_t)id;
    f->arrivals_heard++;
}

static size_t split_lines(farmer *f, const char *bytes, size_t n) {
    const char *at = bytes, *end = bytes + n, *stop;
    while ((stop = memchr(at, '\n', (size_t)(end - at)))) {
        size_t len = (size_t)(stop - at);
        line_of(f, at, len && at[len - 1] == '\r' ? len - 1 : len);
        at = stop + 1;
    }
    return (size_t)(at - bytes);
}

/* The bytes of a frame's header, or 0 when it is not whole yet. */
static size_t frame_head(const uint8_t *at, size_t n, size_t *size) {
    size_t more = n < 2 ? 0 : at[1] == 127 ? 8 : at[1] == 126 ? 2 : 0;
    if (n < 2 + more) return 0;
    *size = more ? 0 : at[1];
    for (size_t i = 0; i < more; i++) *size = *size << 8 | at[2 + i];
    return 2 + more;
}

/* A binary message of MQTT: whole packets. */
static void packets_of(farmer *f, const char *at, size_t n) {
    const char *end = at + n;
    while (end - at >= 2) {
        uint8_t kind = (uint8_t)*at++;
        size_t size = 0, shift = 0;
        while (at < end && shift < 28) {
            uint8_t byte = (uint8_t)*at++;
            size |= (size_t)(byte & 127) << shift;
            shift += 7;
            if (byte < 128) break;
        }
        if (size > (size_t)(end - at)) break;
        mqtt_packet(f, kind, at, size);
        at += size;
    }
}

/* A text message is a line, or several with line ends between them. */
static void message_of(farmer *f, const char *text, size_t n) {
    if (lang->say == mqtt_say) {
        packets_of(f, text, n);
        return;
    }
    size_t used = split_lines(f, text, n);
    if (used < n) line_of(f, text + used, n - used);
}

static size_t split_frames(farmer *f, const char *bytes, size_t n) {
    size_t at = 0, size = 0, head;
    if (!f->upgraded) {
        const char *end = memmem(bytes, n, "\r\n\r\n", 4);
        if (!end) return 0;
        f->upgraded = true;
        at = (size_t)(end - bytes) + 4;
    }
    while ((head = frame_head((const uint8_t *)bytes + at, n - at, &size)) &&
           at + head + size <= n) {
        if ((bytes[at] & 15) == 1 || (bytes[at] & 15) == 2) message_of(f, bytes + at + head, size);
        at += head + size;
    }
    return at;
}

/* Hands out the whole lines of `bytes`; returns how many bytes they were. */
size_t split(farmer *f, char *bytes, size_t n) {
    return lang->framed ? split_frames(f, bytes, n) : split_lines(f, bytes, n);
}
