#include "terminal/yaml_map.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

namespace mms::terminal {
namespace {

std::string Place(const std::string& file, int line) {
  return line < 0 ? file : file + ", line " + std::to_string(line + 1);
}

std::string_view TypeText(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Undefined: return "nothing";
    case YAML::NodeType::Null: return "nothing";
    case YAML::NodeType::Scalar: return "a single value";
    case YAML::NodeType::Sequence: return "a list";
    case YAML::NodeType::Map: return "a mapping";
  }
  return "nothing";
}

std::string Joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::string_view word : words) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

/// Levenshtein distance with neighbours swapped counting as one slip.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, previous(b.size() + 1), current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    before = previous;
    previous = current;
  }
  return previous[b.size()];
}

}  // namespace

std::string_view NearestOf(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view nearest;
  size_t least = std::max<size_t>(2, word.size() / 2) + 1;
  for (std::string_view candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

Result<YamlMap> YamlMap::Parse(const std::string& text, const std::string& file,
                               std::vector<std::string_view> keys) {
  std::vector<YAML::Node> documents;
  try {
    documents = YAML::LoadAll(text);
  } catch (const YAML::Exception& exception) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_SYNTAX",
                 "not readable as YAML (" + exception.msg +
                     "); check indentation, quotes and brackets at this line")
        .At(Place(file, exception.mark.line));
  }
  if (documents.size() != 1) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_SYNTAX",
                 documents.empty() ? "the file is empty; see docs/cli.md for an example"
                                   : "the file holds several YAML documents; keep one")
        .At(file);
  }
  TRY(YamlMap map, Of(documents[0], file, "", std::move(keys)));
  map.text_ = std::make_shared<const std::string>(text);
  return map;
}

Result<YamlMap> YamlMap::Of(YAML::Node node, std::string file, std::string name,
                            std::vector<std::string_view> keys) {
  const std::string shown = name.empty() ? "the file" : name;
  YamlMap map;
  map.node_ = node;
  map.file_ = std::move(file);
  map.name_ = std::move(name);
  if (!node.IsMap()) {
    return Error(ErrorKind::kInvalidInput, "CONFIG_TYPE",
                 shown + " must be a mapping of " + Joined(keys) + ", not " +
                     std::string(TypeText(node)))
        .At(Place(map.file_, node.Mark().line));
  }
  std::set<std::string> seen;
  for (const auto& pair : node) {
    const std::string where = Place(map.file_, pair.first.Mark().line);
    const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : std::string();
    if (!seen.insert(key).second) {
      return Error(ErrorKind::kInvalidInput, "CONFIG_DUPLICATE_KEY",
                   map.NameOf(key) + " stands twice; keep one of them")
          .At(where);
    }
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    const std::string_view nearest = NearestOf(key, keys);
    std::string hint = nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?";
    return Error(ErrorKind::kInvalidInput, "CONFIG_UNKNOWN_KEY",
                 map.NameOf(key) + " is not a known key" + hint + " (known here: " + Joined(keys) +
                     ")")
        .At(where);
  }
  return map;
}

std::string YamlMap::NameOf(std::string_view key) const {
  if (key.empty()) return name_;
  return name_.empty() ? std::string(key) : name_ + "." + std::string(key);
}

