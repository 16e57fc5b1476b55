// A YAML mapping read strictly: every key is known, stands once, and has the type asked for. Errors
// name the file, the line and the whole key, and the nearest known key; they never show a value,
// since a value may be a secret in the wrong place.
//
// Errors: kInvalidInput CONFIG_UNREADABLE, CONFIG_SYNTAX, CONFIG_UNKNOWN_KEY, CONFIG_DUPLICATE_KEY,
// CONFIG_TYPE, CONFIG_VALUE, CONFIG_MISSING. Not thread-safe.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mms::terminal {

/// The candidate with the least edit distance, or "" when none is near enough to be meant.
std::string_view NearestOf(std::string_view word, const std::vector<std::string_view>& candidates);

class YamlMap {
 public:
  /// A document that is one mapping. `file` is for messages.
  static Result<YamlMap> Parse(const std::string& text, const std::string& file,
                               std::vector<std::string_view> keys);

  bool Has(std::string_view key) const;
  /// The mapping below `key`; nullopt when absent.
  Result<std::optional<YamlMap>> Map(std::string_view key,
                                     std::vector<std::string_view> keys) const;
  /// Calls `visit` for each mapping of the list below `key`.
  Status EachMap(std::string_view key, std::vector<std::string_view> keys,
                 const std::function<Status(const YamlMap&)>& visit) const;
  /// Calls `visit` for each mapping of the mapping below `key`, whatever their names.
  Status EachNamed(
      std::string_view key, std::vector<std::string_view> keys,
      const std::function<Status(const std::string& name, const YamlMap&)>& visit) const;
  /// "" when absent; present but empty is an error.
  Result<std::string> Text(std::string_view key) const;
  Result<std::string> RequiredText(std::string_view key) const;
  /// A text or a list of texts; empty when absent.
  Result<std::vector<std::string>> Texts(std::string_view key) const;
  /// The names and texts of the mapping below `key`, whatever the names; empty when absent.
  Result<std::map<std::string, std::string>> Pairs(std::string_view key) const;
  /// The same in the order in which they are written.
  Result<std::vector<std::pair<std::string, std::string>>> OrderedPairs(std::string_view key) const;
  /// A whole number within the limits; `fallback` when absent.
  struct Limits {
    int64_t least;
    int64_t most;
  };
  Result<int64_t> Number(std::string_view key, int64_t fallback, Limits limits) const;
  /// One of `words`; its index. `fallback` when absent. A plain null counts as the word "null", a
  /// missing value does not.
  Result<size_t> Choice(std::string_view key, const std::vector<std::string_view>& words,
                        size_t fallback) const;

  /// "source.token": the key as people would search for it; this mapping's own when `key` is empty.
  std::string NameOf(std::string_view key) const;
  /// An error at the line of `key`, or of this mapping when `key` is absent or empty.
  Error Fail(std::string code, std::string_view key, std::string message) const;

 private:
  static Result<YamlMap> Of(YAML::Node node, std::string file, std::string name,
                            std::vector<std::string_view> keys);
  YamlMap() = default;
  YAML::Node Find(std::string_view key) const;
  bool IsWrittenNull(std::string_view key, const YAML::Node& value) const;
  Result<std::string> TextOf(const YAML::Node& value, std::string_view key) const;

  std::shared_ptr<const std::string> text_;  ///< of the document
  YAML::Node node_;
  std::string file_;
  std::string name_;
};

}  // namespace mms::terminal
