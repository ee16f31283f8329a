/* How each server is greeted, talked to and read. */
#ifndef DIALECTS_H
#define DIALECTS_H

#include "run.h"

const dialect *dialect_named(const char *name);
void name_of(int id, char *out);
int id_of(const char *name);
size_t split(farmer *f, char *bytes, size_t n);
extern int inside_count;
extern uint64_t announcements, last_arrival;

#endif
