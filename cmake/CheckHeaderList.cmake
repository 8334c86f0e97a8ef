# cmake -DSOURCE_DIR=<dir> -DHEADERS=<list> -P CheckHeaderList.cmake
#
# Fails when a header under SOURCE_DIR is missing from HEADERS.

cmake_minimum_required(VERSION 3.25)

file(GLOB_RECURSE found RELATIVE "${SOURCE_DIR}" "${SOURCE_DIR}/*.hpp")
list(REMOVE_ITEM found ${HEADERS})
if(found)
  list(JOIN found "\n  " found)
  message(FATAL_ERROR
    "not listed in ${SOURCE_DIR}/CMakeLists.txt, so not installed:\n  ${found}")
endif()
