// The bodies of the control plane: XML for projects, tables, partitions and instances, with JSON
// inside where the service has it. Element and member names as PyODPS 0.13 and odps-sdk-core 0.52
// read them. Pure functions, any thread.
#pragma once

#include <string>
#include <vector>

#include "sandbox/call.h"
#include "sandbox/catalog.h"
#include "sandbox/instances.h"

namespace mms::sandbox {

inline constexpr char kOwner[] = "ALIYUN$mms_sandbox";

struct TableSize {
  int64_t rows = 0;
  int64_t bytes = 0;
  int64_t files = 0;
};

Answer TenantDocument();
Answer ProjectDocument(const std::string& project, bool has_schemas);
Answer SchemaListDocument(const std::vector<std::string>& schemas);
Answer SchemaDocument(const std::string& project, const std::string& schema);
/// `marker` is empty on the last page.
Answer TableListDocument(const std::vector<Table>& tables, const std::string& marker);
Answer TableDocument(const Table& table, const TableSize& size, bool extended);
Answer PartitionListDocument(const std::vector<PartitionInfo>& partitions,
                             const std::string& marker);
/// The specs and nothing else, for odps-sdk-core's Table.getPartitionSpecs.
Answer PartitionNamesDocument(const std::vector<PartitionInfo>& partitions);
Answer PartitionDocument(const PartitionInfo& partition, bool extended);

Answer InstanceStatusDocument(const InstanceView& instance);
Answer TaskStatusDocument(const InstanceView& instance);
/// `csv` for a SELECT that succeeded, else the instance's text is given.
Answer InstanceResultDocument(const InstanceView& instance, const std::string& csv);
/// `marker` is empty on the last page.
Answer InstanceListDocument(const std::vector<InstanceView>& instances, const std::string& marker);
/// {"Instance":{"JsonSummary":"<JSON text>","Summary":"text"}} and <Progress><Stage>: the sandbox
/// has one worker and one stage a statement.
Answer InstanceSummaryDocument(const InstanceView& instance);
Answer InstanceProgressDocument(const InstanceView& instance);

/// {"columns":[...],"partitionKeys":[...]} of tunnel sessions.
std::string TunnelSchemaJson(const std::vector<Column>& columns,
                             const std::vector<Column>& partition_columns);

}  // namespace mms::sandbox
