# Compile flags of all targets (sramsim_flags) and of the SIMD sources.
add_library(sramsim_flags INTERFACE)
target_compile_options(sramsim_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual>
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>  # floats must round the same on every backend
)
if(SRAMSIM_WERROR)
  target_compile_options(sramsim_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(SRAMSIM_SANITIZE)
  target_compile_options(sramsim_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SRAMSIM_SANITIZE} -fno-omit-frame-pointer>)
  target_link_options(sramsim_flags INTERFACE -fsanitize=${SRAMSIM_SANITIZE})
endif()
# Faster links where mold is present; nothing depends on it.
find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_link_options(sramsim_flags INTERFACE -fuse-ld=mold)
endif()

set(SRAMSIM_AVX2_FLAGS -mavx2 -mfma -mbmi -mbmi2 -mpopcnt)
set(SRAMSIM_AVX512_FLAGS ${SRAMSIM_AVX2_FLAGS} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi -mavx512vbmi2
    -mavx512bitalg -mavx512vpopcntdq -mavx512vnni -mgfni -mprefer-vector-width=512)
set(SRAMSIM_AMX_FLAGS ${SRAMSIM_AVX512_FLAGS} -mamx-tile -mamx-int8)

# Only the files named for an instruction set are compiled for it: the rest runs on any machine of the architecture.
function(sramsim_simd_flags)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    return()
  endif()
  foreach(source ${ARGN})
    if(source MATCHES "_avx512\\.cpp$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${SRAMSIM_AVX512_FLAGS}")
    elseif(source MATCHES "_amx\\.cpp$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${SRAMSIM_AMX_FLAGS}")
    elseif(source MATCHES "_avx2\\.cpp$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${SRAMSIM_AVX2_FLAGS}")
    endif()
  endforeach()
endfunction()
