// How well a column's values survive: one verdict a column, with its reason. What would change a
// value is refused, unless the user's policy allows it. Value types; pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mms::migration {

enum class Fidelity {
  kLossless,  ///< every value as it is, in the same type (CHAR and VARCHAR are stored as STRING)
  kWidening,  ///< every value, in a type that holds more: DECIMAL(38,20) as STRING
  kLossy,     ///< a policy of the user's may change or does change values
  kRefused,   ///< the target has no place for it, so the table is refused
};

/// "lossless", "widening", "lossy", "refused".
std::string_view FidelityName(Fidelity fidelity);
std::optional<Fidelity> ParseFidelity(std::string_view name);

/// Source columns of a table by verdict.
struct FidelityCounts {
  int64_t lossless = 0;
  int64_t widening = 0;
  int64_t lossy = 0;
  int64_t refused = 0;
  int64_t left_out = 0;  ///< not copied (on_extra_column: ignore)

  void Add(Fidelity fidelity);
  int64_t total() const { return lossless + widening + lossy + refused + left_out; }
  bool operator==(const FidelityCounts&) const = default;
};

struct RefusedColumn {
  std::string source_name;
  std::string source_type;  ///< Databricks SQL text as far as it is known
  std::string reason;

  bool operator==(const RefusedColumn&) const = default;
};

/// The verdicts of a table that is refused for some of its columns.
struct ColumnRefusals {
  FidelityCounts counts;
  std::vector<RefusedColumn> columns;

  bool operator==(const ColumnRefusals&) const = default;
};

/// Kept in the ledger with the error that refused the table.
nlohmann::json ToJson(const ColumnRefusals& refusals);
/// Errors: kCorrupt PLAN_INVALID.
Result<ColumnRefusals> ColumnRefusalsFromJson(const nlohmann::json& document);

}  // namespace mms::migration
