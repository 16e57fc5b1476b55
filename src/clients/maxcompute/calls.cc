#include "clients/maxcompute/calls.h"

#include <array>

#include "base/result.h"

namespace mms::maxcompute {
namespace {

constexpr std::string_view kProject = "ODPS_PROJECT_NOT_FOUND";
constexpr std::string_view kTable = "ODPS_TABLE_NOT_FOUND";
constexpr std::string_view kInstance = "ODPS_INSTANCE_NOT_FOUND";
constexpr std::string_view kUpload = "TUNNEL_NO_SUCH_UPLOAD";
constexpr std::string_view kDownload = "TUNNEL_NO_SUCH_DOWNLOAD";

using enum Repeat;
using enum LostAnswer;

// In the order of CallKind.
constexpr std::array kRules = {
    CallRule{CallKind::kFetchProject, "fetch project", kFreely, kChangesNothing, kProject},
    CallRule{CallKind::kListSchemas, "list schemas", kFreely, kChangesNothing, kProject},
    CallRule{CallKind::kListTables, "list tables", kFreely, kChangesNothing, kProject},
    CallRule{CallKind::kFetchTable, "fetch table", kFreely, kChangesNothing, kTable},
    CallRule{CallKind::kListPartitions, "list partitions", kFreely, kChangesNothing, kTable},
    CallRule{CallKind::kFindTunnel, "find tunnel", kFreely, kChangesNothing, kProject},
    // A link is not worth a wait: the next statement asks again.
    CallRule{CallKind::kFindLogview, "find logview", kByCaller, kChangesNothing, kProject},
    // A second token is one more token; both lapse.
    CallRule{CallKind::kMakeLogviewToken, "make logview token", kFreely, kSameEnd, kInstance},
    CallRule{CallKind::kSubmitSql, "submit sql", kIfUnsent, kMarkTells, kProject},
    CallRule{CallKind::kListInstances, "list instances", kFreely, kChangesNothing, kProject},
    CallRule{CallKind::kFetchInstanceSource, "fetch instance source", kFreely, kChangesNothing,
             kInstance},
    CallRule{CallKind::kFetchInstance, "fetch instance", kFreely, kChangesNothing, kInstance},
    CallRule{CallKind::kFetchTaskStatus, "fetch task status", kFreely, kChangesNothing, kInstance},
    CallRule{CallKind::kFetchTaskResult, "fetch task result", kFreely, kChangesNothing, kInstance},
    CallRule{CallKind::kCancelInstance, "cancel instance", kFreely, kSameEnd, kInstance},
    CallRule{CallKind::kCreateUpload, "create upload", kFreely, kLeftToExpire, kTable},
    CallRule{CallKind::kFetchUpload, "fetch upload", kFreely, kChangesNothing, kUpload},
    CallRule{CallKind::kPutBlock, "put block", kByCaller, kReplacesItself, kUpload},
    CallRule{CallKind::kCommitUpload, "commit upload", kByCaller, kStateTells, kUpload},
    CallRule{CallKind::kCreateDownload, "create download", kFreely, kLeftToExpire, kTable},
    CallRule{CallKind::kFetchDownload, "fetch download", kFreely, kChangesNothing, kDownload},
    CallRule{CallKind::kReadRows, "read rows", kByCaller, kReadOnFromThere, kDownload},
    CallRule{CallKind::kCreateInstanceDownload, "create instance download", kFreely, kLeftToExpire,
             kInstance},
    CallRule{CallKind::kFetchInstanceDownload, "fetch instance download", kFreely, kChangesNothing,
             kDownload},
    CallRule{CallKind::kReadInstanceRows, "read instance rows", kByCaller, kReadOnFromThere,
             kDownload},
};

}  // namespace

std::span<const CallRule> AllCalls() { return kRules; }

const CallRule& RuleOf(CallKind kind) {
  const CallRule& rule = kRules.at(static_cast<size_t>(kind));
  CHECK(rule.kind == kind);
  return rule;
}

}  // namespace mms::maxcompute
