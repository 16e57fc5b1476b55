#include "sandbox/sql/implicit_cast.h"

#include <optional>

namespace mms::sandbox::sql {
namespace {

/// Place in the order of widening: TINYINT < SMALLINT < INT < BIGINT < FLOAT < DOUBLE.
std::optional<int> NumberRank(TypeId id) {
  switch (id) {
    case TypeId::kTinyint: return 0;
    case TypeId::kSmallint: return 1;
    case TypeId::kInt: return 2;
    case TypeId::kBigint: return 3;
    case TypeId::kFloat: return 4;
    case TypeId::kDouble: return 5;
    default: return std::nullopt;
  }
}

bool IsText(TypeId id) {
  return id == TypeId::kString || id == TypeId::kVarchar || id == TypeId::kChar;
}

bool IsTime(TypeId id) {
  return id == TypeId::kDate || id == TypeId::kDatetime || id == TypeId::kTimestamp ||
         id == TypeId::kTimestampNtz;
}

bool CanAssignNested(const ColumnType& from, const ColumnType& to) {
  if (from.children.size() != to.children.size() || from.field_names != to.field_names) {
    return false;
  }
  for (size_t i = 0; i < from.children.size(); ++i) {
    if (!CanAssign(from.children[i], to.children[i])) return false;
  }
  return true;
}

}  // namespace

bool CanAssign(const ColumnType& from, const ColumnType& to) {
  if (from.id == to.id) return CanAssignNested(from, to);  // a value that does not fit fails later
  auto from_rank = NumberRank(from.id);
  auto to_rank = NumberRank(to.id);
  if (from_rank && to_rank) return *from_rank < *to_rank;
  bool number = from_rank || from.id == TypeId::kDecimal;
  if (to.id == TypeId::kDecimal) return number || IsText(from.id);
  if (to.id == TypeId::kDouble) return number || IsText(from.id);
  if (to.id == TypeId::kJson) return from.id == TypeId::kString;  // JSON is kept as its text
  if (to.id == TypeId::kString || to.id == TypeId::kVarchar) {
    return number || IsText(from.id) || IsTime(from.id) || from.id == TypeId::kJson;
  }
  if (to.id == TypeId::kChar) return IsText(from.id);
  if (to.id == TypeId::kTimestamp) return from.id == TypeId::kDatetime || from.id == TypeId::kDate;
  if (to.id == TypeId::kDatetime) return from.id == TypeId::kDate;
  return false;
}

bool CanWiden(const ColumnType& from, const ColumnType& to) {
  auto from_rank = NumberRank(from.id);
  auto to_rank = NumberRank(to.id);
  if (from_rank && to_rank) {
    if (from.id == TypeId::kFloat) return to.id == TypeId::kDouble || to.id == from.id;
    return *from_rank <= *to_rank && *to_rank <= 3;  // every integer stays exact
  }
  if (from.id == TypeId::kDecimal && to.id == TypeId::kDecimal) {
    return from.scale == to.scale && from.precision <= to.precision;
  }
  if (to.id == TypeId::kString) return IsText(from.id);
  if (to.id == TypeId::kVarchar && IsText(from.id) && from.id != TypeId::kString) {
    return from.length <= to.length;
  }
  return from.ToText() == to.ToText();
}

}  // namespace mms::sandbox::sql
