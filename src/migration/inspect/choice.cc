#include "migration/inspect/choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace mms::migration {
namespace {

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// * any run of bytes, ? any one, all else itself without case. Linear but for the last star's
/// retries.
bool MatchesGlob(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = pattern.npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || Lower(pattern[p]) == Lower(text[t]))) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool MatchesSchema(const std::string& pattern, const std::string& schema) {
  const size_t dot = pattern.find('.');
  // Every catalog has this schema of system views; it is nobody's data unless asked for by name.
  if (schema == "information_schema" && pattern.substr(0, dot) != schema) return false;
  return dot == pattern.npos || MatchesGlob(std::string_view(pattern).substr(0, dot), schema);
}

bool MatchesPattern(const std::string& pattern, const std::string& schema,
                    const std::string& table) {
  if (!MatchesSchema(pattern, schema)) return false;
  const size_t dot = pattern.find('.');
  const size_t table_at = dot == pattern.npos ? 0 : dot + 1;
  return MatchesGlob(std::string_view(pattern).substr(table_at), table);
}

Selection::Selection(const std::vector<TableChoice>& choices, const SourceFilter& filter)
    : choices_(choices), filter_(filter), found_(choices.size(), false) {}

bool Selection::WantsSchema(const std::string& schema) const {
  if (!filter_.TakesSchema(schema)) return false;
  for (const TableChoice& choice : choices_) {
    if (choice.location.empty() && MatchesSchema(choice.include, schema)) return true;
  }
  return false;
}

const TableChoice* Selection::ChoiceOf(const std::string& schema, const std::string& table) {
  if (!filter_.TakesTable(schema, table)) return nullptr;
  const TableChoice* first = nullptr;
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < choices_.size(); ++i) {
    const TableChoice& choice = choices_[i];
    if (!choice.location.empty() || !MatchesPattern(choice.include, schema, table)) continue;
    const bool excluded = std::any_of(
        choice.exclude.begin(), choice.exclude.end(),
        [&](const std::string& pattern) { return MatchesPattern(pattern, schema, table); });
    if (excluded) continue;
    found_[i] = true;
    if (first == nullptr) first = &choice;
  }
  return first;
}

Status Selection::CheckAllFound(const std::string& catalog) {
  std::string missing;
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < choices_.size(); ++i) {
    if (found_[i] || !choices_[i].location.empty()) continue;
    const TableChoice& choice = choices_[i];
    missing += fmt::format("{}\"{}\"", missing.empty() ? "" : ", ", choice.include);
    if (!choice.exclude.empty()) {
      missing += fmt::format(" without \"{}\"", fmt::join(choice.exclude, "\", \""));
    }
  }
  if (missing.empty()) return OkStatus();
  return Error(
      ErrorKind::kNotFound, "TABLES_NOT_FOUND",
      fmt::format("no table of catalog {} matches {}{}; a pattern is `schema.table` or `table`, "
                  "without the catalog, and the token's user needs USE SCHEMA and SELECT to see a "
                  "table",
                  catalog, missing,
                  filter_.Empty() ? "" : " and the white- and blacklists of the source"));
}

}  // namespace mms::migration
