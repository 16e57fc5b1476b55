// What a request asks for: one name of a closed list and the object it is about. Routing, rights,
// limits, faults and counters all go by this one reading of a request. Paths and parameters as
// PyODPS 0.13 and odps-sdk-core 0.52 send them; a flag counts by its presence. Values only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/call.h"

namespace mms::sandbox {

enum class CallName {
  kUnknown,  ///< nothing is at this path
  kMisused,  ///< the path is known, the method is not
  // control plane
  kTenants,
  kLogviewHost,
  kReportUsage,
  kSignToken,
  kDiscover,
  kGetProject,
  kListSchemas,
  kCreateSchema,
  kGetSchema,
  kDropSchema,
  kListTables,
  kGetTable,
  kListPartitions,
  kGetPartition,
  kPreviewTable,
  kListInstances,
  kSubmitInstance,
  kGetInstance,
  kGetResult,
  kCancelInstance,
  // tunnel
  kCreateUpload,
  kGetUpload,
  kPutBlock,
  kCommitUpload,
  kCreateDownload,
  kGetDownload,
  kReadDownload,
  kCreateUpsert,
  kGetUpsert,
  kPutUpsert,
  kCommitUpsert,
  kAbortUpsert,
  kCreateStream,
  kGetStream,
  kPutStream,
  kAbortStream,
  // the sandbox itself
  kSetFaults,
  kGetFaults,
  kGetCounters,
};
inline constexpr size_t kCallNames = static_cast<size_t>(CallName::kGetCounters) + 1;

/// "put_block": the name in fault rules and counters.
std::string_view NameText(CallName name);
std::optional<CallName> FindCallName(std::string_view text);
/// Tunnel errors are JSON, the others' XML.
bool IsTunnel(CallName name);
/// Whether the call's body is rows.
bool TakesRows(CallName name);
bool IsAdmin(CallName name);

struct Target {
  CallName name = CallName::kUnknown;
  std::string project;             ///< lower case; "" = none
  std::string schema = "default";  ///< lower case
  std::string object;              ///< table, schema (lower case) or instance id; "" = none
  bool instance = false;           ///< `object` is an instance's id
};
Target TargetOf(const Call& call);

}  // namespace mms::sandbox
