// A cursor over one statement's tokens with the small steps every grammar rule is made of.
// One thread per object.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sql/ast.h"
#include "sandbox/sql/token.h"

namespace mms::sandbox::sql {

class TokenReader {
 public:
  /// `tokens` must end with kEnd.
  explicit TokenReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& Take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool AtEnd() const { return Peek().kind == TokenKind::kEnd; }

  /// Whether the next tokens are these keywords or symbols (upper case).
  bool IsNext(std::initializer_list<std::string_view> words) const;
  /// IsNext, and if so steps over them.
  bool Accept(std::initializer_list<std::string_view> words);
  Status Expect(std::string_view word);
  Status ExpectEnd();
  Error Unexpected(std::string_view expected) const { return ParseErrorAt(Peek(), expected); }

  /// A name, quoted or not, in lower case.
  Result<std::string> Name();
  Result<QualifiedName> Qualified();
  Result<std::string> String();
  Result<int> Integer();
  Result<ColumnType> Type();

  /// Sub-rules nest at most so deep: hostile text must not use up the stack.
  Status Enter();
  /// Chains like 1+1+1 are deep trees as well: counts one more link, refuses too many.
  Status Extend(int* links) const;
  void Leave() { --depth_; }

 private:
  Result<ColumnType> SizedType(TypeId id);
  Result<ColumnType> NestedType(std::string_view word);
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

/// Leaves a nesting level at the end of a scope.
class DepthGuard {
 public:
  explicit DepthGuard(TokenReader* reader) : reader_(reader) {}
  ~DepthGuard() { reader_->Leave(); }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;

 private:
  TokenReader* reader_;
};

/// Words that end an expression or an alias: never an implicit alias or a bare name.
bool IsReserved(const Token& token);

/// [WITH ...] SELECT ... or VALUES ..., up to the end or a closing parenthesis.
Result<Query> ParseQuery(TokenReader* reader);
/// WITH name AS (query), ..., in front of a query or an INSERT.
Status ParseWith(TokenReader* reader, Query* query);
/// One expression.
Result<Expr> ParseExpr(TokenReader* reader);
/// The keys behind ORDER BY.
Result<std::vector<OrderItem>> ParseOrderItems(TokenReader* reader);
/// CREATE ..., ALTER ..., DROP ..., TRUNCATE ....
Result<Statement> ParseDdl(TokenReader* reader);
/// INSERT INTO|OVERWRITE ....
Result<Insert> ParseInsert(TokenReader* reader);
/// UPDATE ..., DELETE FROM ..., MERGE INTO ....
Result<ChangeRows> ParseUpdate(TokenReader* reader);
Result<ChangeRows> ParseDelete(TokenReader* reader);
Result<ChangeRows> ParseMerge(TokenReader* reader);
/// The items of FROM: tables, sub-queries, joins.
Result<std::vector<Source>> ParseSources(TokenReader* reader);
/// "(pt='x', hh=1)".
Result<PartitionPairs> ParsePartition(TokenReader* reader);
/// The value behind "pt=", quoted or not.
Result<std::string> ParsePartitionValue(TokenReader* reader);
/// "(a, b)".
Result<std::vector<std::string>> ParseNames(TokenReader* reader);

}  // namespace mms::sandbox::sql
