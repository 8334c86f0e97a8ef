# What every target of ours has in common.

# Sets language level and warnings. The warnings are private: they must never
# reach whoever links us.
function(cafreg_configure_target target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic $<$<BOOL:${CAFREG_WERROR}>:-Werror>)
endfunction()

# cafreg_add_library(<library> [LINK cafreg::<other>...] [CORE_SOURCES ...]
#                    [SOURCES ...] PUBLIC_HEADERS ... DETAIL_HEADERS ...)
#
# Defines cafreg_<library> with the alias cafreg::<library>, built on LINK: other
# libraries of ours, which come before it. CORE_SOURCES are
# the files that know nothing about CAF: they form an object library,
# cafreg_<library>_core, which becomes part of the library and which tests can
# link without CAF (ThreadSanitizer cannot see into a packaged CAF). With
# CAFREG_CORE_ONLY this is all that is defined.
function(cafreg_add_library library)
  cmake_parse_arguments(PARSE_ARGV 1 arg ""
    "" "LINK;CORE_SOURCES;SOURCES;PUBLIC_HEADERS;DETAIL_HEADERS")
  set(target cafreg_${library})
  set(core ${target}_core)

  if(arg_CORE_SOURCES)
    add_library(${core} OBJECT ${arg_CORE_SOURCES})
    cafreg_configure_target(${core})
    set(access PUBLIC)
    set(objects $<TARGET_OBJECTS:${core}>)
    if(BUILD_SHARED_LIBS)
      set_target_properties(${core} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
  else() # nothing but headers
    add_library(${core} INTERFACE)
    set(access INTERFACE)
    set(objects "")
  endif()
  target_include_directories(${core} ${access} "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${core} ${access} Threads::Threads)
  foreach(other IN LISTS arg_LINK)
    string(REPLACE "cafreg::" "cafreg_" other "${other}")
    target_link_libraries(${core} ${access} ${other}_core)
  endforeach()

  if(CAFREG_CORE_ONLY)
    return()
  endif()
  add_library(${target} ${objects})
  add_library(cafreg::${library} ALIAS ${target})
  cafreg_configure_target(${target})
  target_sources(${target}
    PRIVATE ${arg_SOURCES}
    PUBLIC FILE_SET HEADERS
      BASE_DIRS "${CMAKE_CURRENT_SOURCE_DIR}"
      FILES ${arg_PUBLIC_HEADERS} ${arg_DETAIL_HEADERS})
  target_link_libraries(${target}
    PUBLIC ${arg_LINK} CAF::core Threads::Threads)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${library}
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    CAFREG_SOURCE_DIR "${CMAKE_CURRENT_SOURCE_DIR}"
    CAFREG_PUBLIC_HEADERS "${arg_PUBLIC_HEADERS}"
    CAFREG_DETAIL_HEADERS "${arg_DETAIL_HEADERS}")
  set_property(GLOBAL APPEND PROPERTY CAFREG_LIBRARIES ${library})
endfunction()
