#include "base/time_zone.h"

#include <exception>

namespace mms {

Result<const date::time_zone*> FindZone(std::string_view name) {
  const Error unknown(ErrorKind::kInvalidInput, "CONFIG_VALUE",
                      "must name a time zone as the IANA database does, for example UTC or "
                      "Asia/Shanghai");
  // A name is a path below the tables' folder.
  if (name.empty() || name.front() == '/' || name.find("..") != std::string::npos) return unknown;
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return unknown;
  }
}

Status CheckZone(std::string_view name) {
  TRY_VOID(FindZone(name));
  return OkStatus();
}

}  // namespace mms
