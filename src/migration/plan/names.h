// Names at the target. MaxCompute takes letters, digits and underscores (columns also Chinese), at
// most 128 bytes, and compares without case; so names are lower-cased and anything else is refused
// by name, unless the user's character map says what it becomes: a name is never changed silently.
// Pure; thread-safe.
//
// Source of the rules: MaxCompute help, "Limits on MaxCompute SQL" (table and column names).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "migration/plan/policy.h"

namespace mms::migration {

inline constexpr size_t kNameMaxBytes = 128;

/// The text after each pair of the map has replaced what it names.
std::string MapCharacters(std::string_view text, const CharacterMap& map);

/// Errors: kUnsupported NAME_INVALID listing the characters that cannot stay and what to do.
Result<std::string> MakeTableName(std::string_view source_name, const CharacterMap& map);
/// Of the destination schema that stands for a source schema. Errors: likewise.
Result<std::string> MakeSchemaName(std::string_view source_name, const CharacterMap& map);
/// A column or a field of a struct.
struct ColumnNaming {
  std::string_view path;  ///< where it is ("address.zip code"), for errors
  const CharacterMap& map;
};
Result<std::string> MakeColumnName(std::string_view source_name, const ColumnNaming& naming);

/// The names of one table, or of one struct: no two may become the same.
class NameSet {
 public:
  /// Errors: kConflict NAME_COLLISION naming both source paths.
  Status Add(const std::string& target_name, const std::string& source_path);

 private:
  std::unordered_map<std::string, std::string> source_by_target_;
};

}  // namespace mms::migration
