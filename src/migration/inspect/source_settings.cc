#include "migration/inspect/source_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/lower_ascii.h"
#include "clients/databricks/unity_catalog.h"

namespace mms::migration {
namespace {

constexpr size_t kNameMaxBytes = 255;

Error Invalid(std::string message) {
  return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE", std::move(message));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 && c > 0; }
bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}
bool IsWarehouseId(std::string_view id) {
  return id.size() == 16 && std::all_of(id.begin(), id.end(), [](char c) {
           return std::isxdigit(static_cast<unsigned char>(c)) != 0;
         });
}

/// Bytes of the Chinese character (U+4E00 to U+9FFF) that the text begins with; 0 = none.
size_t ChineseBytes(std::string_view text) {
  if (text.size() < 3) return 0;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const bool tails = (byte(1) & 0xc0) == 0x80 && (byte(2) & 0xc0) == 0x80;
  if (!tails || (byte(0) & 0xf0) != 0xe0) return 0;
  const int point = ((byte(0) & 0x0f) << 12) | ((byte(1) & 0x3f) << 6) | (byte(2) & 0x3f);
  return point >= 0x4e00 && point <= 0x9fff ? 3 : 0;
}

bool IsLoopback(std::string_view host) {
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.find(':'));
  const bool address =
      std::all_of(host.begin(), host.end(), [](char c) { return IsDigit(c) || c == '.'; });
  return host == "localhost" || (address && host.starts_with("127."));
}

/// adb-<digits>.<digits> before one of Azure Databricks' domains.
bool IsWorkspaceOf(std::string_view host, std::string_view domain) {
  host.remove_suffix(domain.size());
  const size_t dot = host.find('.');
  return host.starts_with("adb-") && dot != host.npos && AllDigits(host.substr(4, dot - 4)) &&
         AllDigits(host.substr(dot + 1));
}

Status CheckHost(std::string_view scheme, std::string_view host) {
  const bool plain = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '-' || c == '.' || c == '_' || c == '[' || c == ']' ||
           c == ':';
  });
  if (!plain) {
    return Invalid(
        "must be the address of a workspace, for example "
        "https://adb-1234567890123456.7.azuredatabricks.net");
  }
  for (const std::string_view domain : {".azuredatabricks.net", ".azuredatabricks.cn"}) {
    if (host.ends_with(domain) && !IsWorkspaceOf(host, domain)) {
      return Invalid(
          fmt::format("must name one workspace, adb-<number>.<number>{}, as in the "
                      "browser's address bar after signing in",
                      domain));
    }
    if (host.ends_with(domain) && scheme == "http") {
      return Invalid("must begin with https://: the token would go over the network in the clear");
    }
  }
  return OkStatus();
}

/// Two digits below `limit`.
std::optional<int> TwoDigits(std::string_view text, int limit) {
  if (text.size() != 2 || !AllDigits(text)) return std::nullopt;
  const int number = (text[0] - '0') * 10 + (text[1] - '0');
  return number < limit ? std::optional(number) : std::nullopt;
}

/// Minute of the day of "HH:MM".
std::optional<int> TimeOfDay(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = TwoDigits(text.substr(0, 2), 24);
  const auto minute = TwoDigits(text.substr(3), 60);
  if (!hour || !minute) return std::nullopt;
  return *hour * 60 + *minute;
}

}  // namespace

Status CheckSourceName(std::string_view name) {
  size_t at = 0;
  while (at < name.size()) {
    const size_t chinese = ChineseBytes(name.substr(at));
    if (chinese == 0 && !IsLetter(name[at]) && !IsDigit(name[at])) break;
    at += std::max<size_t>(chinese, 1);
  }
  if (!name.empty() && at == name.size() && name.size() <= kNameMaxBytes) return OkStatus();
  return Invalid(
      "must consist of letters, digits and Chinese characters, without blanks and "
      "special characters, and have at most 255 bytes");
}

