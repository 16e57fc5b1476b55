#include "migration/workflow/fault_point.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>

namespace mms::migration {
namespace {

struct Fault {
  std::string point;
  std::atomic<long> left{1};

  Fault() {
    const char* text = std::getenv("MMS_FAULT");
    if (text == nullptr) return;
    point = text;
    const size_t colon = point.find(':');
    if (colon == std::string::npos) return;
    long count = 1;
    const std::string number = point.substr(colon + 1);
    std::from_chars(number.data(), number.data() + number.size(), count);
    left = count;
    point.resize(colon);
  }
};

}  // namespace

void FaultPoint(std::string_view name) {
  static Fault fault;
  if (fault.point.empty() || fault.point != name) return;
  if (--fault.left == 0) std::raise(SIGKILL);
}

}  // namespace mms::migration
