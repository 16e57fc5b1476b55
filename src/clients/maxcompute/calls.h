// Every call we make to MaxCompute: its name, whether it may be repeated, and how a lost answer
// (the request may have been applied) is resolved. Client::Perform decides by this table and by
// nothing else, and a test walks it. Pure.
#pragma once

#include <span>
#include <string_view>

namespace mms::maxcompute {

enum class CallKind {
  kFetchProject,
  kListSchemas,
  kListTables,
  kFetchTable,
  kListPartitions,
  kFindTunnel,
  kFindLogview,
  kMakeLogviewToken,
  kSubmitSql,
  kListInstances,
  kFetchInstanceSource,
  kFetchInstance,
  kFetchTaskStatus,
  kFetchTaskResult,
  kCancelInstance,
  kCreateUpload,
  kFetchUpload,
  kPutBlock,
  kCommitUpload,
  kCreateDownload,
  kFetchDownload,
  kReadRows,
  kCreateInstanceDownload,
  kFetchInstanceDownload,
  kReadInstanceRows,
};

/// What Client::Perform does with a call that failed.
enum class Repeat {
  kFreely,    ///< again by Options::retry, whatever became of it
  kIfUnsent,  ///< again only when it certainly was not applied: throttled, or never on the wire
  kByCaller,  ///< never here: the caller has to look, or to make a new body, first
};

/// Why a call whose answer was lost does no harm.
enum class LostAnswer {
  kChangesNothing,   ///< a read: the next one tells the same
  kSameEnd,          ///< a second time leaves what the first left
  kLeftToExpire,     ///< the session nobody knows holds nothing and expires
  kReplacesItself,   ///< a block sent again under its id replaces the first sending
  kStateTells,       ///< the session's state says whether the commit happened
  kReadOnFromThere,  ///< asked again behind the last row that was handed over
  kMarkTells,        ///< the project's instances are searched for the mark that the job carries.
                     ///< Without a find the caller is told kUnavailable, since only who wrote the
                     ///< statement knows whether it may run twice
};

struct CallRule {
  CallKind kind;
  std::string_view name;
  Repeat repeat;
  LostAnswer lost_answer;
  /// Error code of a 404 that does not say itself what is missing.
  std::string_view not_found_code;
};

std::span<const CallRule> AllCalls();
const CallRule& RuleOf(CallKind kind);

}  // namespace mms::maxcompute