Result<std::string> ParseWorkspace(std::string_view text) {
  std::string origin = databricks::WorkspaceOrigin(text);
  const size_t separator = origin.find("://");
  if (separator == origin.npos) return Invalid("is empty; give the address of a workspace");
  const std::string scheme = LowerAscii(std::string_view(origin).substr(0, separator));
  const std::string host = LowerAscii(std::string_view(origin).substr(separator + 3));
  if (host.find('@') != host.npos) {
    return Invalid(
        "must not carry a user or password before the host; the token has a key of its "
        "own");
  }
  if (scheme != "https" && scheme != "http") {
    return Invalid("must begin with https://, or with the host");
  }
  TRY_VOID(CheckHost(scheme, host));
  return scheme + "://" + host;
}

bool GoesInTheClear(std::string_view workspace) {
  constexpr std::string_view kHttp = "http://";
  return workspace.starts_with(kHttp) && !IsLoopback(workspace.substr(kHttp.size()));
}

Status CheckCatalogName(std::string_view name) {
  const auto cannot = [](char c) {
    return c == '.' || c == '/' || c == ' ' || c == ',' || static_cast<unsigned char>(c) < 0x20 ||
           c == 0x7f;
  };
  if (name.find(',') != name.npos) {
    return Invalid("must name one catalog; a second one takes a migration file of its own");
  }
  if (!name.empty() && name.size() <= kNameMaxBytes &&
      std::none_of(name.begin(), name.end(), cannot)) {
    return OkStatus();
  }
  return Invalid(
      "must be the name of one catalog: no dot, blank or slash, at most 255 bytes; a "
      "schema is chosen by tables[].include");
}

Status CheckClusterId(std::string_view id) {
  const bool form = id.size() > 12 && id[4] == '-' && id[11] == '-' && AllDigits(id.substr(0, 4)) &&
                    AllDigits(id.substr(5, 6)) &&
                    std::all_of(id.begin() + 12, id.end(),
                                [](char c) { return IsLetter(c) || IsDigit(c) || c == '-'; });
  if (form) return OkStatus();
  if (IsWarehouseId(id)) {
    return Invalid("is the id of a SQL warehouse; give it as source.warehouse");
  }
  return Invalid(
      "must be the id of a cluster, for example 0101-120000-abcdefgh: it stands in the "
      "address of the cluster's page after /clusters/, and is not its name");
}

Status CheckWarehouseId(std::string_view id) {
  if (IsWarehouseId(id)) return OkStatus();
  return Invalid(
      "must be the id of a SQL warehouse, 16 hexadecimal digits: the end of its HTTP "
      "path, and not its name");
}

Status CheckProjectName(std::string_view name) {
  const bool form = !name.empty() && name.size() <= kNameMaxBytes && IsLetter(name.front()) &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; });
  if (form) return OkStatus();
  return Invalid(
      "must be the name of a MaxCompute project: letters, digits and underscores, a "
      "letter first");
}

Result<MetaTimer> ParseMetaTimer(std::string_view type, std::string_view value) {
  const std::string word = LowerAscii(type);
  if (word == "none") {
    if (value.empty()) return MetaTimer{};
    return Invalid("is none, which takes no time; remove the time, or choose daily or hourly");
  }
  if (word == "daily") {
    const auto minute = TimeOfDay(value);
    if (!minute) return Invalid("daily takes a time HH:MM, two digits each, for example 02:30");
    return MetaTimer{MetaTimer::Type::kDaily, *minute / 60, *minute % 60};
  }
  if (word == "hourly") {
    const auto minute = TwoDigits(value, 60);
    if (!minute) return Invalid("hourly takes a minute MM, two digits, for example 05");
    return MetaTimer{MetaTimer::Type::kHourly, 0, *minute};
  }
  return Invalid("must be one of daily, hourly, none");
}

bool TimeWindow::Contains(int minute_of_day) const {
  if (from_minute == until_minute) return true;
  if (from_minute < until_minute) {
    return minute_of_day >= from_minute && minute_of_day < until_minute;
  }
  return minute_of_day >= from_minute || minute_of_day < until_minute;
}

Result<TimeWindow> ParseTimeWindow(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash != text.npos) {
    const auto from = TimeOfDay(text.substr(0, dash));
    const auto until = TimeOfDay(text.substr(dash + 1));
    if (from && until) return TimeWindow{*from, *until};
  }
  return Invalid("must be two times HH:MM-HH:MM between 00:00 and 23:59, for example 22:00-06:00");
}

}  // namespace mms::migration
