// The SQL that makes target tables, columns and partitions (declared in plan.h, CreateTableSql,
// AddColumnsSql and AddPartitionSql) and the pieces of it that are worth testing alone. Pure.
//
// Source of the facts: MaxCompute help, "CREATE TABLE", "ALTER TABLE ADD PARTITION", "Limits on
// MaxCompute SQL" (comment 1,024 bytes, statement 2 MB), "Delta Table" (PRIMARY KEY, transactional,
// write.bucket.num), "Append Delta Table" (table.format.version 2 and its session flags), "Decimal"
// (extended scale).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mms::migration {

inline constexpr size_t kCommentMaxBytes = 1024;
inline constexpr size_t kPartitionsPerStatement = 1000;

/// The comment's longest beginning of at most kCommentMaxBytes that ends between two UTF-8
/// characters.
std::string CutComment(std::string_view comment);

}  // namespace mms::migration
