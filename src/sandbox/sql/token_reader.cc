#include "sandbox/sql/token_reader.h"

#include <charconv>

namespace mms::sandbox::sql {

namespace {
constexpr int kDepthMax = 150;
constexpr int kLinksMax = 250;
}  // namespace

bool TokenReader::IsNext(std::initializer_list<std::string_view> words) const {
  size_t ahead = 0;
  for (std::string_view word : words) {
    const Token& token = Peek(ahead++);
    bool plain = token.kind == TokenKind::kWord || token.kind == TokenKind::kSymbol;
    if (!plain || token.upper != word) return false;
  }
  return true;
}

bool TokenReader::Accept(std::initializer_list<std::string_view> words) {
  if (!IsNext(words)) return false;
  at_ += words.size();
  return true;
}

Status TokenReader::Expect(std::string_view word) {
  if (!Accept({word})) return Unexpected("'" + std::string(word) + "'");
  return OkStatus();
}

Status TokenReader::ExpectEnd() {
  if (!AtEnd()) return Unexpected("the end of the statement");
  return OkStatus();
}

Result<std::string> TokenReader::Name() {
  const Token& token = Peek();
  if (token.kind != TokenKind::kWord && token.kind != TokenKind::kQuoted) {
    return Unexpected("a name");
  }
  return LowerName(Take().text);
}

Result<QualifiedName> TokenReader::Qualified() {
  QualifiedName name;
  name.line = Peek().line;
  name.column = Peek().column;
  do {
    TRY(std::string part, Name());
    name.parts.push_back(std::move(part));
  } while (name.parts.size() < 3 && Accept({"."}));
  return name;
}

Result<std::string> TokenReader::String() {
  if (Peek().kind != TokenKind::kString) return Unexpected("a string");
  return Take().text;
}

Result<int> TokenReader::Integer() {
  const Token& token = Peek();
  int value = 0;
  const char* end = token.text.data() + token.text.size();
  auto parsed = std::from_chars(token.text.data(), end, value);
  if (token.kind != TokenKind::kNumber || parsed.ec != std::errc() || parsed.ptr != end) {
    return Unexpected("an integer");
  }
  Take();
  return value;
}

Status TokenReader::Enter() {
  if (++depth_ > kDepthMax) return Unexpected("less nesting");
  return OkStatus();
}

Status TokenReader::Extend(int* links) const {
  if (++*links > kLinksMax) return Unexpected("a shorter chain");
  return OkStatus();
}

Result<ColumnType> TokenReader::SizedType(TypeId id) {
  ColumnType type;
  type.id = id;
  if (id == TypeId::kDecimal) {
    type.precision = 38;
    type.scale = 18;
    if (!Accept({"("})) return type;
    TRY(type.precision, Integer());
    type.scale = 0;
    if (Accept({","})) {
      TRY(type.scale, Integer());
    }
  } else {
    TRY_VOID(Expect("("));
    TRY(type.length, Integer());
  }
  TRY_VOID(Expect(")"));
  return type;
}

Result<ColumnType> TokenReader::NestedType(std::string_view word) {
  ColumnType type;
  TRY_VOID(Expect("<"));
  if (word == "ARRAY") {
    type.id = TypeId::kArray;
    TRY(ColumnType element, Type());
    type.children.push_back(std::move(element));
  } else if (word == "MAP") {
    type.id = TypeId::kMap;
    TRY(ColumnType key, Type());
    TRY_VOID(Expect(","));
    TRY(ColumnType value, Type());
    type.children = {std::move(key), std::move(value)};
  } else {
    type.id = TypeId::kStruct;
    do {
      TRY(std::string field, Name());
      TRY_VOID(Expect(":"));
      TRY(ColumnType child, Type());
      type.field_names.push_back(std::move(field));
      type.children.push_back(std::move(child));
    } while (Accept({","}));
  }
  TRY_VOID(Expect(">"));
  return type;
}

Result<ColumnType> TokenReader::Type() {
  TRY_VOID(Enter());
  DepthGuard guard(this);
  const Token token = Peek();
  if (token.kind != TokenKind::kWord) return Unexpected("a type");
  Take();
  const std::string& word = token.upper;
  if (word == "DECIMAL") return SizedType(TypeId::kDecimal);
  if (word == "CHAR") return SizedType(TypeId::kChar);
  if (word == "VARCHAR") return SizedType(TypeId::kVarchar);
  if (word == "ARRAY" || word == "MAP" || word == "STRUCT") return NestedType(word);
  auto plain = FindPlainType(word);
  if (!plain) return ParseErrorAt(token, "a type");
  ColumnType type;
  type.id = *plain;
  return type;
}

}  // namespace mms::sandbox::sql
