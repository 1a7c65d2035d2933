# SPDX-License-Identifier: Apache-2.0
# socle_room(NAME SOURCES... [HOST_SOURCES...] [EL2_SOURCES...] [HOT source...] [DEPS room...]
#            [TESTS...] [EL2_TESTS...] [TEST_DEPS lib...])
#
# HOT: those of the sources that run for every hypercall, trap and interrupt of a guest. The release
# for EL2 optimises them for speed, all else for size.
#
# One static library socle_NAME per room. On the host its TESTS become one GoogleTest program
# socle_NAME_test, registered with CTest; at EL2 its EL2_TESTS become the object library
# socle_NAME_selftest, which the selftest image links.

add_library(socle_options INTERFACE)
target_include_directories(socle_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(socle_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-align
    -Wimplicit-fallthrough -Wnon-virtual-dtor -Woverloaded-virtual -Wthread-safety -Wundef
    -Wunused -Wswitch-enum -Wno-gnu-statement-expression -Werror>)

if(SOCLE_EL2)
  target_include_directories(socle_options INTERFACE "${CMAKE_SOURCE_DIR}/src/port/el2")
  target_compile_options(socle_options INTERFACE
    -ffreestanding -fpie -fvisibility=hidden -mgeneral-regs-only -mstrict-align
    "-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=" -mno-outline-atomics -mtp=el2 -mbranch-protection=bti -fno-asynchronous-unwind-tables
    -fno-omit-frame-pointer -ffunction-sections -fdata-sections -g
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics
      -fno-c++-static-destructors -Wglobal-constructors>)
  target_compile_definitions(socle_options INTERFACE
    $<$<CONFIG:Debug>:SOCLE_DEBUG=1> $<$<NOT:$<CONFIG:Debug>>:SOCLE_DEBUG=0>)
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(socle_options INTERFACE
      -O1 -fsanitize=undefined -fsanitize-trap=undefined -fno-sanitize=function,vptr)
  endif()
  set(CMAKE_CXX_FLAGS_RELEASE "-Oz")
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    # Compiled as one program: rooms call each other in many small functions, whose bodies are
    # shorter than the calls.
    target_compile_options(socle_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-flto=full>)
  endif()
else()
  target_include_directories(socle_options INTERFACE "${CMAKE_SOURCE_DIR}/src/port/host"
    "${CMAKE_SOURCE_DIR}")
  target_compile_definitions(socle_options INTERFACE SOCLE_DEBUG=1)
  target_compile_options(socle_options INTERFACE -g -fno-omit-frame-pointer)
  if(SOCLE_SANITIZE)
    target_compile_options(socle_options INTERFACE
      -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(socle_options INTERFACE -fsanitize=address,undefined)
  endif()
  find_package(GTest REQUIRED)
  find_package(Threads REQUIRED)
endif()

find_program(SOCLE_CCACHE ccache)
if(SOCLE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SOCLE_CCACHE}")
  set(CMAKE_ASM_COMPILER_LAUNCHER "${SOCLE_CCACHE}")
endif()

function(socle_room name)
  cmake_parse_arguments(room "" ""
    "SOURCES;HOST_SOURCES;EL2_SOURCES;HOT;DEPS;TESTS;EL2_TESTS;TEST_DEPS" ${ARGN})
  set(sources ${room_SOURCES})
  if(SOCLE_EL2)
    list(APPEND sources ${room_EL2_SOURCES})
  else()
    list(APPEND sources ${room_HOST_SOURCES})
  endif()
  list(TRANSFORM room_DEPS PREPEND socle_)
  if(sources)
    add_library(socle_${name} STATIC ${sources})
    target_link_libraries(socle_${name} PUBLIC socle_options ${room_DEPS})
  else()
    add_library(socle_${name} INTERFACE)
    target_link_libraries(socle_${name} INTERFACE socle_options ${room_DEPS})
  endif()
  if(SOCLE_EL2)
    if(room_HOT AND CMAKE_BUILD_TYPE STREQUAL "Release")
      set_source_files_properties(${room_HOT} PROPERTIES COMPILE_OPTIONS -O2)
    endif()
    if(room_EL2_TESTS)
      add_library(socle_${name}_selftest OBJECT ${room_EL2_TESTS})
      target_link_libraries(socle_${name}_selftest PRIVATE socle_${name})
      set_property(GLOBAL APPEND PROPERTY SOCLE_SELFTESTS socle_${name}_selftest)
    endif()
  elseif(room_TESTS)
    add_executable(socle_${name}_test ${room_TESTS})
    target_link_libraries(socle_${name}_test PRIVATE
      socle_${name} socle_sim ${room_TEST_DEPS} GTest::gtest_main Threads::Threads)
    add_test(NAME ${name} COMMAND socle_${name}_test)
  endif()
endfunction()
