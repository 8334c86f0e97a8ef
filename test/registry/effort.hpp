#pragma once

#include <cstddef>

// Sanitizers and emulators slow a program down ten times and more; tests that
// repeat or multiply their work take less of it under them.

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#  define CAFREG_TEST_SANITIZED 1
#elif defined(__has_feature)
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#    define CAFREG_TEST_SANITIZED 1
#  endif
#endif

#ifdef CAFREG_TEST_SANITIZED
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

#ifdef CAFREG_TEST_EMULATED
constexpr bool emulated = true;
#else
constexpr bool emulated = false;
#endif

constexpr size_t effort(size_t full, size_t reduced) {
  return sanitized || emulated ? reduced : full;
}
