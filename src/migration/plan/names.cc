#include "migration/plan/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <vector>

#include "base/lower_ascii.h"

namespace mms::migration {
namespace {

// The block of unified Chinese characters.
constexpr uint32_t kChineseFirst = 0x4E00;
constexpr uint32_t kChineseLast = 0x9FFF;
constexpr uint32_t kNotUtf8 = 0xFFFFFFFF;

struct Character {
  std::string_view bytes;
  uint32_t code_point = kNotUtf8;
};

/// The first character of `text`, or its first byte alone where that is no UTF-8.
Character FirstCharacter(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {text.substr(0, 1), lead};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {text.substr(0, 1), kNotUtf8};
  uint32_t code_point = lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {text.substr(0, 1), kNotUtf8};
    code_point = (code_point << 6) | (next & 0x3FU);
  }
  return {text.substr(0, length), code_point};
}

bool IsPlain(uint32_t code_point) {
  return code_point < 0x80 &&
         (std::isalnum(static_cast<int>(code_point)) != 0 || code_point == '_');
}

std::string Shown(const Character& character) {
  const uint32_t code_point = character.code_point;
  if (code_point == ' ') return "blank";
  if (code_point == kNotUtf8) {
    return fmt::format("byte 0x{:02X}", static_cast<unsigned char>(character.bytes[0]));
  }
  if (code_point < 0x20 || code_point == 0x7F) return fmt::format("U+{:04X}", code_point);
  return fmt::format("'{}'", character.bytes);
}

/// Each character that may not stay, once, in the order met.
std::vector<std::string> BadCharacters(std::string_view name, bool chinese) {
  std::vector<std::string> bad;
  while (!name.empty()) {
    const Character character = FirstCharacter(name);
    name.remove_prefix(character.bytes.size());
    const uint32_t code_point = character.code_point;
    if (IsPlain(code_point)) continue;
    if (chinese && code_point >= kChineseFirst && code_point <= kChineseLast) continue;
    std::string shown = Shown(character);
    if (std::find(bad.begin(), bad.end(), shown) == bad.end()) bad.push_back(std::move(shown));
  }
  return bad;
}

Error Invalid(std::string message) {
  return Error(ErrorKind::kUnsupported, "NAME_INVALID", std::move(message));
}

struct ObjectNaming {
  std::string_view kind;
  std::string_view remedy;
};

Result<std::string> MakeObjectName(std::string_view name_at_source, const CharacterMap& map,
                                   const ObjectNaming& naming) {
  const auto& [kind, remedy] = naming;
  if (name_at_source.empty()) {
    return Invalid(fmt::format("the {}'s name is empty; {}", kind, remedy));
  }
  const std::string name = MapCharacters(name_at_source, map);
  const std::vector<std::string> bad = BadCharacters(name, false);
  if (!bad.empty()) {
    return Invalid(
        fmt::format("{} name \"{}\" has characters that MaxCompute does not take: {}; {}", kind,
                    name, fmt::join(bad, " "), remedy));
  }
  if (std::isalpha(static_cast<unsigned char>(name[0])) == 0) {
    return Invalid(
        fmt::format("{} name \"{}\" does not start with a letter, as MaxCompute needs; {}", kind,
                    name, remedy));
  }
  if (name.size() > kNameMaxBytes) {
    return Invalid(fmt::format("{} name \"{}\" has {} bytes, MaxCompute takes {}; {}", kind, name,
                               name.size(), kNameMaxBytes, remedy));
  }
  return LowerAscii(name);
}

}  // namespace

std::string MapCharacters(std::string_view text, const CharacterMap& map) {
  std::string out(text);
  for (const auto& [from, to] : map) {
    CHECK(!from.empty());
    for (size_t at = out.find(from); at != out.npos; at = out.find(from, at + to.size())) {
      out.replace(at, from.size(), to);
    }
  }
  return out;
}

Result<std::string> MakeTableName(std::string_view source_name, const CharacterMap& map) {
  return MakeObjectName(
      source_name, map,
      {"table",
       "rename the table at the source, say what the character becomes (policy.table_name_map, of "
       "a data source table.name.mapping), or give it a valid name (by its location with `as:`, of "
       "a job by --as TABLE=NAME)"});
}

Result<std::string> MakeSchemaName(std::string_view source_name, const CharacterMap& map) {
  return MakeObjectName(source_name, map,
                        {"schema",
                         "say what the character becomes (table.name.mapping of the data source), "
                         "or where its tables go (--target-schema, or mms source map)"});
}

Result<std::string> MakeColumnName(std::string_view name_at_source, const ColumnNaming& naming) {
  constexpr std::string_view kRemedy =
      "say what the character becomes (policy.column_name_map, of a data source "
      "column.name.mapping), rename it at the source (ALTER TABLE ... RENAME COLUMN), or leave the "
      "table out (`exclude`, of a job --but)";
  const std::string_view path = naming.path;
  if (name_at_source.empty()) {
    return Invalid(fmt::format("column \"{}\" has an empty name; {}", path, kRemedy));
  }
  const std::string source_name = MapCharacters(name_at_source, naming.map);
  const std::vector<std::string> bad = BadCharacters(source_name, true);
  if (!bad.empty()) {
    return Invalid(fmt::format("column \"{}\" has characters that MaxCompute does not take: {}; {}",
                               path, fmt::join(bad, " "), kRemedy));
  }
  if (source_name.size() > kNameMaxBytes) {
    return Invalid(fmt::format("the name of column \"{}\" has {} bytes, MaxCompute takes {}; {}",
                               path, source_name.size(), kNameMaxBytes, kRemedy));
  }
  return LowerAscii(source_name);
}

Status NameSet::Add(const std::string& target_name, const std::string& source_path) {
  const auto [found, added] = source_by_target_.emplace(target_name, source_path);
  if (added) return OkStatus();
  return Error(
      ErrorKind::kConflict, "NAME_COLLISION",
      fmt::format("columns \"{}\" and \"{}\" both become \"{}\" at the target, where names have "
                  "no case; rename one at the source",
                  found->second, source_path, target_name));
}

}  // namespace mms::migration
