# The commit the binary was built from, for --version and every report it writes.
find_package(Git QUIET)
set(SRAMSIM_COMMIT "unknown")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12
                  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE commit
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(status EQUAL 0)
    set(SRAMSIM_COMMIT ${commit})
  endif()
endif()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/sramsim_version.h CONTENT
"#pragma once
#define SRAMSIM_VERSION \"@PROJECT_VERSION@\"
#define SRAMSIM_COMMIT \"@SRAMSIM_COMMIT@\"
#define SRAMSIM_COMPILER \"@CMAKE_CXX_COMPILER_ID@ @CMAKE_CXX_COMPILER_VERSION@\"
" @ONLY)
add_library(sramsim_version INTERFACE)
target_include_directories(sramsim_version INTERFACE ${CMAKE_BINARY_DIR}/generated)
