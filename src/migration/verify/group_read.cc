#include "migration/verify/group_read.h"

#include <algorithm>
#include <utility>

#include "migration/verify/read_back.h"

namespace mms::migration {
namespace {

bool HasTimestamp(const maxcompute::Type& type) {
  return type.kind == maxcompute::TypeKind::kTimestamp ||
         type.kind == maxcompute::TypeKind::kTimestampNtz ||
         std::any_of(type.arguments.begin(), type.arguments.end(), HasTimestamp);
}

/// Rows of other partitions than were asked for would be counted and never compared.
Status CheckPartitions(const UnitGroup& group, const PartitionChecksums& found) {
  PartitionChecksums::size_type known = 0;
  for (const auto& partition : group.partitions()) known += found.contains(ValuesOf(partition));
  if (known == found.size()) return OkStatus();
  return Error(ErrorKind::kCorrupt, "READ_BACK_PARTITION",
               "the SELECT gave rows of " + std::to_string(found.size() - known) +
                   " partitions that were not asked for");
}

}  // namespace

std::vector<std::string> ValuesOf(const maxcompute::PartitionSpec& partition) {
  std::vector<std::string> values;
  for (const auto& [name, value] : partition) values.push_back(value);
  return values;
}

Result<PartitionChecksums> ReadGroup(maxcompute::Tunnel& tunnel, WorkerPool& pool,
                                     const UnitGroup& group, const GroupRequest& request) {
  maxcompute::Client& client = tunnel.client();
  const maxcompute::TableSchema& schema = request.schema;
  const std::string sql = GroupSql(request.target_name, schema, group.partitions());
  ReadBackJob all;
  all.table_key = request.table_key;
  // A SELECT may run twice, so a lost answer is asked for again.
  TRY(all.instance_id,
      Retry(client.options().retry, [&] { return client.ExecuteSql(sql, request.sql); }));
  TRY(const maxcompute::DownloadSession session, tunnel.CreateInstanceDownload(all.instance_id));
  const size_t columns = schema.partition_columns.size() + schema.columns.size();
  if (session.schema.columns.size() != columns) {
    return Error(ErrorKind::kCorrupt, "READ_BACK_PARTITION",
                 "the SELECT was of " + std::to_string(columns) + " columns and gave " +
                     std::to_string(session.schema.columns.size()));
  }
  all.session_id = session.id;
  all.count = session.rows;
  all.row_columns = request.row_columns;
  all.codec = request.codec;
  all.record_form = std::any_of(schema.columns.begin(), schema.columns.end(),
                                [](const auto& column) { return HasTimestamp(column.type); });
  TRY(BatchTotals totals,
      ReadRanges(pool, all, RowsPerRange(session.rows, group.source_bytes()), request.wanted));
  TRY_VOID(CheckPartitions(group, totals.partitions));
  return std::move(totals.partitions);
}

}  // namespace mms::migration
