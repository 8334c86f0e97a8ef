# Functions for test/CMakeLists.txt. With CAFREG_CORE_ONLY those for tests that
# need CAF do nothing.

# cafreg_precompile(<name> <header> LINK <target>...)
#
# Precompiles what the tests of several suites include and what is none of ours,
# once for all of them. A test that leaves out an include of its own is found
# out where nothing is precompiled, in .ci/run tidy.
function(cafreg_precompile name header)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LINK")
  set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "// Only there to carry precompiled headers.\n")
  add_library(${name} OBJECT "${source}")
  cafreg_configure_target(${name})
  target_include_directories(${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  target_precompile_headers(${name} PRIVATE "${header}")
endfunction()

# cafreg_add_test_suite(<library> [CORE] [LINK <target>...])
#
# Defines the executable that the tests of <library> are compiled into:
# cafreg_<library>_tests, or with CORE cafreg_<library>_core_tests, which links
# the CAF-free part of the library and nothing of CAF.
function(cafreg_add_test_suite library)
  cmake_parse_arguments(PARSE_ARGV 1 arg "CORE" "" "LINK")
  if(arg_CORE)
    set(target cafreg_${library}_core_tests)
    set(tested cafreg_${library}_core)
    set(precompiled cafreg_test_core_pch)
  elseif(CAFREG_CORE_ONLY)
    return()
  else()
    set(target cafreg_${library}_tests)
    set(tested cafreg::${library} CAF::io fmt::fmt)
    set(precompiled cafreg_test_caf_pch)
  endif()
  add_executable(${target})
  cafreg_configure_target(${target})
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${target}
    PRIVATE ${tested} ${arg_LINK} cafreg_test_main)
  target_precompile_headers(${target} REUSE_FROM ${precompiled})
  # Where a test finds the programs it starts (cafreg_add_test_program).
  target_compile_definitions(${target}
    PRIVATE CAFREG_TEST_PROGRAM_DIR="${CMAKE_CURRENT_BINARY_DIR}"
      CAFREG_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()

# cafreg_add_test(<library>.<name> <source>... [CORE] [SERIAL]
#                 [TIMEOUT <seconds>])
#
# Compiles the sources into the executable of <library> (see above) and runs
# the test cases of its *.test.cpp files as one CTest entry. SERIAL: nothing
# else runs beside it, for tests that measure time or memory.
function(cafreg_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "CORE;SERIAL" "TIMEOUT" "")
  string(REGEX REPLACE "\\..*" "" library "${name}")
  set(target cafreg_${library}_tests)
  set(labels ${library})
  if(arg_CORE)
    set(target cafreg_${library}_core_tests)
    list(APPEND labels core)
  elseif(CAFREG_CORE_ONLY)
    return()
  endif()
  target_sources(${target} PRIVATE ${arg_UNPARSED_ARGUMENTS})

  # Catch2 can tag each test case with the name of its file.
  set(tags ${arg_UNPARSED_ARGUMENTS})
  list(FILTER tags INCLUDE REGEX "\\.test\\.cpp$")
  list(TRANSFORM tags REPLACE "^.*/" "")
  list(TRANSFORM tags REPLACE "^(.*)\\.cpp$" "[#\\1]")
  list(JOIN tags "," tags)

  add_test(NAME ${name}
    COMMAND ${target} --filenames-as-tags ${CAFREG_CATCH_ARGS} ${tags})
  set_tests_properties(${name} PROPERTIES
    LABELS "${labels}"
    TIMEOUT $<IF:$<BOOL:${arg_TIMEOUT}>,${arg_TIMEOUT},300>)
  if(arg_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

# cafreg_add_test_program(<name> <library> <source>...)
#
# A program of its own that tests of <library> start as another process. They
# find it as CAFREG_TEST_PROGRAM_DIR "/<name>".
function(cafreg_add_test_program name library)
  if(CAFREG_CORE_ONLY)
    return()
  endif()
  add_executable(${name} ${ARGN})
  cafreg_configure_target(${name})
  target_include_directories(${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE cafreg::${library} CAF::io fmt::fmt)
  add_dependencies(cafreg_${library}_tests ${name})
endfunction()

# cafreg_add_header_tests(<library>)
#
# Each public header of <library> compiles alone, twice; and each header on
# disk is in the library's list, or it would not be installed.
#
# Whether a header compiles depends on nothing that makes it slow: no optimiser,
# no debug information; and not once more for each sanitizer.
function(cafreg_add_header_tests library)
  if(CAFREG_CORE_ONLY)
    return()
  endif()
  get_target_property(headers cafreg_${library} CAFREG_PUBLIC_HEADERS)
  get_target_property(details cafreg_${library} CAFREG_DETAIL_HEADERS)
  get_target_property(source_dir cafreg_${library} CAFREG_SOURCE_DIR)

  if(NOT CAFREG_SANITIZE)
    set(sources "")
    foreach(header IN LISTS headers)
      string(MAKE_C_IDENTIFIER "${header}" id)
      set(source "${CMAKE_CURRENT_BINARY_DIR}/${library}_headers/${id}.cpp")
      file(CONFIGURE OUTPUT "${source}"
        CONTENT "#include <@header@>\n\n#include <@header@>\n" @ONLY)
      list(APPEND sources "${source}")
    endforeach()
    add_library(cafreg_${library}_headers OBJECT ${sources})
    cafreg_configure_target(cafreg_${library}_headers)
    target_link_libraries(cafreg_${library}_headers
      PRIVATE cafreg::${library} fmt::fmt)
    target_compile_options(cafreg_${library}_headers PRIVATE -O0 -g0)
    set_target_properties(cafreg_${library}_headers PROPERTIES UNITY_BUILD OFF)
  endif()

  add_test(NAME ${library}.header_list
    COMMAND ${CMAKE_COMMAND} "-DSOURCE_DIR=${source_dir}"
      "-DHEADERS=${headers};${details}"
      -P "${PROJECT_SOURCE_DIR}/cmake/CheckHeaderList.cmake")
  set_tests_properties(${library}.header_list PROPERTIES LABELS ${library})
endfunction()
