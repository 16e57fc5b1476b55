// The ledger's SQL: schema, pages of reads, writes. The only code that knows SOCI and SQLite.
//
// A Store is one connection, for one thread at a time. Writes happen inside a transaction that the
// caller begins and commits (group_commit.h); a write that meets another state than it may follow
// returns kConflict LEDGER_STALE and has changed nothing. SQLite facts: WAL, synchronous=FULL (a
// commit returns after fsync), sqlite.org/wal.html.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/ledger/group_commit.h"
#include "migration/ledger/ledger.h"

namespace mms::migration {

/// Rows of a page; one that has fewer is the last.
inline constexpr size_t kPageRows = 256;

class Store : public Transaction {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  /// kReadWrite migrates the schema. Errors: kCorrupt STATE_CORRUPT, kUnsupported STATE_TOO_NEW,
  /// and those of ledger.h.
  static Result<std::unique_ptr<Store>> Open(const std::string& file, Mode mode);
  ~Store() override;

  Status Begin() override;
  Status Commit() override;
  void Rollback() override;

  Result<std::optional<TableRecord>> FindTable(const std::string& source_name);
  /// Up to a page of tables whose names come after `after`.
  Result<std::vector<TableRecord>> TablesAfter(const std::string& after);

  /// Where a page of units begins and what it holds.
  struct UnitPage {
    UnitScope scope;
    std::optional<std::string> after = {};  ///< partition; nullopt = from the first
    std::optional<UnitState> below = {};
    bool aside = false;  ///< also those that the plan does not mean
  };
  Result<std::vector<UnitRecord>> UnitsAfter(const UnitPage& page);
  /// Up to a page of a unit's blocks whose ids come after `after`.
  Result<std::vector<Ledger::SentBlock>> BlocksAfter(int64_t unit_id, int64_t after);
  Result<TableTotals> Totals(const UnitScope& scope);
  Result<bool> IsSettled(int64_t table_id);
  /// "target" or "last_run"; "" = none yet.
  Result<std::string> Identity(const std::string& name);

  Status BindTarget(const std::string& identity);
  Status SaveRun(const std::string& document);
  Result<int64_t> SavePlan(const TableRecord& table, const std::vector<UnitRecord>& units,
                           const Ledger::Keeping& keeping);
  Status SetTableState(int64_t table_id, TableState state, const std::string& error_json);
  Status SetTablePlan(int64_t table_id, const std::string& plan_json);
  Status AddExtra(int64_t table_id, const std::vector<UnitRecord>& units);
  Status RemoveUnit(int64_t unit_id);
  Status ForgetMismatches(const UnitScope& scope);
  Status BeginLoad(int64_t unit_id, int generation);
  Status SetSession(int64_t unit_id, int generation, const std::string& session_id);
  Status NoteBlock(int64_t unit_id, int generation, const Ledger::SentBlock& block);
  Status BeginCommit(int64_t unit_id, int generation, const Ledger::Sent& sent);
  Status Committed(int64_t unit_id, int generation);
  Status Verified(int64_t unit_id, int generation, const Ledger::Comparison& comparison);
  Status SetUnitError(int64_t unit_id, const std::string& error_json);

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mms::migration
