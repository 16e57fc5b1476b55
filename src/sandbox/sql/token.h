// Tokens of MaxCompute SQL: free white space, case-insensitive words, back-quoted names with
// doubled back quote, '...' and "..." strings with backslash escapes, -- comments, /*+ hints */
// (read and left out). Lexical rules: MaxCompute SQL reference, "Escape characters" and
// "Identifiers". Values only, any thread. Errors: kInvalidInput ODPS-0130161 with the position.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mms::sandbox::sql {

enum class TokenKind { kWord, kQuoted, kString, kNumber, kSymbol, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  ///< word as written, quoted name or string decoded, symbol
  /// kWord and kSymbol: upper case, to compare keywords; kNumber: the type suffix (L, S, Y, D, BD)
  /// or "".
  std::string upper;
  int line = 1;
  int column = 1;
};

/// Ends with one kEnd token.
Result<std::vector<Token>> Tokenize(std::string_view text);

/// The parse error MaxCompute would give at that token.
Error ParseErrorAt(const Token& token, std::string_view expected);

/// Pieces between semicolons, each without its semicolon; empty ones are dropped.
std::vector<std::vector<Token>> SplitStatements(std::vector<Token> tokens);

}  // namespace mms::sandbox::sql
