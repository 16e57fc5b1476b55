#include "service/job_window.h"

#include "service/next_match.h"
#include "service/source_config.h"

namespace mms::service {

Result<std::string> WhyWindowWaits(const DataSource& source, int64_t now_ms) {
  TRY(const ZonedTimer timer, TimerOf(source.config));  // for its zone
  TRY(const migration::TimeWindow window, WindowOf(source.config));
  TRY(const int minute, MinuteOfDay(timer.zone, now_ms));
  if (window.Contains(minute)) return std::string();
  return "outside of the window of data source " + source.name + ", " +
         source.config.Get("task.window") + " " + timer.zone;
}

}  // namespace mms::service
