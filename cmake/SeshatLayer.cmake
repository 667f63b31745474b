# seshat_layer(<name> [SEEDED_BUGS] HEADERS ... SOURCES ... PUBLIC ... PRIVATE ... TESTS ...
#              TEST_LIBRARIES ...)
#
# Declares the static library seshat_<name> (alias seshat::<name>) whose public headers live in
# include/, and, when TESTS are given, one test executable <name>_test registered with CTest.
# A layer sees the headers of what it links and nothing else: the link graph enforces the design.
# With SEEDED_BUGS the simulator also gets its own build of the layer, seshat::<name>_seeded.
function(seshat_layer name)
  cmake_parse_arguments(ARG "SEEDED_BUGS" "" "HEADERS;SOURCES;PUBLIC;PRIVATE;TESTS;TEST_LIBRARIES" ${ARGN})
  set(target seshat_${name})
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE ${ARG_PRIVATE})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(seshat::${name} ALIAS ${target})
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS include FILES ${ARG_HEADERS})
  target_link_libraries(${target} ${scope} ${ARG_PUBLIC})
  if(ARG_SEEDED_BUGS)
    seshat_layer_with_seeded_bugs(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  endif()
  if(SESHAT_TESTS AND ARG_TESTS)
    seshat_test(${name}_test SOURCES ${ARG_TESTS} LIBRARIES ${target} ${ARG_PRIVATE} ${ARG_TEST_LIBRARIES})
  endif()
endfunction()

# seshat_layer_with_seeded_bugs(<target> PUBLIC ... PRIVATE ...)
# The same sources and headers again as <target>_seeded, with the bugs that seeded_bug.h can switch
# on, and on top of the builds with bugs of the layers below. One program links the one or the other.
function(seshat_layer_with_seeded_bugs target)
  cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE" ${ARGN})
  foreach(scope PUBLIC PRIVATE)
    set(${scope}_layers "")
    foreach(layer ${ARG_${scope}})
      if(TARGET ${layer}_seeded)
        string(APPEND layer _seeded)
      endif()
      list(APPEND ${scope}_layers ${layer})
    endforeach()
  endforeach()
  get_target_property(sources ${target} SOURCES)
  string(REPLACE seshat_ seshat:: alias ${target}_seeded)
  add_library(${target}_seeded STATIC EXCLUDE_FROM_ALL ${sources})
  add_library(${alias} ALIAS ${target}_seeded)
  target_include_directories(${target}_seeded PUBLIC include)
  target_link_libraries(${target}_seeded PUBLIC ${PUBLIC_layers} seshat::seeded_bug
                                         PRIVATE ${PRIVATE_layers})
endfunction()

# seshat_test(<name> SOURCES ... LIBRARIES ... [LABELS ...] [TIMEOUT seconds])
# One googletest executable, one CTest entry for each TEST in it.
function(seshat_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(SESHAT_SANITIZE)
    math(EXPR ARG_TIMEOUT "4 * ${ARG_TIMEOUT}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  # Relative to the root of the checkout, where CTest runs the tests: an absolute path would make
  # every clone compile its tests anew.
  file(RELATIVE_PATH testdata ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/testdata)
  target_compile_definitions(${name} PRIVATE SESHAT_TESTDATA_DIR="${testdata}")
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} GTest::gmock GTest::gtest_main)
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# seshat_fuzzer(<name> SOURCES ... LIBRARIES ...)
# One libFuzzer executable, built only with SESHAT_FUZZERS (clang): `<name> -max_total_time=30`.
function(seshat_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT SESHAT_FUZZERS)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
endfunction()
