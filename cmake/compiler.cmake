# Warnings as errors, sanitizers, and what makes builds short where it is present: ccache, mold.

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion
                    -Wno-sign-conversion -Werror -fno-omit-frame-pointer -pthread)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # It sees overlapping and overlong copies in std::string where there are none (its bugs 105329 and 105651).
  add_compile_options(-Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()
# Line tables are enough for stack traces and profiles, and halve what the linker moves.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-g1")

# Kernels promise bit-identical results, so no expression may be contracted behind their back.
add_compile_options(-ffp-contract=off)

set(SEXTANT_SANITIZER "" CACHE STRING "address,undefined or thread")
if(SEXTANT_SANITIZER)
  add_compile_options(-fsanitize=${SEXTANT_SANITIZER} -fno-sanitize-recover=all -Og)
  add_link_options(-fsanitize=${SEXTANT_SANITIZER})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Between its checks g++ 12 loses sight of which half of a std::expected is alive.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()

option(SEXTANT_FUZZ "Build the fuzz targets" OFF)
if(SEXTANT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(SEXTANT_CCACHE ccache)
if(SEXTANT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SEXTANT_CCACHE})
endif()
find_program(SEXTANT_MOLD mold)
if(SEXTANT_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
