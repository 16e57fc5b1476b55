#include "clients/databricks/sql_failure.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/secret.h"

namespace mms::databricks {
namespace {

constexpr size_t kMessageMaxBytes = 500;
constexpr size_t kStatementMaxBytes = 120;

/// The first bytes of a text as one line, cut at a whole UTF-8 character.
std::string Cut(std::string_view text, size_t bytes_max) {
  std::string line(text.substr(0, bytes_max));
  if (text.size() > bytes_max) {
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80) {
      line.pop_back();
    }
    if (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80) != 0) line.pop_back();
    line += "...";
  }
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return line;
}

bool IsClassLetter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/// Where the last "[ERROR_CLASS]" stands, the bracket included; npos, 0 when there is none.
std::pair<size_t, size_t> FindClass(std::string_view message) {
  size_t open = message.rfind('[');
  while (open != message.npos) {
    size_t end = open + 1;
    while (end < message.size() && IsClassLetter(message[end])) ++end;
    const bool named = end > open + 3 && message[open + 1] >= 'A' && message[open + 1] <= 'Z';
    if (named && end < message.size() && message[end] == ']') return {open, end + 1 - open};
    open = open == 0 ? message.npos : message.rfind('[', open - 1);
  }
  return {message.npos, 0};
}

/// The part for people: what follows the error class, up to the trace and the plan.
std::string ForPeople(std::string_view message) {
  const auto [at, size] = FindClass(message);
  if (at != message.npos) message.remove_prefix(at + size);
  for (const std::string_view tail : {"\n\tat ", "\n'", "\n== "}) {
    message = message.substr(0, message.find(tail));
  }
  while (!message.empty() && (message.front() == ' ' || message.front() == '\n')) {
    message.remove_prefix(1);
  }
  while (!message.empty() && (message.back() == ' ' || message.back() == '\n')) {
    message.remove_suffix(1);
  }
  return ScrubSecrets(Cut(message, kMessageMaxBytes));
}

struct Judgement {
  ErrorKind kind;
  const char* code;
  const char* advice;
};

Judgement Judge(const SqlFailure& failure, const std::string& error_class) {
  const std::string& sql_state = failure.sql_state;
  const auto begins = [&error_class](std::string_view start) {
    return error_class.starts_with(start);
  };
  // Databricks gives the class; Delta of open source its exception's words alone.
  if (begins("DELTA_VERSION_NOT_FOUND") ||
      failure.message.find("Cannot time travel Delta table to version") != std::string::npos) {
    return {ErrorKind::kNotFound, "SQL_VERSION_GONE",
            "its log was cleaned up (delta.logRetentionDuration)"};
  }
  if (sql_state == "42501" || begins("INSUFFICIENT_PERMISSIONS") || begins("PERMISSION_DENIED")) {
    return {ErrorKind::kDenied, "SQL_DENIED", "an owner can give the right"};
  }
  if (begins("TABLE_OR_VIEW_NOT_FOUND") || begins("SCHEMA_NOT_FOUND") ||
      begins("NO_SUCH_CATALOG") || sql_state == "42P01" || sql_state == "42704") {
    return {ErrorKind::kNotFound, "SQL_NOT_FOUND",
            "it was dropped or renamed, or the token may not see it; update the metadata"};
  }
  if (sql_state.starts_with("0A")) {
    return {ErrorKind::kUnsupported, "SQL_UNSUPPORTED", "this server does not do it"};
  }
  if (sql_state.starts_with("42") || sql_state.starts_with("22")) {
    return {ErrorKind::kInvalidInput, "SQL_STATEMENT", "see what the server says"};
  }
  return {ErrorKind::kUnavailable, "SQL_FAILED", "run again; see the cluster's log if it stays"};
}

}  // namespace

std::string ErrorClassOf(const std::string& message) {
  const auto [at, size] = FindClass(message);
  return at == message.npos ? "" : message.substr(at + 1, size - 2);
}

std::string ShownStatement(const std::string& statement) {
  return ScrubSecrets("statement " + Cut(statement, kStatementMaxBytes));
}

bool SaysUnknownHandle(const std::string& message) {
  return message.find("Invalid SessionHandle") != message.npos ||
         message.find("Invalid OperationHandle") != message.npos;
}

Error FromSqlFailure(const SqlFailure& failure) {
  const std::string error_class = ErrorClassOf(failure.message);
  const Judgement judgement = Judge(failure, error_class);
  std::string text =
      ForPeople(failure.display_message.empty() ? failure.message : failure.display_message);
  if (text.empty()) text = "no reason is given";
  std::string marks = failure.sql_state;
  if (!error_class.empty()) marks += (marks.empty() ? "" : " ") + error_class;
  Error error(judgement.kind, judgement.code,
              fmt::format("the SQL server says: {}{}; {}", text,
                          marks.empty() ? "" : " (" + marks + ")", judgement.advice));
  if (failure.statement.empty()) return error;
  return std::move(error).At(ShownStatement(failure.statement));
}

}  // namespace mms::databricks
