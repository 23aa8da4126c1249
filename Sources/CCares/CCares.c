#include "CCares.h"

#include <ares.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static enum penstock_ares_status status_of(int code) {
    switch (code) {
    case ARES_SUCCESS: return PENSTOCK_ARES_SUCCESS;
    case ARES_ENODATA: return PENSTOCK_ARES_NO_DATA;
    case ARES_ENOTFOUND: return PENSTOCK_ARES_NO_NAME;
    case ARES_EBADNAME: return PENSTOCK_ARES_BAD_NAME;
    case ARES_ETIMEOUT: return PENSTOCK_ARES_SILENCE;
    // Where every server has answered that it failed, too.
    case ARES_ECONNREFUSED: return PENSTOCK_ARES_NO_SERVER;
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
    case ARES_EFORMERR: return PENSTOCK_ARES_REFUSED;
    case ARES_EBADRESP: return PENSTOCK_ARES_MALFORMED;
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED: return PENSTOCK_ARES_CLOSED;
    default: return PENSTOCK_ARES_FAILED;
    }
}

static void initialize(void) { ares_library_init(ARES_LIB_INIT_ALL); }

void *penstock_ares_open(const char *file, const char *servers, int timeout_ms, int tries, penstock_ares_watch watch,
                         void *owner) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize);
    struct ares_options options = {
        .timeout = timeout_ms,
        .tries = tries,
        .sock_state_cb = watch,
        .sock_state_cb_data = owner,
        .resolvconf_path = (char *)file,
    };
    ares_channel channel = NULL;
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
    if (ares_init_options(&channel, &options, mask) != ARES_SUCCESS) return NULL;
    if (servers[0] != 0 && ares_set_servers_ports_csv(channel, servers) != ARES_SUCCESS) {
        ares_destroy(channel);
        return NULL;
    }
    return channel;
}

void penstock_ares_close(void *channel) { ares_destroy(channel); }

struct addresses_lookup {
    penstock_ares_addresses answered;
    void *context;
    size_t limit;
};

/// Copies a node's address, unless it is of no family that is known here.
static int copy_address(const struct ares_addrinfo_node *node, struct penstock_ares_address *address) {
    if (node->ai_family == AF_INET) {
        memcpy(address->bytes, &((const struct sockaddr_in *)node->ai_addr)->sin_addr, 4);
        address->is_ipv6 = 0;
        return 1;
    }
    if (node->ai_family != AF_INET6) return 0;
    memcpy(address->bytes, &((const struct sockaddr_in6 *)node->ai_addr)->sin6_addr, 16);
    address->is_ipv6 = 1;
    return 1;
}

static uint32_t smaller(uint32_t ttl, int other) { return other < 0 ? 0 : (uint32_t)other < ttl ? (uint32_t)other : ttl; }

static void addresses_answered(void *arg, int code, int timeouts, struct ares_addrinfo *info) {
    struct addresses_lookup lookup = *(struct addresses_lookup *)arg;
    free(arg);
    struct penstock_ares_address *addresses = NULL;
    size_t count = 0;
    uint32_t ttl = UINT32_MAX;
    if (code == ARES_SUCCESS) {
        addresses = calloc(lookup.limit, sizeof *addresses);
        if (!addresses) code = ARES_ENOMEM;
    }
    if (addresses) {
        for (const struct ares_addrinfo_node *node = info->nodes; node && count < lookup.limit; node = node->ai_next) {
            if (!copy_address(node, &addresses[count])) continue;
            ttl = smaller(ttl, node->ai_ttl);
            count++;
        }
        for (const struct ares_addrinfo_cname *alias = info->cnames; alias; alias = alias->next) {
            ttl = smaller(ttl, alias->ttl);
        }
        if (count == 0) code = ARES_ENODATA;
    }
    ares_freeaddrinfo(info);
    lookup.answered(lookup.context, status_of(code), timeouts, addresses, count, ttl);
    free(addresses);
}

void penstock_ares_get_addresses(void *channel, const char *host, size_t limit, penstock_ares_addresses answered,
                                 void *context) {
    struct addresses_lookup *lookup = malloc(sizeof *lookup);
    if (!lookup) return answered(context, PENSTOCK_ARES_FAILED, 0, NULL, 0, 0);
    *lookup = (struct addresses_lookup){answered, context, limit};
    // Without NOSORT c-ares connects a socket to each address, to put them into an order that nobody here wants.
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT};
    ares_getaddrinfo(channel, host, NULL, &hints, addresses_answered, lookup);
}

struct services_lookup {
    penstock_ares_message answered;
    void *context;
};

static void services_answered(void *arg, int code, int timeouts, unsigned char *bytes, int count) {
    (void)timeouts;
    struct services_lookup lookup = *(struct services_lookup *)arg;
    free(arg);
    lookup.answered(lookup.context, status_of(code), bytes, bytes ? (size_t)count : 0);
}

void penstock_ares_get_services(void *channel, const char *name, penstock_ares_message answered, void *context) {
    struct services_lookup *lookup = malloc(sizeof *lookup);
    if (!lookup) return answered(context, PENSTOCK_ARES_FAILED, NULL, 0);
    *lookup = (struct services_lookup){answered, context};
    const int in = 1, srv = 33; // RFC 1035 section 3.2.4, RFC 2782
    ares_search(channel, name, in, srv, services_answered, lookup);
}

void penstock_ares_process(void *channel, int readable, int writable) {
    ares_process_fd(channel, readable, writable);
}

int penstock_ares_wait(void *channel) {
    struct timeval left;
    if (!ares_timeout(channel, NULL, &left)) return -1;
    return left.tv_sec > INT_MAX / 1000 - 1 ? INT_MAX : (int)(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}
