/* TLS by OpenSSL when it was there at compile time (-DWITH_TLS); else a clear refusal. */
#include "tls.h"

#include <errno.h>

#ifdef WITH_TLS
#include <openssl/ssl.h>

static SSL_CTX *context;

/* The server's certificate is not looked at: it is made for the run and for this machine. */
void tls_start(farmer *f) {
    if (!context) {
        context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
        SSL_CTX_set_mode(context,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    f->tls = SSL_new(context);
    SSL_set_fd(f->tls, f->fd);
    if (SSL_connect(f->tls) != 1) {
        errno = EPROTO;
        die("TLS handshake");
    }
}

static ssize_t outcome(farmer *f, int result) {
    int why = SSL_get_error(f->tls, result);
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

/* Reads until the record layer is empty, because epoll does not see what OpenSSL holds. */
ssize_t tls_take(farmer *f, char *to, size_t room) {
    size_t total = 0;
    int n = 0;
    while (total < room && (n = SSL_read(f->tls, to + total, (int)(room - total))) > 0)
        total += (size_t)n;
    return total ? (ssize_t)total : outcome(f, n);
}

ssize_t tls_give(farmer *f, const char *bytes, size_t n) {
    int sent = SSL_write(f->tls, bytes, (int)n);
    return sent > 0 ? sent : outcome(f, sent);
}

#else

void tls_start(farmer *f) {
    (void)f;
    errno = ENOSYS;
    die("TLS (compiled without OpenSSL's headers)");
}

ssize_t tls_take(farmer *f, char *to, size_t room) {
    (void)f, (void)to, (void)room;
    return -1;
}

ssize_t tls_give(farmer *f, const char *bytes, size_t n) {
    (void)f, (void)bytes, (void)n;
    return -1;
}

#endif
