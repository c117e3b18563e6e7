# The commit a binary is built from, for --version and every row and report it writes. It is looked up by every build:
# most builds follow an edit or a pull, not a new configuration.
find_package(Git QUIET)
set(version_header ${CMAKE_BINARY_DIR}/generated/sramsim_version.h)
set(write_version ${CMAKE_COMMAND} -D GIT=${GIT_EXECUTABLE} -D SOURCE=${CMAKE_CURRENT_SOURCE_DIR} -D HEADER=${version_header}
    -D VERSION=${PROJECT_VERSION} "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/WriteVersion.cmake)
execute_process(COMMAND ${write_version} COMMAND_ERROR_IS_FATAL ANY)  # for tools that read sources before a build
add_custom_target(sramsim_write_version COMMAND ${write_version} BYPRODUCTS ${version_header} VERBATIM
                  COMMENT "Looking up the commit")
add_library(sramsim_version INTERFACE)
add_dependencies(sramsim_version sramsim_write_version)
target_include_directories(sramsim_version INTERFACE ${CMAKE_BINARY_DIR}/generated)
