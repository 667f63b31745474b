// Tells ThreadSanitizer the order that gRPC promises: what came before an operation was begun is
// seen by its reaction. gRPC is built without it, so it cannot find out by itself. Nothing in other
// builds.
#pragma once

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SESHAT_TELL_THREAD_SANITIZER
#endif
#endif

#ifdef SESHAT_TELL_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace seshat {

// Before beginning an operation on `stream`.
inline void BeforeOperation([[maybe_unused]] void* stream) {
#ifdef SESHAT_TELL_THREAD_SANITIZER
  __tsan_release(stream);
#endif
}

// First in each reaction of `stream`.
inline void InReaction([[maybe_unused]] void* stream) {
#ifdef SESHAT_TELL_THREAD_SANITIZER
  __tsan_acquire(stream);
#endif
}

}  // namespace seshat