YAML::Node YamlMap::Find(std::string_view key) const {
  for (const auto& pair : node_) {
    if (pair.first.IsScalar() && pair.first.Scalar() == key) return pair.second;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

bool YamlMap::IsWrittenNull(std::string_view key, const YAML::Node& value) const {
  // yaml-cpp keeps no text of a null; one that is absent is marked at the next token.
  const auto at = static_cast<size_t>(value.Mark().pos);
  for (const auto& pair : node_) {
    if (!pair.first.IsScalar() || pair.first.Scalar() != key) continue;
    return value.IsNull() && value.Mark().line == pair.first.Mark().line && at <= text_->size() &&
           std::string_view(*text_).substr(at).starts_with("null");
  }
  return false;
}

bool YamlMap::Has(std::string_view key) const { return Find(key).IsDefined(); }

Error YamlMap::Fail(std::string code, std::string_view key, std::string message) const {
  int line = node_.Mark().line;
  for (const auto& pair : node_) {
    // The key's line and not the value's: an empty value is marked at the next token.
    if (pair.first.IsScalar() && pair.first.Scalar() == key) line = pair.first.Mark().line;
  }
  return Error(ErrorKind::kInvalidInput, std::move(code), std::move(message))
      .At(Place(file_, line));
}

Result<std::optional<YamlMap>> YamlMap::Map(std::string_view key,
                                            std::vector<std::string_view> keys) const {
  const YAML::Node value = Find(key);
  if (!value.IsDefined()) return std::optional<YamlMap>();
  TRY(YamlMap map, Of(value, file_, NameOf(key), std::move(keys)));
  map.text_ = text_;
  return std::optional<YamlMap>(std::move(map));
}

Status YamlMap::EachMap(std::string_view key, std::vector<std::string_view> keys,
                        const std::function<Status(const YamlMap&)>& visit) const {
  const YAML::Node list = Find(key);
  if (!list.IsDefined()) return OkStatus();
  if (!list.IsSequence()) {
    return Fail("CONFIG_TYPE", key,
                NameOf(key) + " must be a list, not " + std::string(TypeText(list)));
  }
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string name = NameOf(key) + "[" + std::to_string(i) + "]";
    TRY(YamlMap map, Of(list[i], file_, name, keys));
    map.text_ = text_;
    TRY_VOID(visit(map));
  }
  return OkStatus();
}

Status YamlMap::EachNamed(
    std::string_view key, std::vector<std::string_view> keys,
    const std::function<Status(const std::string& name, const YamlMap&)>& visit) const {
  const YAML::Node maps = Find(key);
  if (!maps.IsDefined()) return OkStatus();
  if (!maps.IsMap()) {
    return Fail("CONFIG_TYPE", key,
                NameOf(key) + " must be a mapping of names, not " + std::string(TypeText(maps)));
  }
  std::set<std::string> seen;
  for (const auto& pair : maps) {
    if (!pair.first.IsScalar()) {
      return Fail("CONFIG_TYPE", key, NameOf(key) + " has a name that is no text");
    }
    const std::string& name = pair.first.Scalar();
    const std::string full = NameOf(key) + "." + name;
    if (!seen.insert(name).second) {
      return Fail("CONFIG_DUPLICATE_KEY", key, full + " stands twice; keep one of them");
    }
    TRY(YamlMap map, Of(pair.second, file_, full, keys));
    map.text_ = text_;
    TRY_VOID(visit(name, map));
  }
  return OkStatus();
}

Result<std::string> YamlMap::TextOf(const YAML::Node& value, std::string_view key) const {
  if (!value.IsScalar()) {
    const std::string has = value.IsNull() ? "is empty; give it a value or remove it"
                                           : "must be a text, not " + std::string(TypeText(value));
    return Fail("CONFIG_TYPE", key, NameOf(key) + " " + has);
  }
  if (value.Scalar().empty()) {
    return Fail("CONFIG_TYPE", key, NameOf(key) + " is empty; give it a value or remove it");
  }
  return value.Scalar();
}

Result<std::string> YamlMap::Text(std::string_view key) const {
  const YAML::Node value = Find(key);
  if (!value.IsDefined()) return std::string();
  return TextOf(value, key);
}

Result<std::string> YamlMap::RequiredText(std::string_view key) const {
  if (!Has(key)) return Fail("CONFIG_MISSING", key, NameOf(key) + " is missing; add it");
  return Text(key);
}

Result<std::vector<std::string>> YamlMap::Texts(std::string_view key) const {
  const YAML::Node value = Find(key);
  std::vector<std::string> texts;
  if (!value.IsDefined()) return texts;
  if (!value.IsSequence()) {
    TRY(std::string text, TextOf(value, key));
    texts.push_back(std::move(text));
    return texts;
  }
  for (const auto& item : value) {
    TRY(std::string text, TextOf(item, key));
    texts.push_back(std::move(text));
  }
  if (texts.empty()) {
    return Fail("CONFIG_TYPE", key,
                NameOf(key) + " is an empty list; give it a value or remove it");
  }
  return texts;
}

Result<std::map<std::string, std::string>> YamlMap::Pairs(std::string_view key) const {
  TRY(const auto ordered, OrderedPairs(key));
  return std::map<std::string, std::string>(ordered.begin(), ordered.end());
}

Result<std::vector<std::pair<std::string, std::string>>> YamlMap::OrderedPairs(
    std::string_view key) const {
  std::vector<std::pair<std::string, std::string>> pairs;
  const YAML::Node value = Find(key);
  if (!value.IsDefined()) return pairs;
  if (!value.IsMap()) {
    return Fail(
        "CONFIG_TYPE", key,
        NameOf(key) + " must be a mapping of names to texts, not " + std::string(TypeText(value)));
  }
  for (const auto& pair : value) {
    if (!pair.first.IsScalar()) {
      return Fail("CONFIG_TYPE", key, NameOf(key) + " has a name that is no text");
    }
    const std::string& name = pair.first.Scalar();
    TRY(std::string text, TextOf(pair.second, std::string(key) + "." + name));
    const bool twice = std::any_of(pairs.begin(), pairs.end(),
                                   [&](const auto& known) { return known.first == name; });
    if (twice) {
      return Fail("CONFIG_DUPLICATE_KEY", key,
                  NameOf(key) + "." + name + " stands twice; keep one of them");
    }
    pairs.emplace_back(name, std::move(text));
  }
  return pairs;
}

Result<int64_t> YamlMap::Number(std::string_view key, int64_t fallback, Limits limits) const {
  const YAML::Node value = Find(key);
  if (!value.IsDefined()) return fallback;
  const std::string wanted = NameOf(key) + " must be a whole number from " +
                             std::to_string(limits.least) + " to " + std::to_string(limits.most);
  if (!value.IsScalar()) {
    return Fail("CONFIG_TYPE", key, wanted + ", not " + std::string(TypeText(value)));
  }
  const std::string& text = value.Scalar();
  int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc::invalid_argument || parsed.ptr != text.data() + text.size()) {
    return Fail("CONFIG_TYPE", key, wanted);
  }
  if (parsed.ec != std::errc() || number < limits.least || number > limits.most) {
    return Fail("CONFIG_VALUE", key, wanted);
  }
  return number;
}

Result<size_t> YamlMap::Choice(std::string_view key, const std::vector<std::string_view>& words,
                               size_t fallback) const {
  if (!Has(key)) return fallback;
  const bool null = IsWrittenNull(key, Find(key));
  TRY(const std::string text, null ? Result<std::string>("null") : Text(key));
  const auto found = std::find(words.begin(), words.end(), text);
  if (found != words.end()) return static_cast<size_t>(found - words.begin());
  const std::string_view nearest = NearestOf(text, words);
  const std::string hint = nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?";
  return Fail("CONFIG_VALUE", key, NameOf(key) + " must be one of " + Joined(words) + hint);
}

}  // namespace mms::terminal
