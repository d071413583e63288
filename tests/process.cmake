# Suites of pytest that start the built binary, with the Python of .venv (tools/setup.sh). Sanitizer builds leave them out.
# sextant_process_test(<name> TIMEOUT seconds): runs tests/<name>.
function(sextant_process_test name)
  if(SEXTANT_SANITIZER)
    return()
  endif()
  cmake_parse_arguments(arg "" "TIMEOUT" "" ${ARGN})
  add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/.venv/bin/python -m pytest -c tests/pytest.ini tests/${name}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS process TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "SEXTANT_BINARY=$<TARGET_FILE:sextant>")
endfunction()
