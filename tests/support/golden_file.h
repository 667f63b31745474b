// Golden scenarios: text files of inputs and the outputs they are to give.
//
//   # What the case shows.
//   an input line
//   ----
//   the output lines
//
// Cases are separated by a blank line; neither input nor output may hold one. Run the test with
// --rewrite (or SESHAT_REWRITE=1) to put what was got in place of what was expected; commit that
// only if you can explain the difference.
#pragma once

#include <functional>
#include <string>

namespace seshat {

// Gives each case's input lines, joined by '\n', to `run` and compares what it returns, line by
// line; a difference is a failure of the current test that names the file and line.
void RunGoldenFile(const std::string& path,
                   const std::function<std::string(const std::string& input)>& run);

// For files that are compared as a whole: `got` is to be what the file holds; a difference is a
// failure of the current test that names file and line. With --rewrite `got` becomes the file.
void ExpectGoldenText(const std::string& path, const std::string& expected, const std::string& got);

// "a\r\n" from the text `a\r\n`: understands \r \n \t \\ \" \xHH and {a*70000} for repetition.
std::string UnescapeGolden(const std::string& text);
// The reverse, on one line: printable ASCII stays, the rest becomes \r, \n, \t or \xHH; a byte
// repeated more than 32 times becomes {a*70000}.
std::string EscapeGolden(const std::string& bytes);

}  // namespace seshat
