// Tells ThreadSanitizer of a Mutex that threads have waited for.
//
// What is inlined of Swift's Mutex is seen, because it is compiled with the tests. To wait and to wake is the work of
// libswiftSynchronization and the kernel (FUTEX_LOCK_PI), which nobody sees: each contended lock would be reported as if
// there were none. Preloaded, these functions stand before the library's, whose names they have.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));

#define SWIFT(name) __asm__("$s15Synchronization12_MutexHandleV" name)
#define SELF __attribute__((swift_context)) void *self

// _MutexHandle._lockSlow(_: UInt32)
__attribute__((swiftcall)) void lock_slow(uint32_t thread, SELF) SWIFT("9_lockSlowyys6UInt32VF");
__attribute__((swiftcall)) void lock_slow(uint32_t thread, SELF) {
    static __attribute__((swiftcall)) void (*next)(uint32_t, SELF);
    if (!next) next = dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
    next(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

// _MutexHandle._unlockSlow()
__attribute__((swiftcall)) void unlock_slow(SELF) SWIFT("11_unlockSlowyyF");
__attribute__((swiftcall)) void unlock_slow(SELF) {
    static __attribute__((swiftcall)) void (*next)(SELF);
    if (!next) next = dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
    if (__tsan_release) __tsan_release(self);
    next(self);
}
