// Bodies in memory, for tests: given out in small pieces, as a network does.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "base/http_server.h"

namespace mms::sandbox {

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string bytes, size_t piece = 7)
      : bytes_(std::move(bytes)), piece_(piece) {}
  Result<size_t> Read(void* buffer, size_t size) override {
    size_t n = std::min({size, piece_, bytes_.size() - at_});
    std::memcpy(buffer, bytes_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string bytes_;
  size_t piece_;
  size_t at_ = 0;
};

class MemorySink : public ByteSink {
 public:
  Status Write(const void* data, size_t size) override {
    bytes.append(static_cast<const char*>(data), size);
    return OkStatus();
  }
  std::string bytes;
};

/// "00 ff 1a" as bytes; blanks are free.
inline std::string FromHex(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (char c : hex) {
    if (c == ' ' || c == '\n' || c == '|') continue;
    int digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

}  // namespace mms::sandbox
