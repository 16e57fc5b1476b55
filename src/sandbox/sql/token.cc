#include "sandbox/sql/token.h"

#include <array>

namespace mms::sandbox::sql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c); }

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> Run() {
    std::vector<Token> tokens;
    while (true) {
      SkipBlanks();
      Token token;
      token.line = line_;
      token.column = column_;
      if (at_ == text_.size()) {
        tokens.push_back(token);
        return tokens;
      }
      TRY_VOID(Next(&token));
      bool joins = token.kind == TokenKind::kString && !tokens.empty() &&
                   tokens.back().kind == TokenKind::kString;
      if (joins) {
        tokens.back().text += token.text;  // adjacent string literals are one
      } else {
        tokens.push_back(std::move(token));
      }
    }
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  char Take() {
    char c = text_[at_++];
    if (c == '\n') {
      ++line_;
      column_ = 1;
    } else {
      ++column_;
    }
    return c;
  }

  void SkipBlanks() {
    while (at_ < text_.size()) {
      char c = Peek();
      if (c == '-' && Peek(1) == '-') {
        while (at_ < text_.size() && Peek() != '\n') Take();
      } else if (text_.substr(at_, 3) == "/*+" && text_.find("*/", at_) != text_.npos) {
        size_t end = text_.find("*/", at_) + 2;
        while (at_ < end) Take();
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        Take();
      } else {
        return;
      }
    }
  }

  Status Next(Token* token) {
    char c = Peek();
    if (c == '\'' || c == '"') return String(token);
    if (c == '`') return Quoted(token);
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number(token);
    if (IsWordStart(c)) {
      token->kind = TokenKind::kWord;
      while (at_ < text_.size() && IsWordPart(Peek())) token->text += Take();
      token->upper = Upper(token->text);
      return OkStatus();
    }
    token->kind = TokenKind::kSymbol;
    static constexpr std::array<std::string_view, 8> kLong{"<=>", "<=", ">=", "<>",
                                                           "!=",  "==", "||", "&&"};
    for (std::string_view symbol : kLong) {
      if (text_.substr(at_, symbol.size()) != symbol) continue;
      for (size_t i = 0; i < symbol.size(); ++i) token->text += Take();
      token->upper = token->text;
      return OkStatus();
    }
    if (std::string_view("()<>,.;:=+-*/%[]!&|^~").find(c) == std::string_view::npos) {
      token->text = std::string(1, c);
      return ParseErrorAt(*token, "a token");
    }
    token->text = std::string(1, Take());
    token->upper = token->text;
    return OkStatus();
  }

  Status String(Token* token) {
    token->kind = TokenKind::kString;
    char quote = Take();
    while (at_ < text_.size()) {
      char c = Take();
      if (c == quote) return OkStatus();
      if (c != '\\' || at_ == text_.size()) {
        token->text += c;
        continue;
      }
      c = Take();
      switch (c) {
        case 'b': token->text += '\b'; break;
        case 't': token->text += '\t'; break;
        case 'n': token->text += '\n'; break;
        case 'r': token->text += '\r'; break;
        case '0': token->text += '\0'; break;
        case '\\':
        case '\'':
        case '"':
        case ';': token->text += c; break;
        default:  // an unknown escape stays as written, so that patterns survive
          token->text += '\\';
          token->text += c;
      }
    }
    token->text = "<end of text in a string>";
    return ParseErrorAt(*token, "a closing quote");
  }

  Status Quoted(Token* token) {
    token->kind = TokenKind::kQuoted;
    Take();
    while (at_ < text_.size()) {
      char c = Take();
      if (c != '`') {
        token->text += c;
      } else if (Peek() == '`') {
        token->text += Take();
      } else {
        return OkStatus();
      }
    }
    token->text = "<end of text in a name>";
    return ParseErrorAt(*token, "a closing back quote");
  }

  Status Number(Token* token) {
    token->kind = TokenKind::kNumber;
    while (IsDigit(Peek())) token->text += Take();
    if (Peek() == '.' && !IsWordStart(Peek(1))) {
      token->text += Take();
      while (IsDigit(Peek())) token->text += Take();
    }
    bool exponent = (Peek() == 'e' || Peek() == 'E') &&
                    (IsDigit(Peek(1)) || ((Peek(1) == '-' || Peek(1) == '+') && IsDigit(Peek(2))));
    if (exponent) {
      token->text += Take();
      token->text += Take();
      while (IsDigit(Peek())) token->text += Take();
    }
    // Type suffixes: L bigint, S smallint, Y tinyint, D double, BD decimal.
    size_t size = Upper(std::string(text_.substr(at_, 2))) == "BD" ? 2 : 1;
    std::string suffix = Upper(std::string(text_.substr(at_, size)));
    bool known = suffix == "L" || suffix == "S" || suffix == "Y" || suffix == "D" || suffix == "BD";
    if (known && !IsWordPart(Peek(size))) {
      token->upper = suffix;
      for (size_t i = 0; i < size; ++i) Take();
    }
    if (IsWordStart(Peek())) {
      // A name may begin with a digit only when quoted.
      while (IsWordPart(Peek())) token->text += Take();
      return ParseErrorAt(*token, "a number");
    }
    return OkStatus();
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
};

}  // namespace

Result<std::vector<Token>> Tokenize(std::string_view text) { return Lexer(text).Run(); }

Error ParseErrorAt(const Token& token, std::string_view expected) {
  std::string shown = token.kind == TokenKind::kEnd ? "<EOF>" : token.text;
  return Error(ErrorKind::kInvalidInput, "ODPS-0130161",
               "[" + std::to_string(token.line) + "," + std::to_string(token.column) +
                   "] Parse exception - invalid token '" + shown + "', expect " +
                   std::string(expected));
}

std::vector<std::vector<Token>> SplitStatements(std::vector<Token> tokens) {
  std::vector<std::vector<Token>> statements;
  std::vector<Token> current;
  for (Token& token : tokens) {
    bool border =
        token.kind == TokenKind::kEnd || (token.kind == TokenKind::kSymbol && token.text == ";");
    if (!border) {
      current.push_back(std::move(token));
      continue;
    }
    if (!current.empty()) {
      Token end;
      end.line = token.line;
      end.column = token.column;
      current.push_back(end);
      statements.push_back(std::move(current));
    }
    current.clear();
  }
  return statements;
}

}  // namespace mms::sandbox::sql
