#include "migration/plan/partition_expression.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/lower_ascii.h"
#include "migration/plan/names.h"

namespace mms::migration {

/// A condition on one column, or several conditions of which all or any must hold.
struct PartitionExpression::Node {
  enum class Kind { kCompare, kAnd, kOr };
  enum class Op { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
  struct Value {
    std::string text;
    std::optional<int64_t> number;
  };

  Kind kind = Kind::kCompare;
  size_t column = 0;
  Op op = Op::kEqual;
  std::vector<Value> values;  ///< any of them; several only with kEqual
  std::vector<Node> parts;    ///< of kAnd, kOr
};

namespace {

using Node = PartitionExpression::Node;

constexpr int kDepthMax = 100;

Error Invalid(std::string why) {
  return Error(ErrorKind::kInvalidInput, "PARTITION_FILTER", std::move(why));
}

std::optional<int64_t> ReadNumber(std::string_view text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end && !text.empty() ? std::optional(number)
                                                              : std::nullopt;
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

struct Token {
  enum class Kind { kEnd, kName, kQuotedName, kString, kNumber, kSymbol };
  Kind kind = Kind::kEnd;
  std::string text;  ///< without quotes
  size_t at = 0;     ///< byte in the expression
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<Token> Next() {
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
    const size_t start = at_;
    if (at_ == text_.size()) return Token{Token::Kind::kEnd, "", start};
    const char c = text_[at_];
    if (c == '\'' || c == '"') return Quoted(Token::Kind::kString);
    if (c == '`') return Quoted(Token::Kind::kQuotedName);
    if (IsNameStart(c)) {
      while (at_ < text_.size() && (IsNameStart(text_[at_]) || IsDigit(text_[at_]))) ++at_;
      return Cut(Token::Kind::kName, start);
    }
    if (IsDigit(c) || c == '-') {
      ++at_;
      while (at_ < text_.size() && IsDigit(text_[at_])) ++at_;
      return Cut(Token::Kind::kNumber, start);
    }
    for (const std::string_view symbol : {"<=", ">=", "<>", "<", ">", "=", "(", ")", ","}) {
      if (!text_.substr(at_).starts_with(symbol)) continue;
      at_ += symbol.size();
      return Cut(Token::Kind::kSymbol, start);
    }
    return Invalid(
        fmt::format("at character {}: \"{}\" begins nothing that is known here", start + 1, c));
  }

 private:
  Token Cut(Token::Kind kind, size_t start) const {
    return {kind, std::string(text_.substr(start, at_ - start)), start};
  }

  Result<Token> Quoted(Token::Kind kind) {
    const size_t start = at_;
    const char quote = text_[at_++];
    Token token{kind, "", start};
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        if (at_ + 1 == text_.size() || text_[at_ + 1] != quote) {
          ++at_;
          return token;
        }
        ++at_;
      }
      token.text += text_[at_];
    }
    return Invalid(
        fmt::format("at character {}: the quote that begins here has no end", start + 1));
  }

  std::string_view text_;
  size_t at_ = 0;
};

class Parser {
 public:
  Parser(std::string_view text, const std::vector<PartitionExpression::Column>& columns)
      : lexer_(text), text_(text), columns_(columns) {}

  Result<Node> Run() {
    TRY_VOID(Step());
    TRY(Node node, ParseOr(0));
    if (token_.kind != Token::Kind::kEnd) return Unexpected("AND, OR or the end");
    return node;
  }

  std::vector<std::string> TakeWarnings() { return std::move(warnings_); }

 private:
  Status Step() {
    TRY(token_, lexer_.Next());
    return OkStatus();
  }

  Error Unexpected(std::string_view wanted) const {
    const bool end = token_.kind == Token::Kind::kEnd;
    return Invalid(fmt::format("at character {}: {} is expected, not {}", token_.at + 1, wanted,
                               end ? "the end" : fmt::format("\"{}\"", token_.text)));
  }

  bool AtSymbol(std::string_view symbol) const {
    return token_.kind == Token::Kind::kSymbol && token_.text == symbol;
  }
  bool AtKeyword(std::string_view lower) const {
    return token_.kind == Token::Kind::kName && LowerAscii(token_.text) == lower;
  }

  Result<Node> ParseOr(int depth) {
    if (depth > kDepthMax) {
      return Invalid(fmt::format("more than {} parentheses lie in one another", kDepthMax));
    }
    TRY(Node first, ParseAnd(depth));
    if (!AtKeyword("or")) return first;
    Node any{Node::Kind::kOr, 0, {}, {}, {}};
    any.parts.push_back(std::move(first));
    while (AtKeyword("or")) {
      TRY_VOID(Step());
      const size_t from = token_.at;
      TRY(Node next, ParseAnd(depth));
      // Read from left to right without precedence, `a OR b AND c` would be `(a OR b) AND c`.
      if (last_and_open_) {
        warnings_.push_back(fmt::format(
            "\"{}\" is taken together, since AND binds tighter than OR; put it into parentheses to "
            "make it plain",
            text_.substr(from, end_ - from)));
      }
      any.parts.push_back(std::move(next));
    }
    return any;
  }

  Result<Node> ParseAnd(int depth) {
    TRY(Node first, ParseTerm(depth));
    last_and_open_ = AtKeyword("and");
    if (!last_and_open_) return first;
    Node all{Node::Kind::kAnd, 0, {}, {}, {}};
    all.parts.push_back(std::move(first));
    while (AtKeyword("and")) {
      TRY_VOID(Step());
      TRY(Node next, ParseTerm(depth));
      all.parts.push_back(std::move(next));
    }
    last_and_open_ = true;
    return all;
  }

