// Lower case of ASCII letters, other bytes as they are: for names that are compared without case.
#pragma once

#include <string>
#include <string_view>

namespace mms {

inline std::string LowerAscii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace mms
