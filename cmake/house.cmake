# One static library and one test program a folder.

# sextant_library(<folder> SOURCES a.cpp ... DEPENDS base PkgConfig::xxhash ...)
function(sextant_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${arg_DEPENDS})
  sextant_precompiled(${name} precompiled)
endfunction()

# Builds all unit tests and nothing else.
add_custom_target(unit_tests)

# sextant_tests(<folder> SOURCES a_test.cpp ... DEPENDS ...): builds <folder>_test and registers it with ctest.
# Tests find data through SEXTANT_TEST_DATA (default: ../shared/data beside the checkout).
function(sextant_tests name)
  if(NOT SEXTANT_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name}_test ${arg_SOURCES})
  target_link_libraries(${name}_test PRIVATE ${name} ${arg_DEPENDS} GTest::gtest GTest::gtest_main)
  sextant_precompiled(${name}_test precompiled_test)
  add_dependencies(unit_tests ${name}_test)
  add_test(NAME ${name} COMMAND ${name}_test)
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900
    ENVIRONMENT "SEXTANT_TEST_DATA=$<IF:$<BOOL:$ENV{SEXTANT_TEST_DATA}>,$ENV{SEXTANT_TEST_DATA},${PROJECT_SOURCE_DIR}/../shared/data>")
endfunction()
