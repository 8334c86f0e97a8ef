# Install rules: headers, libraries, and a CMake package with one component for
# each library.

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/cafreg")
get_property(libraries GLOBAL PROPERTY CAFREG_LIBRARIES)

foreach(library IN LISTS libraries)
  install(TARGETS cafreg_${library}
    EXPORT cafreg_${library}
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT cafreg_${library}
    NAMESPACE cafreg::
    FILE cafreg-${library}-targets.cmake
    DESTINATION "${package_dir}")
endforeach()

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/cafregConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/cafregConfig.cmake"
  INSTALL_DESTINATION "${package_dir}"
  NO_SET_AND_CHECK_MACRO)
# Below 1.0 a minor version may break its users.
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/cafregConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/cafregConfig.cmake"
  "${PROJECT_BINARY_DIR}/cafregConfigVersion.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/FindCAF.cmake"
  DESTINATION "${package_dir}")
