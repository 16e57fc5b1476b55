// Checks of numbers on the command line whose own of CLI11 let others pass, or tell them by a range
// of hundreds of digits.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <string>

namespace mms::terminal {

/// An id as it is printed: from 1 on, digits alone.
inline std::string CheckId(const std::string& text) {
  int64_t id = 0;
  const char* end = text.data() + text.size();
  const auto [read, failure] = std::from_chars(text.data(), end, id);
  if (failure == std::errc() && read == end && id > 0) return "";
  return "'" + text + "' is no id: a number from 1 on, as it is listed";
}

/// A number above 0.
inline std::string CheckAboveZero(const std::string& text) {
  double number = 0;
  if (CLI::detail::lexical_cast(text, number) && number > 0) return "";
  return "'" + text + "' is not above 0";
}

/// A text that says something.
inline std::string CheckNotEmpty(const std::string& text) { return text.empty() ? "is empty" : ""; }

}  // namespace mms::terminal
