# Warnings are errors in every build; sanitizers and coverage are whole-program choices.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                    -Wcast-qual -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
# Frame pointers cost nothing measurable and make every stack in production readable.
add_compile_options(-fno-omit-frame-pointer)

if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options(-Wthread-safety -Werror=thread-safety)
  # Asio 1.22 does not recognise clang's standard coroutines by itself.
  add_compile_definitions(ASIO_HAS_CO_AWAIT ASIO_HAS_STD_COROUTINE)
else()
  # g++ 12 reports false positives inside libstdc++ when it inlines std::string and std::optional.
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-dangling-pointer
                      -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()

if(SESHAT_SANITIZE)
  add_compile_options(-fsanitize=${SESHAT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SESHAT_SANITIZE})
endif()
if(SESHAT_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
