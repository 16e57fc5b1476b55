// `mms source partitions`: the partitions of one table, as the scans found them.
#include <unistd.h>

#include "migration/metadata/metadata.h"
#include "service/job_choice.h"
#include "service/target_values.h"
#include "terminal/source_verbs.h"
#include "terminal/source_view.h"
#include "terminal/text.h"

namespace mms::terminal {
namespace {

using migration::Metadata;
using migration::PartitionEntry;
using migration::TableEntry;

/// `schema.table`, without case.
Result<TableEntry> FindTable(Metadata& metadata, const std::string& name) {
  migration::TableFilter filter;
  filter.pattern = name;
  TRY(const std::vector<TableEntry> found, metadata.Tables(filter, {0, 2}));
  if (found.size() == 1) return found.front();
  const char* why = found.empty() ? "is not known; mms source tables lists those that are"
                                  : "means several tables; name one as SCHEMA.TABLE";
  return Error(ErrorKind::kNotFound, "TABLES_NOT_FOUND", why).At("table " + name);
}

using service::TargetValues;

Json TargetFields(const TargetValues& values) {
  Json list = Json::array();
  for (const auto& value : values) list.push_back(value ? Json(value->text) : Json());
  return list;
}

Json Fields(const TableEntry& table, const PartitionEntry& partition, const TargetValues& target) {
  return {{"id", partition.id},
          {"table", table.listed.name},
          {"values", Json::parse(partition.values)},
          {"target_values", TargetFields(target)},
          {"status", migration::StatusName(partition.status)},
          {"rows", partition.rows ? Json(*partition.rows) : Json()},
          {"bytes", partition.bytes},
          {"files", partition.files},
          {"updated", partition.updated},
          {"changed", partition.changed_ms ? Json(TimeText(partition.changed_ms)) : Json()}};
}

}  // namespace

Result<ExitCode> RunSourcePartitions(const SourceFlags& flags, Output& output) {
  TRY(SourceView view, SourceView::Open(flags.state));
  TRY(const service::DataSource source, view.store().FindSource(flags.name));
  TRY(const auto metadata, Metadata::OpenToRead(service::SourceFolder(flags.state, source.id)));
  TRY(const TableEntry table, FindTable(*metadata, flags.pattern));
  TRY(const service::ChoiceRules rules, service::ChoiceRulesOf(source.config, {}));
  const auto columns = service::PartitionColumnsOf(table);
  const migration::PartitionFilter filter{table.id, "", {}, false};
  const migration::Page page{(flags.page - 1) * flags.page_size, flags.page_size};
  TRY(const std::vector<PartitionEntry> partitions, metadata->Partitions(filter, page));
  TRY(const int64_t total, metadata->CountPartitions(filter));
  TextTable text({{"ID"},
                  {"VALUES"},
                  {"AT TARGET"},
                  {"STATUS"},
                  {"CHANGED"},
                  {"ROWS", TextTable::Align::kRight},
                  {"BYTES", TextTable::Align::kRight}});
  for (const PartitionEntry& partition : partitions) {
    const TargetValues target = service::MapValues(columns, partition.values, rules.policy);
    if (output.json()) {
      output.Object("source_partition", Fields(table, partition, target));
      continue;
    }
    text.AddRow({std::to_string(partition.id), partition.values, TargetFields(target).dump(),
                 std::string(migration::StatusName(partition.status)),
                 partition.updated ? "since it was copied" : "-", Thousands(partition.rows),
                 HumanBytes(partition.bytes)});
  }
  if (!output.json()) output.Result(text.Render(ScreenOf(STDOUT_FILENO).utf8));
  output.Log(Thousands(static_cast<int64_t>(partitions.size())) + " of " +
             Counted(total, "partition"));
  return ExitCode::kDone;
}

}  // namespace mms::terminal
