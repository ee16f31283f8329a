/* The TLS wire, when OpenSSL's headers were there to compile it. */
#ifndef TLS_H
#define TLS_H

#include "run.h"

#include <sys/types.h>

void tls_start(farmer *f);
ssize_t tls_take(farmer *f, char *to, size_t room);
ssize_t tls_give(farmer *f, const char *bytes, size_t n);

#endif
