#include "migration/inspect/source_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace mms::migration {
namespace {

constexpr std::string_view kAnySchema = "*.";

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

bool NamesSchema(const std::vector<std::string>& list, std::string_view schema) {
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& entry) { return SameName(entry, schema); });
}

bool NamesTable(const std::vector<std::string>& list, std::string_view schema,
                std::string_view table) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view entry) {
    if (entry.starts_with(kAnySchema)) return SameName(entry.substr(kAnySchema.size()), table);
    const size_t dot = entry.find('.');
    if (dot == entry.npos) return SameName(entry, table);
    return SameName(entry.substr(0, dot), schema) && SameName(entry.substr(dot + 1), table);
  });
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Error BadEntry(std::string_view entry, std::string_view why) {
  return Error(ErrorKind::kInvalidInput, "CONFIG_VALUE",
               fmt::format("has the entry \"{}\", {}", entry, why));
}

/// Calls `check` for each entry and collects them.
template <class Check>
Result<std::vector<std::string>> Split(const std::vector<std::string>& texts, Check check) {
  std::vector<std::string> names;
  for (std::string_view rest : texts) {
    while (true) {
      const size_t comma = rest.find(',');
      const std::string_view name = Trimmed(rest.substr(0, comma));
      TRY_VOID(check(name));
      names.emplace_back(name);
      if (comma == rest.npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return names;
}

constexpr std::string_view kWithoutName = "which is no name; remove the comma too many";

}  // namespace

bool SourceFilter::Empty() const {
  return schema_whitelist.empty() && schema_blacklist.empty() && table_whitelist.empty() &&
         table_blacklist.empty();
}

bool SourceFilter::TakesSchema(const std::string& schema) const {
  if (SameName(schema, "information_schema")) return false;
  if (!schema_whitelist.empty() && !NamesSchema(schema_whitelist, schema)) return false;
  return !NamesSchema(schema_blacklist, schema);
}

bool SourceFilter::TakesTable(const std::string& schema, const std::string& table) const {
  if (!TakesSchema(schema)) return false;
  if (!table_whitelist.empty() && !NamesTable(table_whitelist, schema, table)) return false;
  return !NamesTable(table_blacklist, schema, table);
}

Result<std::vector<std::string>> ParseSchemaList(const std::vector<std::string>& texts) {
  return Split(texts, [](std::string_view name) -> Status {
    if (name.empty()) return BadEntry(name, kWithoutName);
    if (name.find_first_of("*?") != name.npos) {
      return BadEntry(name, "but takes exact names of schemas; patterns go to tables[].include");
    }
    if (name.find('.') != name.npos) {
      return BadEntry(name, "but takes names of schemas alone, without catalog and table");
    }
    return OkStatus();
  });
}

Result<std::vector<std::string>> ParseTableList(const std::vector<std::string>& texts) {
  return Split(texts, [](std::string_view name) -> Status {
    const std::string_view whole = name;
    if (name.starts_with(kAnySchema)) name.remove_prefix(kAnySchema.size());
    const bool any_schema = name.size() != whole.size();
    if (name.empty() || name.front() == '.' || name.back() == '.') {
      return BadEntry(whole, kWithoutName);
    }
    if (name.find_first_of("*?") != name.npos) {
      return BadEntry(whole,
                      "but takes `schema.table`, `table` or `*.table`; patterns go to "
                      "tables[].include");
    }
    const auto dots = std::count(name.begin(), name.end(), '.');
    if (dots > (any_schema ? 0 : 1)) {
      return BadEntry(whole, "but takes `schema.table` or `table`, without the catalog");
    }
    return OkStatus();
  });
}

}  // namespace mms::migration
