# Writes HEADER, if it would change, with VERSION, COMPILER and the commit of the sources in SOURCE.
cmake_minimum_required(VERSION 3.25)
set(commit "unknown")
if(GIT)
  # Without optional locks: a commit may be under way beside the build.
  execute_process(COMMAND ${CMAKE_COMMAND} -E env GIT_OPTIONAL_LOCKS=0 ${GIT} describe --always --dirty --abbrev=12
                  WORKING_DIRECTORY ${SOURCE}
                  OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(status EQUAL 0)
    set(commit ${described})
  endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT
"#pragma once
#define SRAMSIM_VERSION \"@VERSION@\"
#define SRAMSIM_COMMIT \"@commit@\"
#define SRAMSIM_COMPILER \"@COMPILER@\"
" @ONLY)
