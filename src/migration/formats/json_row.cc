#include "migration/formats/json_row.h"

#include <arrow/builder.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <vector>

#include "migration/formats/text_value.h"

namespace mms::migration {
namespace {

using Json = nlohmann::json;

/// A builder and what lies in it.
struct Node {
  std::string name;  ///< for messages
  arrow::ArrayBuilder* builder = nullptr;
  std::vector<Node> children;  ///< a struct's fields; a list's element; a map's key and value
  std::unordered_map<std::string, size_t> by_name;  ///< of a struct
  std::vector<char> seen;                           ///< of a struct: fields of the object at hand
  size_t current = 0;                               ///< child that takes the next value
};

Node MakeNode(std::string name, arrow::ArrayBuilder* builder) {
  Node node{std::move(name), builder, {}, {}, {}, 0};
  switch (builder->type()->id()) {
    case arrow::Type::STRUCT: {
      auto* fields = static_cast<arrow::StructBuilder*>(builder);
      for (int i = 0; i < fields->num_fields(); ++i) {
        const std::string& field = builder->type()->field(i)->name();
        node.by_name.emplace(field, node.children.size());
        node.children.push_back(MakeNode(node.name.empty() ? field : node.name + "." + field,
                                         fields->field_builder(i)));
      }
      node.seen.resize(node.children.size());
      break;
    }
    case arrow::Type::LIST:
      node.children.push_back(MakeNode(node.name + ".element",
                                       static_cast<arrow::ListBuilder*>(builder)->value_builder()));
      break;
    case arrow::Type::MAP: {
      auto* map = static_cast<arrow::MapBuilder*>(builder);
      node.children.push_back(MakeNode(node.name + ".key", map->key_builder()));
      node.children.push_back(MakeNode(node.name + ".value", map->item_builder()));
      node.current = 1;
      break;
    }
    default: break;
  }
  return node;
}

bool Appended(const arrow::Status& status) {
  CHECK(status.ok());  // out of memory
  return true;
}

}  // namespace

/// What the parser calls; false ends the parse.
class JsonRow::Sink : public Json::json_sax_t {
 public:
  Sink(const TextFormats& formats, arrow::StructBuilder* rows)
      : formats_(formats), root_(MakeNode("", rows)) {}

  void Begin() {
    open_.clear();
    skipped_ = 0;
    skip_next_ = false;
    ended_ = false;
    outcome_ = Outcome::kRow;
  }
  Outcome outcome() const { return outcome_; }
  const std::string& problem() const { return problem_; }

  bool null() override {
    if (Skips()) return true;
    Node* node = Target("NULL");
    return node && Appended(node->builder->AppendNull());
  }
  bool boolean(bool value) override {
    if (Skips()) return true;
    Node* node = Target("a boolean");
    if (!node) return false;
    const auto type = node->builder->type()->id();
    const bool takes = type == arrow::Type::BOOL || type == arrow::Type::STRING;
    return (takes && AppendText(value ? "true" : "false", formats_, node->builder)) ||
           NoValue(*node);
  }
  bool number_integer(number_integer_t value) override { return Integer(value); }
  bool number_unsigned(number_unsigned_t value) override { return Integer(value); }
  bool number_float(number_float_t, const string_t& text) override {
    if (Skips()) return true;
    Node* node = Target("a number");
    if (!node) return false;
    switch (node->builder->type()->id()) {
      case arrow::Type::FLOAT:
      case arrow::Type::DOUBLE:
      case arrow::Type::DECIMAL128:
        return AppendText(text, formats_, node->builder) || NoValue(*node);
      default: return NoValue(*node);
    }
  }
  bool string(string_t& text) override {
    if (Skips()) return true;
    Node* node = Target("a text");
    return node && (AppendString(text, node->builder) || NoValue(*node));
  }
  bool binary(binary_t&) override { return false; }  // not of JSON text

  bool start_object(size_t) override {
    if (SkipsDeeper()) return true;
    if (open_.empty()) {
      if (ended_) return Malformed("more than one value stands in the line");
      return Open(&root_);
    }
    Node* node = Target("an object");
    return node && Open(node);
  }
  bool key(string_t& name) override {
    if (skipped_ > 0) return true;
    Node& node = *open_.back();
    if (node.builder->type()->id() == arrow::Type::MAP) {
      return AppendString(name, node.children[0].builder);
    }
    const auto found = node.by_name.find(name);
    skip_next_ = found == node.by_name.end();
    if (skip_next_) return true;
    node.current = found->second;
    if (node.seen[node.current] != 0) return Malformed("it has the key " + name + " twice");
    node.seen[node.current] = 1;
    return true;
  }
  bool end_object() override {
    if (LeavesSkipped()) return true;
    Node& node = *open_.back();
    for (size_t i = 0; i < node.seen.size(); ++i) {
      if (node.seen[i] == 0) Appended(node.children[i].builder->AppendNull());
    }
    return Close();
  }
  bool start_array(size_t) override {
    if (SkipsDeeper()) return true;
    Node* node = Target("an array");
    if (!node) return false;
    if (node->builder->type()->id() != arrow::Type::LIST) return NoValue(*node);
    open_.push_back(node);
    return Appended(static_cast<arrow::ListBuilder*>(node->builder)->Append());
  }
  bool end_array() override { return LeavesSkipped() || Close(); }
  bool parse_error(size_t, const std::string&, const Json::exception&) override {
    return Malformed("it is not one JSON object");
  }

