#include "clients/azure/sas.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "base/http_client.h"

namespace mms::azure {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n\"'");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\"'") - first + 1);
}

/// Value of a query parameter, decoded; nullopt when absent.
std::optional<std::string> Parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == name) {
      return UrlDecode(pair.substr(equals + 1));
    }
    query.remove_prefix(end == query.npos ? query.size() : end + 1);
  }
  return std::nullopt;
}

/// Reads exactly `width` digits and drops them from `text`.
std::optional<int> TakeNumber(std::string_view* text, size_t width) {
  int number = 0;
  if (text->size() < width) return std::nullopt;
  const char* end = text->data() + width;
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stop != end || number < 0) return std::nullopt;
  text->remove_prefix(width);
  return number;
}

bool TakeChar(std::string_view* text, char expected) {
  if (!text->starts_with(expected)) return false;
  text->remove_prefix(1);
  return true;
}

bool HasAll(std::string_view letters, std::string_view wanted) {
  return wanted.find_first_not_of(letters) == wanted.npos;
}

/// What the text withholds for certain; a right that a stored policy may give is not missed.
Status CheckRights(const SasFacts& facts) {
  std::string lack;
  if (!facts.rights.empty() && !HasAll(facts.rights, "rl")) {
    lack = fmt::format("the rights \"{}\"; make one with read and list (sp=rl)", facts.rights);
  } else if (!facts.services.empty() && !HasAll(facts.services, "b")) {
    lack = fmt::format("the services \"{}\"; make one for blobs (ss=b)", facts.services);
  } else if (!facts.resource_types.empty() && !HasAll(facts.resource_types, "co")) {
    lack = fmt::format("the resource types \"{}\"; make one for containers and objects (srt=co)",
                       facts.resource_types);
  } else if (facts.resource == "b") {
    lack =
        "one blob as its resource; make one for the container or the table's folder (sr=c, sr=d)";
  }
  if (lack.empty()) return OkStatus();
  return Error(ErrorKind::kDenied, "STORAGE_SAS_RIGHTS", "the SAS has " + lack);
}

}  // namespace

std::optional<int64_t> ParseUtcMs(std::string_view text) {
  using std::chrono::milliseconds;
  const auto year = TakeNumber(&text, 4);
  if (!year || !TakeChar(&text, '-')) return std::nullopt;
  const auto month = TakeNumber(&text, 2);
  if (!month || !TakeChar(&text, '-')) return std::nullopt;
  const auto day = TakeNumber(&text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const auto midnight = std::chrono::sys_days(date).time_since_epoch();
  int64_t ms = std::chrono::duration_cast<milliseconds>(midnight).count();
  if (text.empty()) return ms;

  if (!TakeChar(&text, 'T')) return std::nullopt;
  const auto hour = TakeNumber(&text, 2);
  if (!hour || !TakeChar(&text, ':')) return std::nullopt;
  const auto minute = TakeNumber(&text, 2);
  if (!minute) return std::nullopt;
  int second = 0;
  if (TakeChar(&text, ':')) {
    const auto read = TakeNumber(&text, 2);
    if (!read) return std::nullopt;
    second = *read;
    if (TakeChar(&text, '.')) {  // fractions only make it later by less than a second
      while (!text.empty() && text.front() >= '0' && text.front() <= '9') text.remove_prefix(1);
    }
  }
  if (text != "Z" || *hour > 23 || *minute > 59 || second > 60) return std::nullopt;
  ms += (int64_t{*hour} * 3600 + *minute * 60 + second) * 1000;
  return ms;
}

Result<Sas> ParseSas(const Secret& text) {
  std::string_view token = Trim(text.Reveal());
  const size_t question = token.find('?');
  if (question != token.npos) token.remove_prefix(question + 1);
  if (token.empty()) {
    return Error(
        ErrorKind::kInvalidInput, "STORAGE_SAS_MISSING",
        "storage.sas is not set; give a SAS with read and list rights as env:NAME or file:PATH");
  }
  const bool has_blank = token.find_first_of(" \t\r\n") != token.npos;
  if (!Parameter(token, "sig") || has_blank) {
    return Error(
        ErrorKind::kInvalidInput, "STORAGE_SAS_INVALID",
        "storage.sas is not a SAS: a text of the form sv=...&se=...&sp=rl&sig=... is expected; "
        "copy the whole SAS token, not the account key or the signature alone");
  }
  Sas sas;
  sas.facts = ReadSasFacts(token);
  TRY_VOID(CheckRights(sas.facts));
  sas.token = Secret(std::string(token));
  return sas;
}

SasFacts ReadSasFacts(std::string_view query) {
  const auto text = [&](std::string_view name) { return Parameter(query, name).value_or(""); };
  SasFacts facts;
  facts.services = text("ss");
  facts.resource_types = text("srt");
  if (!facts.resource_types.empty()) {
    facts.kind = SasFacts::Kind::kAccount;
  } else if (Parameter(query, "skoid")) {
    facts.kind = SasFacts::Kind::kUserDelegation;
  }
  facts.starts_ms = ParseUtcMs(text("st"));
  facts.expires_text = text("se");
  facts.expires_ms = ParseUtcMs(facts.expires_text);
  facts.rights = text("sp");
  facts.resource = text("sr");
  facts.protocol = text("spr");
  facts.addresses = text("sip");
  facts.policy = text("si");
  return facts;
}

Status CheckNotExpired(const Sas& sas, int64_t now_ms) {
  if (!sas.facts.expires_ms || *sas.facts.expires_ms > now_ms) return OkStatus();
  return Error(ErrorKind::kDenied, "STORAGE_SAS_EXPIRED",
               fmt::format("the SAS expired at {}; make a new one with read and list rights",
                           sas.facts.expires_text));
}

}  // namespace mms::azure
