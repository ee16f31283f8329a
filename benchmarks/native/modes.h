/* What the farmers do. */
#ifndef MODES_H
#define MODES_H

#include "run.h"

int ours(int from, int to);
void arrive_all(void);
void mode_run(void);
void mode_report(void);
extern uint64_t arrived_ns, announced_ns, run_ns, unfinished;
bool arrivals_in_order(void);

#endif
