# Suites of pytest that start the built binary, with the Python of .venv (tools/setup.sh). Sanitizer builds leave them out.
# The OpenAPI campaign and the measuring of answers take minutes and are run by hand: pytest tests/e2e/test_openapi.py.
# sextant_process_test(<name> TIMEOUT seconds): runs tests/<name>.
function(sextant_process_test name)
  if(SEXTANT_SANITIZER)
    return()
  endif()
  cmake_parse_arguments(arg "" "TIMEOUT" "" ${ARGN})
  add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/.venv/bin/python -m pytest -c tests/pytest.ini tests/${name}
           --ignore=tests/e2e/test_openapi.py --ignore=tests/e2e/test_answers.py
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS process TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "SEXTANT_BINARY=$<TARGET_FILE:sextant>")
endfunction()
