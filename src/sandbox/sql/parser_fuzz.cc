// Any bytes as a job's SQL text: statements, or an error with a code of tasks.
#include "sandbox/sql/parser.h"

namespace mms::sandbox::sql {
namespace {

void FuzzSql(std::string_view text) {
  auto statements = ParseStatements(text);
  if (!statements) CHECK(statements.error().code().starts_with("ODPS-"));
  auto type = ParseType(text);
  if (!type) return;
  // A type's own text means the same type.
  std::string canonical = type->ToText();
  auto again = ParseType(canonical);
  CHECK(again.has_value() && again->ToText() == canonical);
}

}  // namespace
}  // namespace mms::sandbox::sql

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mms::sandbox::sql::FuzzSql(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