 private:
  bool Malformed(std::string why) {
    if (outcome_ == Outcome::kRow) problem_ = std::move(why);
    outcome_ = Outcome::kMalformed;
    return false;
  }
  bool NoValue(const Node& node) {
    problem_ = fmt::format("the value of column {} cannot be read as {}", node.name,
                           node.builder->type()->ToString());
    outcome_ = Outcome::kNoValue;
    return false;
  }
  /// Where the next value goes; null = it has no place.
  Node* Target(std::string_view what) {
    if (open_.empty()) {
      Malformed(fmt::format("it is {} and not an object", what));
      return nullptr;
    }
    Node& node = *open_.back();
    return &node.children[node.current];
  }
  bool Open(Node* node) {
    switch (node->builder->type()->id()) {
      case arrow::Type::STRUCT:
        node->seen.assign(node->seen.size(), 0);
        open_.push_back(node);
        return Appended(static_cast<arrow::StructBuilder*>(node->builder)->Append());
      case arrow::Type::MAP:
        open_.push_back(node);
        return Appended(static_cast<arrow::MapBuilder*>(node->builder)->Append());
      default: return NoValue(*node);
    }
  }
  bool Close() {
    open_.pop_back();
    ended_ = open_.empty();
    return true;
  }
  /// A value of a key that the table does not know.
  bool Skips() {
    if (skipped_ > 0) return true;
    return std::exchange(skip_next_, false);
  }
  bool SkipsDeeper() {
    if (!Skips()) return false;
    ++skipped_;
    return true;
  }
  bool LeavesSkipped() {
    if (skipped_ == 0) return false;
    --skipped_;
    return true;
  }

  template <class Number>
  bool Integer(Number value) {
    if (Skips()) return true;
    Node* node = Target("a number");
    if (!node) return false;
    const std::string text = std::to_string(value);
    switch (node->builder->type()->id()) {
      case arrow::Type::INT8:
      case arrow::Type::INT16:
      case arrow::Type::INT32:
      case arrow::Type::INT64:
      case arrow::Type::FLOAT:
      case arrow::Type::DOUBLE:
      case arrow::Type::DECIMAL128:
      case arrow::Type::STRING: return AppendText(text, formats_, node->builder) || NoValue(*node);
      default: return NoValue(*node);
    }
  }
  bool AppendString(const std::string& text, arrow::ArrayBuilder* builder) const {
    switch (builder->type()->id()) {
      case arrow::Type::STRING:
      case arrow::Type::DATE32:
      case arrow::Type::TIMESTAMP:
      case arrow::Type::DECIMAL128: return AppendText(text, formats_, builder);
      case arrow::Type::FLOAT:
      case arrow::Type::DOUBLE: {
        // Numbers are no texts, but for those that JSON has no word for.
        if (text == "NaN" || text == "Infinity" || text == "-Infinity") {
          return AppendText(text, formats_, builder);
        }
        if (text == "+INF" || text == "+Infinity") return AppendText("Infinity", formats_, builder);
        return text == "-INF" && AppendText("-Infinity", formats_, builder);
      }
      default: return false;
    }
  }

  const TextFormats& formats_;
  Node root_;
  std::vector<Node*> open_;  ///< from the row to the object or array at hand
  int64_t skipped_ = 0;      ///< objects and arrays open within a value that is not wanted
  bool skip_next_ = false;   ///< the next value is not wanted
  bool ended_ = false;
  Outcome outcome_ = Outcome::kRow;
  std::string problem_;
};

JsonRow::JsonRow(const TextFormats& formats, arrow::StructBuilder* rows)
    : sink_(std::make_unique<Sink>(formats, rows)) {}
JsonRow::~JsonRow() = default;
const std::string& JsonRow::problem() const { return sink_->problem(); }

JsonRow::Outcome JsonRow::Append(std::string_view line) {
  sink_->Begin();
  const bool parsed = Json::sax_parse(line.begin(), line.end(), sink_.get());
  CHECK(parsed || sink_->outcome() != Outcome::kRow);
  return sink_->outcome();
}

Status CheckJsonType(const arrow::Field& field) {
  const arrow::DataType& type = *field.type();
  switch (type.id()) {
    case arrow::Type::STRUCT:
    case arrow::Type::LIST:
      for (const auto& inner : type.fields()) TRY_VOID(CheckJsonType(*inner));
      return OkStatus();
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      if (map.key_type()->id() == arrow::Type::STRING) return CheckJsonType(*map.item_field());
      return CheckTextType(field);
    }
    default: return CheckTextType(field);
  }
}

}  // namespace mms::migration
