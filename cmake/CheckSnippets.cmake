# cmake -DSOURCE_DIR=<dir> -P CheckSnippets.cmake
#
# Code in the documentation must exist. In README.md and docs/*.md, a line
#
#   <!-- from examples/readme.cpp -->
#
# announces that the code block after it is part of that file, which the tests
# compile and run. Indentation may differ, nothing else may.

cmake_minimum_required(VERSION 3.25)

function(normalize out text)
  string(REGEX REPLACE "\n[ \t]+" "\n" text "\n${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

set(marker "<!-- from ")
set(checked 0)
file(GLOB documents "${SOURCE_DIR}/README.md" "${SOURCE_DIR}/docs/*.md")
foreach(document IN LISTS documents)
  file(RELATIVE_PATH document_name "${SOURCE_DIR}" "${document}")
  file(READ "${document}" rest)
  while(TRUE)
    string(FIND "${rest}" "${marker}" at)
    if(at EQUAL -1)
      break()
    endif()
    string(LENGTH "${marker}" length)
    math(EXPR at "${at} + ${length}")
    string(SUBSTRING "${rest}" ${at} -1 rest)

    string(FIND "${rest}" " -->" end)
    string(SUBSTRING "${rest}" 0 ${end} source)
    if(NOT EXISTS "${SOURCE_DIR}/${source}")
      message(FATAL_ERROR "${document_name} names ${source}: no such file")
    endif()

    string(FIND "${rest}" "\n```" begin)
    math(EXPR begin "${begin} + 1")
    string(SUBSTRING "${rest}" ${begin} -1 rest)
    string(FIND "${rest}" "\n" begin)
    string(SUBSTRING "${rest}" ${begin} -1 rest)
    string(FIND "${rest}" "\n```" end)
    if(begin EQUAL -1 OR end LESS 1)
      message(FATAL_ERROR "${document_name}: no code block after ${source}")
    endif()
    string(SUBSTRING "${rest}" 1 ${end} block)
    string(SUBSTRING "${rest}" ${end} -1 rest)

    file(READ "${SOURCE_DIR}/${source}" code)
    normalize(block "${block}")
    normalize(code "${code}")
    string(FIND "${code}" "${block}" position)
    if(position EQUAL -1)
      message(FATAL_ERROR
        "${document_name} shows code that is not in ${source}:\n${block}")
    endif()
    math(EXPR checked "${checked} + 1")
  endwhile()
endforeach()
if(checked EQUAL 0)
  message(FATAL_ERROR "no document has a line with \"${marker}\"")
endif()
message(STATUS "${checked} code blocks are part of the files they name")
