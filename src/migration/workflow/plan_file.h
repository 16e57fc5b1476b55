// A frozen plan as a file: JSON, a line a table, so that it is written and read in one pass and
// grows with tables and columns alone, never with partitions:
//
//   {"format":"mms-plan","schema":1,"config":{"path":..,"sha256":..},"target":..,"tables":[
//   {..FrozenTable..},
//   {"source":..,"left_out":"TYPE_UNSUPPORTED"}
//   ],"tables_total":2,"sha256":".."}
//
// `sha256` is that of all bytes before its own member: it tells an edited or cut file, not a forged
// one (evidence bundles are signed). No secret is in it: names, ids and hashes alone.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "migration/plan/frozen_table.h"

namespace mms::migration {

struct PlanFile {
  std::string config_path;    ///< absolute
  std::string config_sha256;  ///< of the migration file's bytes
  std::string target;         ///< Workflow::TargetName
  std::vector<FrozenTable> tables;
  /// Tables that are not to be run, and the code of why: they were refused or failed.
  struct LeftOut {
    std::string source_name;
    std::string code;
  };
  std::vector<LeftOut> left_out;
};

class PlanFileWriter {
 public:
  using Write = std::function<Status(std::string_view)>;
  explicit PlanFileWriter(Write write) : write_(std::move(write)) {}

  /// `plan` without its tables. Then the tables in any order, then Finish.
  Status Begin(const PlanFile& plan);
  Status Add(const FrozenTable& table);
  Status Add(const PlanFile::LeftOut& table);
  /// The document's digest.
  Result<std::string> Finish();

 private:
  Status AddLine(std::string line);
  Status Put(std::string_view text);

  Write write_;
  Sha256 hash_;
  int64_t tables_ = 0;
};

/// Errors: kInvalidInput PLAN_UNREADABLE; kConflict PLAN_CHANGED when it is not as it was written,
/// or no plan at all; kUnsupported PLAN_FORMAT when a later release wrote it.
Result<PlanFile> ReadPlanFile(const std::string& path);

}  // namespace mms::migration
