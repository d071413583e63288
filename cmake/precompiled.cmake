# Precompiled headers: what nearly every file includes, parsed once. Each file still includes what it uses: the
# preset `tsan` builds without them.

option(SEXTANT_PRECOMPILED_HEADERS "Parse the common headers once" ON)
if(NOT SEXTANT_PRECOMPILED_HEADERS)
  function(sextant_precompiled target header)
  endfunction()
  return()
endif()

set(common_headers
    <algorithm> <array> <atomic> <chrono> <cstddef> <cstdint> <cstring> <expected> <filesystem> <functional> <limits>
    <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <unordered_map> <utility> <variant>
    <vector> <fmt/format.h>)

# ccache looks at the names in a precompiled header only when told that it may.
if(SEXTANT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      ${SEXTANT_CCACHE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)
endif()

# Two of them: of the sources, and of the tests, which adds GoogleTest.
file(WRITE ${CMAKE_BINARY_DIR}/precompiled/empty.cpp "")
add_library(precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled/empty.cpp)
target_link_libraries(precompiled PRIVATE Threads::Threads fmt::fmt)
target_precompile_headers(precompiled PRIVATE ${common_headers})
if(SEXTANT_TESTS)
  add_library(precompiled_test OBJECT ${CMAKE_BINARY_DIR}/precompiled/empty.cpp)
  target_link_libraries(precompiled_test PRIVATE Threads::Threads fmt::fmt GTest::gtest)
  target_precompile_headers(precompiled_test PRIVATE ${common_headers} <gtest/gtest.h>)
endif()

# sextant_precompiled(<target> precompiled|precompiled_test). A file with flags of its own cannot take part:
# SKIP_PRECOMPILE_HEADERS.
function(sextant_precompiled target header)
  target_precompile_headers(${target} REUSE_FROM ${header})
endfunction()
