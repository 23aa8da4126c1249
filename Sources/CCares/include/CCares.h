#pragma once

/// c-ares, the asynchronous resolver, as one question uses it.
///
/// ares.h itself stays out of Swift's sight: it includes the system's headers, and Swift would then take `sockaddr` and
/// `timeval` for c-ares' types everywhere.

#include <stddef.h>
#include <stdint.h>

/// How a lookup ended.
enum penstock_ares_status {
    PENSTOCK_ARES_SUCCESS,
    PENSTOCK_ARES_NO_DATA,
    PENSTOCK_ARES_NO_NAME,
    PENSTOCK_ARES_BAD_NAME,
    PENSTOCK_ARES_SILENCE,
    PENSTOCK_ARES_NO_SERVER,
    PENSTOCK_ARES_REFUSED,
    PENSTOCK_ARES_MALFORMED,
    PENSTOCK_ARES_CLOSED,
    PENSTOCK_ARES_FAILED
};

/// An address that was found.
struct penstock_ares_address {
    uint8_t bytes[16]; // the first four of them for IPv4
    uint8_t is_ipv6;
};

/// c-ares has opened `descriptor`, wants something else of it, or (both 0) is about to close it.
typedef void (*penstock_ares_watch)(void *owner, int descriptor, int readable, int writable);

/// The addresses of a host, each with its own TTL: `ttl` is the smallest, in seconds, aliases included.
typedef void (*penstock_ares_addresses)(void *context, enum penstock_ares_status status, int timeouts,
                                        const struct penstock_ares_address *addresses, size_t count, uint32_t ttl);

/// The message of a server.
typedef void (*penstock_ares_message)(void *context, enum penstock_ares_status status, const uint8_t *bytes,
                                      size_t count);

/// Opens a channel: nothing is sent yet.
///
/// `file` is a resolv.conf(5), `servers` replaces its servers: "127.0.0.1:53,[::1]:53"; empty: it does not.
/// Returns NULL where memory has run out or a server is not one.
void *penstock_ares_open(const char *file, const char *servers, int timeout_ms, int tries, penstock_ares_watch watch,
                         void *owner);

/// Closes a channel: what it is still asking is answered with PENSTOCK_ARES_CLOSED before this returns.
void penstock_ares_close(void *channel);

/// Looks for the addresses of a host, at most `limit`, in hosts(5) and at the servers, A and AAAA at once.
void penstock_ares_get_addresses(void *channel, const char *host, size_t limit, penstock_ares_addresses answered,
                                 void *context);

/// Asks for the SRV records of a name.
void penstock_ares_get_services(void *channel, const char *name, penstock_ares_message answered, void *context);

/// Goes on: a descriptor is ready, or time has passed (both -1).
void penstock_ares_process(void *channel, int readable, int writable);

/// Milliseconds until the channel has to go on by itself, -1 where it has nothing to do.
int penstock_ares_wait(void *channel);
