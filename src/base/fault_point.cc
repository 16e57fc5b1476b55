#include "base/fault_point.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <list>
#include <string>

namespace mms {
namespace {

constexpr const char* kVariable = "MMS_FAULT";

struct Fault {
  std::string point;
  std::atomic<long> left{1};
};

/// "<point>[:n],..." taken apart.
std::list<Fault> ReadFaults() {
  std::list<Fault> faults;
  const char* text = std::getenv(kVariable);
  std::string_view rest = text == nullptr ? "" : text;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    const size_t colon = one.find(':');
    Fault& fault = faults.emplace_back();
    fault.point = one.substr(0, colon);
    if (colon == std::string_view::npos) continue;
    long count = 1;
    std::from_chars(one.data() + colon + 1, one.data() + one.size(), count);
    fault.left = count;
  }
  return faults;
}

bool IsAt(const Fault& fault, std::string_view moment, std::string_view step) {
  const std::string_view point = fault.point;
  return point.size() == moment.size() + 1 + step.size() && point.starts_with(moment) &&
         point.ends_with(step);
}

}  // namespace

std::string_view MomentName(Moment moment) {
  switch (moment) {
    case Moment::kBefore: return "before";
    case Moment::kDuring: return "during";
    case Moment::kAfter: return "after";
  }
  return "";
}

void FaultPoint(Moment moment, std::string_view step) {
  static std::list<Fault> faults = ReadFaults();
  for (Fault& fault : faults) {
    if (IsAt(fault, MomentName(moment), step) && --fault.left == 0) std::raise(SIGKILL);
  }
}

void IgnoreFaultPoints() { unsetenv(kVariable); }

}  // namespace mms
