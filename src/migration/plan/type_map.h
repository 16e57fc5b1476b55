// Delta column types as MaxCompute types. Read from the Delta schema's JSON, which tells what Arrow
// types cannot (CHAR and VARCHAR, VARIANT, collations). A type is mapped, mapped with a note, or
// refused by name; no value is cut: a decimal with more digits after the point than MaxCompute
// keeps becomes STRING, or stays one where the user asks for MaxCompute's extended scale. Pure.
//
// Source of the facts: Delta protocol, "Schema Serialization Format"; Spark keeps CHAR and VARCHAR
// as string with field metadata `__CHAR_VARCHAR_TYPE_STRING`; MaxCompute help, "Data type mapping"
// and "Decimal".
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "clients/maxcompute/types.h"
#include "migration/plan/fidelity.h"
#include "migration/plan/policy.h"

namespace mms::migration {

/// Digits after the point that MaxCompute's DECIMAL keeps.
inline constexpr int kDecimalScaleMax = 18;
/// Longest VARCHAR.
inline constexpr int kVarcharMax = 65535;

/// A field of a Delta struct, as its JSON has it.
struct DeltaField {
  std::string name;
  nlohmann::json type;
  nlohmann::json metadata;
  bool nullable = true;
};

/// The top-level fields of a Delta schema. Errors: kCorrupt DELTA_SCHEMA_INVALID.
Result<std::vector<DeltaField>> ParseDeltaSchema(std::string_view schema_json);

struct MappedType {
  maxcompute::Type target;
  std::string source_text;                  ///< Databricks SQL, for people
  std::string note;                         ///< "" = the same type
  Fidelity fidelity = Fidelity::kLossless;  ///< of the types alone: lossless or widening
};

/// The type as the log has it, in capitals, for people; also where there is no target for it.
std::string SourceTypeText(const DeltaField& field);

/// Type of a data column. Of the policy it takes extended_decimal, keep_varchar and
/// column_name_map. Errors: kUnsupported TYPE_UNSUPPORTED or NAME_INVALID, kConflict NAME_COLLISION
/// (struct fields), each with the path inside the column; kCorrupt DELTA_SCHEMA_INVALID.
Result<MappedType> MapType(const DeltaField& field, const Policy& policy);

/// Type of a partition column: integers keep theirs, all else becomes STRING. `has_null`: some
/// partition's value is NULL, which only STRING can show. Errors: kUnsupported TYPE_UNSUPPORTED.
Result<MappedType> MapPartitionType(const DeltaField& field, bool has_null);

}  // namespace mms::migration
