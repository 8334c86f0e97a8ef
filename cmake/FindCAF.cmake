# FindCAF
#
# Finds the C++ Actor Framework from 0.17.6 on and defines its targets under
# one set of names, however it was installed:
#
#   CAF::core   always
#   CAF::io     when the middleman library is there
#
# CAF's own CMake package wins where there is one. Otherwise (0.17, as Debian
# packages it) headers and libraries are looked up.
#
# Input:  CAF_ROOT (variable or environment): look in this prefix and nowhere
#         else; who names a CAF does not want another one in silence.
# Output: CAF_FOUND, CAF_VERSION, CAF_INCLUDE_DIR, CAF_<component>_FOUND

if(NOT CAF_ROOT AND DEFINED ENV{CAF_ROOT})
  set(CAF_ROOT "$ENV{CAF_ROOT}")
endif()
if(CAF_ROOT)
  set(_caf_where PATHS "${CAF_ROOT}" NO_DEFAULT_PATH)
else()
  set(_caf_where "")
endif()

# -- targets ------------------------------------------------------------------

# A function, for the sake of its scope.
function(_caf_find_package)
  # CAF calls 1.x incompatible with a request for 0.17; the range is ours to
  # judge, at the end.
  set(CAF_FIND_VERSION_COMPLETE "")
  # Left alone, CMake would take any directory caf*, even a build tree, below
  # its optional prefixes. Whoever has a CAF there names it.
  if(CAF_ROOT)
    find_package(CAF CONFIG QUIET ${_caf_where})
  else()
    find_package(CAF CONFIG QUIET
      NO_CMAKE_SYSTEM_PATH PATHS /usr/local /usr)
  endif()
endfunction()

if(NOT TARGET CAF::core)
  _caf_find_package()
endif()

if(TARGET CAF::core)
  get_target_property(_caf_include_dirs CAF::core INTERFACE_INCLUDE_DIRECTORIES)
  find_path(CAF_INCLUDE_DIR caf/config.hpp
    PATHS ${_caf_include_dirs} NO_DEFAULT_PATH)
else()
  find_path(CAF_INCLUDE_DIR caf/config.hpp ${_caf_where} PATH_SUFFIXES include)
  foreach(_caf_component IN ITEMS core io)
    find_library(CAF_${_caf_component}_LIBRARY caf_${_caf_component}
      ${_caf_where}
      PATH_SUFFIXES lib "lib/${CMAKE_LIBRARY_ARCHITECTURE}")
    mark_as_advanced(CAF_${_caf_component}_LIBRARY)
  endforeach()
  if(CAF_INCLUDE_DIR AND CAF_core_LIBRARY)
    set(THREADS_PREFER_PTHREAD_FLAG TRUE)
    find_package(Threads QUIET)
    # Imported targets count as system headers: CAF's warnings stay CAF's.
    add_library(CAF::core UNKNOWN IMPORTED)
    set_target_properties(CAF::core PROPERTIES
      IMPORTED_LOCATION "${CAF_core_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
      INTERFACE_LINK_LIBRARIES Threads::Threads)
    if(CAF_io_LIBRARY)
      add_library(CAF::io UNKNOWN IMPORTED)
      set_target_properties(CAF::io PROPERTIES
        IMPORTED_LOCATION "${CAF_io_LIBRARY}"
        INTERFACE_LINK_LIBRARIES CAF::core)
    endif()
    if(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
      set_property(TARGET CAF::core PROPERTY IMPORTED_GLOBAL TRUE)
      if(TARGET CAF::io)
        set_property(TARGET CAF::io PROPERTY IMPORTED_GLOBAL TRUE)
      endif()
    endif()
  endif()
endif()
mark_as_advanced(CAF_INCLUDE_DIR)

# -- version ------------------------------------------------------------------

# From the headers, since these are what gets compiled: 0.17 has one number
# (CAF_VERSION 1706) in config.hpp; 1.x has a string in a generated header, and
# a CAF_VERSION that cannot be used (1.1.0 spells it 0100, which is octal).
if(CAF_INCLUDE_DIR)
  foreach(_caf_header IN ITEMS caf/detail/build_config.hpp caf/config.hpp)
    if(NOT EXISTS "${CAF_INCLUDE_DIR}/${_caf_header}")
      continue()
    endif()
    file(STRINGS "${CAF_INCLUDE_DIR}/${_caf_header}" _caf_lines
      REGEX "^#define CAF_VERSION(_STR)? ")
    if(_caf_lines MATCHES "CAF_VERSION_STR \"([0-9.]+)")
      set(CAF_VERSION "${CMAKE_MATCH_1}")
      break()
    elseif(_caf_lines MATCHES "CAF_VERSION ([1-9][0-9]*)")
      math(EXPR _caf_major "${CMAKE_MATCH_1} / 10000")
      math(EXPR _caf_minor "${CMAKE_MATCH_1} / 100 % 100")
      math(EXPR _caf_patch "${CMAKE_MATCH_1} % 100")
      set(CAF_VERSION "${_caf_major}.${_caf_minor}.${_caf_patch}")
      break()
    endif()
  endforeach()
endif()

# -- result -------------------------------------------------------------------

foreach(_caf_component IN ITEMS core io)
  if(TARGET CAF::${_caf_component})
    set(CAF_${_caf_component}_FOUND TRUE)
  else()
    set(CAF_${_caf_component}_FOUND FALSE)
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_INCLUDE_DIR CAF_core_FOUND
  VERSION_VAR CAF_VERSION
  HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE
    "install libcaf-dev (Debian) or set CAF_ROOT to the prefix of a CAF")