  Result<Node> ParseTerm(int depth) {
    if (AtSymbol("(")) {
      TRY_VOID(Step());
      TRY(Node inner, ParseOr(depth + 1));
      TRY_VOID(Close());
      return inner;
    }
    Node node;
    TRY(node.column, ParseColumn());
    if (AtKeyword("in")) {
      TRY_VOID(Step());
      if (!AtSymbol("(")) return Unexpected("a list in parentheses after IN");
      do {
        TRY_VOID(Step());
        TRY_VOID(ParseValue(&node));
      } while (AtSymbol(","));
      TRY_VOID(Close());
      return node;
    }
    TRY(node.op, ParseOperator());
    TRY_VOID(ParseValue(&node));
    return node;
  }

  Status Close() {
    if (!AtSymbol(")")) return Unexpected("\")\"");
    end_ = token_.at + 1;
    return Step();
  }

  Result<size_t> ParseColumn() {
    const bool name = token_.kind == Token::Kind::kName;
    if (!name && token_.kind != Token::Kind::kQuotedName) {
      return Unexpected("a partition column or \"(\"");
    }
    const std::string wanted = LowerAscii(token_.text);
    std::vector<std::string_view> names;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (LowerAscii(columns_[i].name) != wanted) {
        names.push_back(columns_[i].name);
        continue;
      }
      TRY_VOID(Step());
      return i;
    }
    if (columns_.empty()) return Invalid("the table has no partition columns");
    return Invalid(fmt::format("at character {}: \"{}\" is no partition column; these are: {}",
                               token_.at + 1, token_.text, fmt::join(names, ", ")));
  }

  Result<Node::Op> ParseOperator() {
    using Op = Node::Op;
    static constexpr std::pair<std::string_view, Op> kOps[] = {
        {"=", Op::kEqual},        {"<>", Op::kNotEqual}, {"<", Op::kLess},
        {"<=", Op::kLessOrEqual}, {">", Op::kGreater},   {">=", Op::kGreaterOrEqual}};
    for (const auto& [symbol, op] : kOps) {
      if (!AtSymbol(symbol)) continue;
      TRY_VOID(Step());
      return op;
    }
    return Unexpected("one of = <> < <= > >= IN");
  }

  Status ParseValue(Node* node) {
    const bool quoted = token_.kind == Token::Kind::kString;
    if (!quoted && token_.kind != Token::Kind::kNumber) {
      return Unexpected("a number, or a string in quotes,");
    }
    Node::Value value{token_.text, std::nullopt};
    if (!quoted || columns_[node->column].integer) {
      value.number = ReadNumber(token_.text);
      if (!value.number && quoted) {
        return Invalid(fmt::format("at character {}: column {} holds whole numbers, \"{}\" is none",
                                   token_.at + 1, columns_[node->column].name, token_.text));
      }
      if (!value.number) return Unexpected("a whole number of at most 64 bits");
    }
    end_ = token_.at + token_.text.size() + (quoted ? 2 : 0);
    node->values.push_back(std::move(value));
    return Step();
  }

  Lexer lexer_;
  std::string_view text_;
  const std::vector<PartitionExpression::Column>& columns_;
  Token token_;
  size_t end_ = 0;              ///< of the last value or parenthesis
  bool last_and_open_ = false;  ///< the last ParseAnd met an AND outside parentheses
  std::vector<std::string> warnings_;
};

template <class T>
bool Holds(Node::Op op, const T& left, const T& right) {
  switch (op) {
    case Node::Op::kEqual: return left == right;
    case Node::Op::kNotEqual: return left != right;
    case Node::Op::kLess: return left < right;
    case Node::Op::kLessOrEqual: return left <= right;
    case Node::Op::kGreater: return left > right;
    case Node::Op::kGreaterOrEqual: return left >= right;
  }
  return false;
}

using Values = std::vector<std::optional<std::string>>;

struct Evaluation {
  const std::vector<PartitionExpression::Column>& columns;
  const Values& values;

  Result<bool> Compare(const Node& node) const {
    const std::optional<std::string>& value = values[node.column];
    if (!value) return false;
    for (const Node::Value& wanted : node.values) {
      if (!wanted.number) {
        if (Holds(node.op, *value, wanted.text)) return true;
        continue;
      }
      const std::optional<int64_t> number = ReadNumber(*value);
      if (!number) {
        return Invalid(fmt::format(
            "column {} is compared with the number {}, but a partition has \"{}\" there; write the "
            "value in quotes to compare it as a string",
            columns[node.column].name, *wanted.number, *value));
      }
      if (Holds(node.op, *number, *wanted.number)) return true;
    }
    return false;
  }

  Result<bool> Of(const Node& node) const {
    if (node.kind == Node::Kind::kCompare) return Compare(node);
    const bool stop_at = node.kind == Node::Kind::kOr;
    for (const Node& part : node.parts) {
      TRY(const bool holds, Of(part));
      if (holds == stop_at) return stop_at;
    }
    return !stop_at;
  }
};

}  // namespace

Result<PartitionExpression> PartitionExpression::Parse(std::string_view text,
                                                       const std::vector<Column>& columns) {
  Parser parser(text, columns);
  TRY(Node root, parser.Run());
  PartitionExpression out;
  out.root_ = std::make_shared<const Node>(std::move(root));
  out.columns_ = columns;
  out.warnings_ = parser.TakeWarnings();
  return out;
}

Result<bool> PartitionExpression::Matches(const Values& values) const {
  CHECK(values.size() == columns_.size());
  return Evaluation{columns_, values}.Of(*root_);
}

}  // namespace mms::migration
