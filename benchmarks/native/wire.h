/* Sockets, buffers and the epoll pass. */
#ifndef WIRE_H
#define WIRE_H

#include "run.h"

/* Hands out the whole lines of some bytes; returns how many bytes they were. */
typedef size_t splitter(farmer *f, char *bytes, size_t n);

extern uint64_t last_bytes, cuts;
extern uint64_t counted_bytes; /* by all who only count */
void wire_open(splitter *split);
void wire_connect(farmer *f);
void wire_stall(farmer *f);
void wire_resume(farmer *f);
void wire_count(farmer *f);
int wire_turn(int timeout_ms);
void wire_timer(uint64_t at);
void wire_put(farmer *f, const char *bytes, size_t n);
char *wire_room(farmer *f, size_t n);
void wire_flush(farmer *f);
uint32_t wire_segments(const farmer *f);

#endif
