# cafreg_add_example(<name> [SOURCES <file>...] [PROGRAM <target>]
#                    [LINK <library>...] [ARGS <argument>...]
#                    [EXPECT <regex>] [TIMEOUT <seconds>])
#
# Builds <name>.cpp and what else it consists of, as the target example_<name>
# unless PROGRAM says otherwise, with the named libraries (default:
# cafreg::registry), and runs it as the CTest entry example.<name>: examples are
# what people copy. EXPECT: its output must match.
function(cafreg_add_example name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PROGRAM;EXPECT;TIMEOUT"
    "SOURCES;LINK;ARGS")
  if(NOT arg_LINK)
    set(arg_LINK cafreg::registry)
  endif()
  if(NOT arg_PROGRAM)
    set(arg_PROGRAM example_${name})
  endif()
  add_executable(${arg_PROGRAM} ${name}.cpp ${arg_SOURCES})
  target_include_directories(${arg_PROGRAM}
    PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  cafreg_configure_target(${arg_PROGRAM})
  target_link_libraries(${arg_PROGRAM} PRIVATE ${arg_LINK} fmt::fmt)
  cafreg_run_example(${name} COMMAND ${arg_PROGRAM} ${arg_ARGS}
    EXPECT "${arg_EXPECT}" TIMEOUT "${arg_TIMEOUT}")
endfunction()

# cafreg_run_example(<name> COMMAND <program> [<argument>...] [EXPECT <regex>]
#                    [TIMEOUT <seconds>])
#
# Runs a command, in general an example in another way, as the CTest entry
# example.<name>.
function(cafreg_run_example name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXPECT;TIMEOUT" "COMMAND")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  set(entries example.${name})
  add_test(NAME example.${name} COMMAND ${arg_COMMAND})
  if(arg_EXPECT)
    # CTest ignores the exit code once a regular expression is set, hence the
    # second entry.
    list(APPEND entries example.${name}.output)
    add_test(NAME example.${name}.output COMMAND ${arg_COMMAND})
    set_tests_properties(example.${name}.output PROPERTIES
      PASS_REGULAR_EXPRESSION "${arg_EXPECT}")
  endif()
  set_tests_properties(${entries} PROPERTIES
    LABELS example TIMEOUT ${arg_TIMEOUT})
endfunction()
