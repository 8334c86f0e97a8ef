# cmake -DSOURCE_DIR=<dir> -P CheckSeams.cmake
#
# A test can take the place of time, waits, threads, identity and chance, since
# the libraries ask for each of them in one folder only: this looks whether they
# do. Comments do not count.

cmake_minimum_required(VERSION 3.25)

set(seams "libregistry/cafreg/seam")
# What marks the threads of actor systems, and runs a loop in one.
set(below "libregistry/cafreg/caf.cpp")

# Pairs of a pattern and what to use instead.
set(rules
  "(steady|system|high_resolution)_clock::now|[^_a-z]clock(_type)?::now"
  "seam::clock, or time as an argument"
  "thread_local|this_thread::(get_id|yield|sleep)|thread::id|pthread_self"
  "seam::this_thread, see seam/who.hpp"
  "std::j?thread|caf::detached|std::async|pthread_create"
  "seam/threads.hpp"
  "[.]wait_(for|until) *[(]|[.]wait *[(](guard|lock|false|true)|sleep_(for|until)"
  "seam::wait, see seam/waiting.hpp"
  "random_device|std::(mt19937|minstd_rand|default_random_engine)"
  "seam/chance.hpp")

set(found "")
set(files 0)
file(GLOB_RECURSE sources RELATIVE "${SOURCE_DIR}"
  "${SOURCE_DIR}/lib*/cafreg/*.hpp" "${SOURCE_DIR}/lib*/cafreg/*.cpp")
foreach(source IN LISTS sources)
  math(EXPR files "${files} + 1")
  if(source MATCHES "^${seams}/" OR source STREQUAL below)
    continue()
  endif()
  file(STRINGS "${SOURCE_DIR}/${source}" lines)
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "//.*" "" code " ${line}")
    set(rest ${rules})
    while(rest)
      list(POP_FRONT rest pattern instead)
      if(code MATCHES "${pattern}")
        string(APPEND found "\n ${source}:${code}\n    use ${instead}")
      endif()
    endwhile()
  endforeach()
endforeach()

if(files LESS 100)
  message(FATAL_ERROR "only ${files} sources were looked at")
endif()
if(found)
  message(FATAL_ERROR
    "only ${seams} may ask for time, waits, threads and chance:${found}")
endif()
