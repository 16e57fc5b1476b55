#include <map>
#include <utility>

#include "migration/ledger/store_session.h"

namespace mms::migration {
namespace {

Error Stale(long long unit_id, std::string_view transition) {
  return Error(ErrorKind::kConflict, "LEDGER_STALE",
               "the unit is in another state or generation than " + std::string(transition) +
                   " needs; another attempt has taken it over")
      .At("unit " + std::to_string(unit_id));
}

/// An UPDATE of one unit, prepared once and bound to its own variables.
struct Transition {
  long long unit_id = 0;
  int generation = 0;
  std::string text, more;
  long long rows = 0;
  soci::indicator rows_known = soci::i_ok;
  int verdict = 0, compared_by = 0;
  std::unique_ptr<soci::statement> statement;

  Status Run(std::string_view name) {
    statement->execute(true);
    if (statement->get_affected_rows() != 1) return Stale(unit_id, name);
    return OkStatus();
  }
};

}  // namespace

// Every WHERE names the states a transition may follow and the generation it belongs to. State
// numbers are those of ledger.h: 0 planned, 1 loading, 2 committing, 3 committed, 4 verified.
struct Transitions {
  Transition begin_load, set_session, note_block, forget_blocks, begin_commit, committed, verified,
      unit_error;
  long long block_id = 0;

  explicit Transitions(soci::session& sql) {
    using soci::use;
    auto make = [](auto&& prepared) { return std::make_unique<soci::statement>(prepared); };
    {
      Transition& t = begin_load;
      t.statement =
          make((sql.prepare << "UPDATE units SET state = 1, generation = generation + 1, "
                               "session_id = '', rows_copied = NULL, rows_target = NULL, "
                               "source_checksum = '', target_checksum = '', changes = '', "
                               "verdict = 0, compared_by = 0, difference = '', error_json = '' "
                               "WHERE id = :id AND generation = :generation AND state IN (0, 1, 2)",
                use(t.unit_id), use(t.generation)));
    }
    {
      Transition& t = set_session;
      t.statement =
          make((sql.prepare << "UPDATE units SET session_id = :session "
                               "WHERE id = :id AND generation = :generation AND state = 1",
                use(t.text), use(t.unit_id), use(t.generation)));
    }
    {
      Transition& t = note_block;
      t.statement = make((
          sql.prepare << "INSERT OR REPLACE INTO unit_blocks (unit_id, block_id, rows, "
                         "source_checksum, changes) SELECT id, :block, :rows, :sum, :changes "
                         "FROM units WHERE id = :id AND generation = :generation AND "
                         "state = 1 AND session_id <> ''",
          use(block_id), use(t.rows), use(t.text), use(t.more), use(t.unit_id), use(t.generation)));
    }
    {
      Transition& t = forget_blocks;
      t.statement =
          make((sql.prepare << "DELETE FROM unit_blocks WHERE unit_id = :id", use(t.unit_id)));
    }
    {
      Transition& t = begin_commit;
      t.statement =
          make((sql.prepare << "UPDATE units SET state = 2, rows_copied = :rows, source_checksum = "
                               ":sum, changes = :changes "
                               "WHERE id = :id AND generation = :generation AND state = 1 "
                               "AND session_id <> ''",
                use(t.rows), use(t.text), use(t.more), use(t.unit_id), use(t.generation)));
    }
    {
      Transition& t = committed;
      t.statement =
          make((sql.prepare << "UPDATE units SET state = 3, error_json = '' "
                               "WHERE id = :id AND generation = :generation AND state = 2",
                use(t.unit_id), use(t.generation)));
    }
    {
      Transition& t = verified;
      t.statement = make(
          (sql.prepare << "UPDATE units SET state = 4, verdict = :verdict, rows_target = :rows, "
                          "target_checksum = :sum, difference = :difference, compared_by = :by, "
                          "error_json = '' "
                          "WHERE id = :id AND generation = :generation AND state IN (3, 4)",
           use(t.verdict), use(t.rows, t.rows_known), use(t.text), use(t.more), use(t.compared_by),
           use(t.unit_id), use(t.generation)));
    }
    {
      Transition& t = unit_error;
      t.statement = make((sql.prepare << "UPDATE units SET error_json = :error WHERE id = :id",
                          use(t.text), use(t.unit_id)));
    }
  }
};

Store::State::State() = default;
Store::State::~State() = default;
Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

namespace {

Transitions& Prepared(soci::session& sql, std::unique_ptr<Transitions>& transitions) {
  if (!transitions) transitions = std::make_unique<Transitions>(sql);
  return *transitions;
}

void ForgetBlocks(Transitions& transitions, int64_t unit_id) {
  transitions.forget_blocks.unit_id = unit_id;
  transitions.forget_blocks.statement->execute(true);
}

struct OldUnit {
  long long id = 0;
  long long task = 0;
  int state = 0;
  int aside = 0;
  int verdict = 0;
  int generation = 0;
  std::string fingerprint;
  std::optional<int64_t> version;
  bool planned_again = false;
};

std::map<std::string, OldUnit> OldUnits(soci::session& sql, long long table_id) {
  std::map<std::string, OldUnit> units;
  OldUnit unit;
  std::string partition;
  long long version = 0;
  soci::indicator has_version = soci::i_null;
  soci::statement statement =
      (sql.prepare << "SELECT id, partition, task, state, aside, verdict, generation, fingerprint, "
                      "version FROM units WHERE table_id = :table",
       soci::use(table_id), soci::into(unit.id), soci::into(partition), soci::into(unit.task),
       soci::into(unit.state), soci::into(unit.aside), soci::into(unit.verdict),
       soci::into(unit.generation), soci::into(unit.fingerprint), soci::into(version, has_version));
  statement.execute();
  while (statement.fetch()) {
    unit.version = Optional(version, has_version);
    units[partition] = unit;
  }
  return units;
}

bool Differs(const OldUnit& unit) {
  return unit.verdict == static_cast<int>(Verdict::kMismatch) ||
         unit.verdict == static_cast<int>(Verdict::kMissing);
}

bool IsFinished(int state) {
  return state == static_cast<int>(UnitState::kCommitted) ||
         state == static_cast<int>(UnitState::kVerified);
}

/// Of what is finished, though the plan has other content for it: another task that finished it may
/// have ended, and nobody would load it again.
bool StaysAsItIs(const OldUnit& unit, const Ledger::Keeping& keeping) {
  const bool by_other = keeping.task == kNoTask || unit.task != keeping.task;
  return keeping.others == Ledger::Others::kKeepFinished && unit.aside == 0 && by_other &&
         !Differs(unit) && unit.verdict != static_cast<int>(Verdict::kExtra);
}

/// The statements of SavePlan that run once a unit, and what they are bound to.
class UnitWriter {
 public:
  /// Of a plan at `version`.
  UnitWriter(soci::session& sql, long long table_id, int64_t version)
      : sql_(sql),
        table_id_(table_id),
        version_(version),
        insert_((sql.prepare << "INSERT INTO units (table_id, version, partition, fingerprint, "
                                "rows_planned, bytes, files, task) VALUES (:table, :version, "
                                ":partition, :fingerprint, :rows, :bytes, :files, :task)",
                 soci::use(table_id_), soci::use(version_), soci::use(partition_),
                 soci::use(fingerprint_), soci::use(rows_, known_), soci::use(bytes_),
                 soci::use(files_), soci::use(task_))),
        insert_plan_((sql.prepare << "INSERT INTO unit_plans (unit_id, plan_json) "
                                     "VALUES (:id, :plan)",
                      soci::use(id_), soci::use(plan_))),
        reset_(
            (sql.prepare
                 << "UPDATE units SET fingerprint = :fingerprint, version = :version, "
                    "state = 0, aside = 0, session_id = '', rows_planned = :rows, bytes = :bytes, "
                    "files = :files, task = :task, rows_copied = NULL, rows_target = NULL, "
                    "source_checksum = '', target_checksum = '', changes = '', "
                    "verdict = 0, compared_by = 0, difference = '', error_json = '' "
                    "WHERE id = :id",
             soci::use(fingerprint_), soci::use(version_), soci::use(rows_, known_),
             soci::use(bytes_), soci::use(files_), soci::use(task_), soci::use(id_))),
        reset_plan_((sql.prepare << "UPDATE unit_plans SET plan_json = :plan WHERE unit_id = :id",
                     soci::use(plan_), soci::use(id_))),
        forget_blocks_(
            (sql.prepare << "DELETE FROM unit_blocks WHERE unit_id = :id", soci::use(id_))),
        equal_plan_((sql.prepare << "SELECT COUNT(*) FROM unit_plans WHERE unit_id = :id AND "
                                    "plan_json = :plan",
                     soci::use(id_), soci::use(plan_), soci::into(equal_))),
        go_on_((sql.prepare << "UPDATE units SET aside = 0, task = :task, error_json = '' "
                               "WHERE id = :id",
                soci::use(task_), soci::use(id_))) {}

  void Insert(const UnitRecord& unit) {
    Bind(unit);
    insert_.execute(true);
    id_ = sqlite_api::sqlite3_last_insert_rowid(Connection(sql_));
    insert_plan_.execute(true);
  }

  void Reset(long long id, const UnitRecord& unit) {
    Bind(unit);
    id_ = id;
    reset_.execute(true);
    reset_plan_.execute(true);
    forget_blocks_.execute(true);
  }

  bool HasPlanOf(long long id, const UnitRecord& unit) {
    Bind(unit);
    id_ = id;
    equal_plan_.execute(true);
    return equal_ > 0;
  }

  /// What was sent of it stays, and its session.
  void GoOn(long long id, const UnitRecord& unit) {
    Bind(unit);
    id_ = id;
    go_on_.execute(true);
  }

 private:
  void Bind(const UnitRecord& unit) {
    partition_ = unit.partition;
    fingerprint_ = unit.fingerprint;
    plan_ = unit.plan_json;
    rows_ = unit.rows_planned.value_or(0);
    known_ = unit.rows_planned ? soci::i_ok : soci::i_null;
    bytes_ = unit.bytes;
    files_ = unit.files;
    task_ = unit.task;
  }

  soci::session& sql_;
  long long table_id_, version_;
  long long id_ = 0, rows_ = 0, bytes_ = 0, files_ = 0, task_ = 0;
  soci::indicator known_ = soci::i_ok;
  std::string partition_, fingerprint_, plan_;
  int equal_ = 0;
  soci::statement insert_, insert_plan_, reset_, reset_plan_, forget_blocks_, equal_plan_, go_on_;
};

long long SaveTable(soci::session& sql, const TableRecord& table) {
  const long long version = table.version;
  const int state = static_cast<int>(table.state);
  sql << "INSERT INTO tables (source_name, target_table, version, plan_json, state, error_json) "
         "VALUES (:name, :target, :version, :plan, :state, :error) "
         "ON CONFLICT (source_name) DO UPDATE SET target_table = excluded.target_table, "
         "version = excluded.version, plan_json = excluded.plan_json, state = excluded.state, "
         "error_json = excluded.error_json",
      soci::use(table.source_name), soci::use(table.target_table), soci::use(version),
      soci::use(table.plan_json), soci::use(state), soci::use(table.error_json);
  long long id = 0;
  sql << "SELECT id FROM tables WHERE source_name = :name", soci::use(table.source_name),
      soci::into(id);
  return id;
}

void SetAside(soci::session& sql, long long id) {
  sql << "UPDATE units SET aside = 1 WHERE id = :id", soci::use(id);
}

void TakeUp(soci::session& sql, long long id, int64_t task) {
  const long long of_task = task;
  sql << "UPDATE units SET aside = 0, task = :task WHERE id = :id", soci::use(of_task),
      soci::use(id);
}

void SetVersion(soci::session& sql, const OldUnit& unit, std::optional<int64_t> version) {
  if (unit.version == version) return;
  long long number = version.value_or(0);
  soci::indicator known = version ? soci::i_ok : soci::i_null;
  sql << "UPDATE units SET version = :version WHERE id = :id", soci::use(number, known),
      soci::use(unit.id);
}

/// It keeps what is known of its rows, so that it is known what stands there.
void MarkExtra(soci::session& sql, long long id, const UnitRecord& unit) {
  const long long task = unit.task;
  sql << "UPDATE units SET aside = 0, state = 4, verdict = 5, compared_by = 0, task = :task, "
         "fingerprint = :print, "
         "rows_planned = 0, bytes = 0, files = 0, difference = :difference, error_json = '' "
         "WHERE id = :id",
      soci::use(task), soci::use(unit.fingerprint), soci::use(unit.difference), soci::use(id);
}

void DeleteUnit(soci::session& sql, long long id) {
  sql << "DELETE FROM unit_blocks WHERE unit_id = :id", soci::use(id);
  sql << "DELETE FROM unit_plans WHERE unit_id = :id", soci::use(id);
  sql << "DELETE FROM units WHERE id = :id", soci::use(id);
}

/// What becomes of units that the plan does not have.
void LeaveOut(soci::session& sql, const std::map<std::string, OldUnit>& old, bool same_target,
              const Ledger::Keeping& keeping) {
  const bool keeps = same_target && keeping.others != Ledger::Others::kRemove;
  const bool shows = same_target && keeping.others == Ledger::Others::kKeepFinished;
  for (const auto& [partition, unit] : old) {
    if (unit.planned_again) continue;
    if (shows && unit.aside == 0 && IsFinished(unit.state)) {
      if (!keeping.same_table) SetVersion(sql, unit, std::nullopt);
      continue;
    }
    if (keeps && unit.generation > 0) {
      SetAside(sql, unit.id);
    } else {
      DeleteUnit(sql, unit.id);
    }
  }
}

}  // namespace

Status Store::BindTarget(const std::string& identity) {
  return Guard(state_->file, [&]() -> Status {
    std::string bound;
    state_->sql << "SELECT value FROM identity WHERE name = 'target'", soci::into(bound);
    if (!state_->sql.got_data()) {
      state_->sql << "INSERT INTO identity (name, value) VALUES ('target', :value)",
          soci::use(identity);
      return OkStatus();
    }
    if (bound == identity) return OkStatus();
    int begun = 0;
    state_->sql << "SELECT EXISTS (SELECT 1 FROM units WHERE generation > 0)", soci::into(begun);
    if (begun == 0) {
      // What was planned was planned for what stands at the other target.
      for (const char* const of : {"unit_plans", "units", "tables"}) {
        state_->sql << std::string("DELETE FROM ") + of;
      }
      state_->sql << "UPDATE identity SET value = :value WHERE name = 'target'",
          soci::use(identity);
      return OkStatus();
    }
    return Error(ErrorKind::kConflict, "STATE_OTHER_TARGET",
                 "it tells what was moved into " + bound + ", not into " + identity +
                     "; name another folder as `state:` for this target")
        .At("state file " + state_->file);
  });
}

Status Store::SaveRun(const std::string& document) {
  return Guard(state_->file, [&]() -> Status {
    state_->sql << "INSERT INTO identity (name, value) VALUES ('last_run', :value) "
                   "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        soci::use(document);
    return OkStatus();
  });
}

Result<int64_t> Store::SavePlan(const TableRecord& table, const std::vector<UnitRecord>& units,
                                const Ledger::Keeping& keeping) {
  TRY(const std::optional<TableRecord> before, FindTable(table.source_name));
  return Guard(state_->file, [&]() -> Result<int64_t> {
    std::map<std::string, OldUnit> old;
    // Rows in another target table prove nothing about this one.
    const bool same_target = before && before->target_table == table.target_table;
    const bool same_plan =
        same_target && before->version == table.version && before->plan_json == table.plan_json;
    if (before) old = OldUnits(state_->sql, before->id);
    for (const auto& [partition, unit] : old) {
      if (unit.state != static_cast<int>(UnitState::kCommitting)) continue;
      return Error(ErrorKind::kConflict, "LEDGER_COMMITTING",
                   "partition '" + partition + "' may have a commit under way; settle it first")
          .At("table " + table.source_name);
    }
    const long long table_id = SaveTable(state_->sql, table);
    {
      UnitWriter writer(state_->sql, table_id, table.version);
      for (const UnitRecord& unit : units) {
        const auto found = old.find(unit.partition);
        if (found == old.end()) {
          writer.Insert(unit);
          continue;
        }
        OldUnit& known = found->second;
        known.planned_again = true;
        if (keeping.leave_finished && same_target && IsFinished(known.state)) {
          SetAside(state_->sql, known.id);
          if (!keeping.same_table) SetVersion(state_->sql, known, std::nullopt);
          continue;
        }
        if (unit.verdict == Verdict::kExtra) {
          MarkExtra(state_->sql, known.id, unit);
          continue;
        }
        const bool equal = known.fingerprint == unit.fingerprint;
        const bool stays = equal || StaysAsItIs(known, keeping);
        if (keeping.finished && same_target && IsFinished(known.state) && stays) {
          if (known.aside != 0 || known.task != unit.task) TakeUp(state_->sql, known.id, unit.task);
          if (equal) {
            SetVersion(state_->sql, known, table.version);
          } else if (!keeping.same_table) {
            SetVersion(state_->sql, known, std::nullopt);
          }
          continue;
        }
        // What was set aside was begun under an earlier plan.
        const bool loading =
            known.state == static_cast<int>(UnitState::kLoading) && known.aside == 0;
        if (same_plan && loading && equal && writer.HasPlanOf(known.id, unit)) {
          writer.GoOn(known.id, unit);
          continue;
        }
        writer.Reset(known.id, unit);
      }
    }
    LeaveOut(state_->sql, old, same_target, keeping);
    return table_id;
  });
}

Status Store::AddExtra(int64_t table_id, const std::vector<UnitRecord>& units) {
  return Guard(state_->file, [&]() -> Status {
    const long long table = table_id;
    long long task = 0, id = 0;
    std::string partition, fingerprint, difference, plan;
    // 4 and 5: verified, ExtraInTarget.
    soci::statement insert =
        (state_->sql.prepare << "INSERT INTO units (table_id, partition, fingerprint, state, "
                                "rows_planned, bytes, files, task, verdict, difference) VALUES "
                                "(:table, :partition, :fingerprint, 4, 0, 0, 0, :task, 5, "
                                ":difference) ON CONFLICT (table_id, partition) DO NOTHING",
         soci::use(table), soci::use(partition), soci::use(fingerprint), soci::use(task),
         soci::use(difference));
    soci::statement insert_plan =
        (state_->sql.prepare << "INSERT INTO unit_plans (unit_id, plan_json) VALUES (:id, :plan)",
         soci::use(id), soci::use(plan));
    for (const UnitRecord& unit : units) {
      partition = unit.partition;
      fingerprint = unit.fingerprint;
      difference = unit.difference;
      plan = unit.plan_json;
      task = unit.task;
      insert.execute(true);
      if (insert.get_affected_rows() == 0) continue;
      id = sqlite_api::sqlite3_last_insert_rowid(Connection(state_->sql));
      insert_plan.execute(true);
    }
    return OkStatus();
  });
}

Status Store::RemoveUnit(int64_t unit_id) {
  return Guard(state_->file, [&]() -> Status {
    DeleteUnit(state_->sql, unit_id);
    return OkStatus();
  });
}

Status Store::SetTableState(int64_t table_id, TableState state, const std::string& error_json) {
  return Guard(state_->file, [&]() -> Status {
    const long long id = table_id;
    const int number = static_cast<int>(state);
    state_->sql << "UPDATE tables SET state = :state, error_json = :error WHERE id = :id",
        soci::use(number), soci::use(error_json), soci::use(id);
    return OkStatus();
  });
}

Status Store::SetTablePlan(int64_t table_id, const std::string& plan_json) {
  return Guard(state_->file, [&]() -> Status {
    const long long id = table_id;
    state_->sql << "UPDATE tables SET plan_json = :plan WHERE id = :id", soci::use(plan_json),
        soci::use(id);
    return OkStatus();
  });
}

Status Store::ForgetMismatches(const UnitScope& scope) {
  return Guard(state_->file, [&]() -> Status {
    const long long id = scope.table_id, first = scope.first_task, last = scope.last_task;
    // 2 and 3: Mismatch and MissingInTarget.
    state_->sql << "UPDATE units SET state = 0, rows_copied = NULL, rows_target = NULL, "
                   "source_checksum = '', target_checksum = '', changes = '', verdict = 0, "
                   "compared_by = 0, difference = '' WHERE table_id = :table AND aside = 0 AND "
                   "state = 4 AND "
                   "verdict IN (2, 3) AND (:first = 0 OR task BETWEEN :first AND :last)",
        soci::use(id, "table"), soci::use(first, "first"), soci::use(last, "last");
    return OkStatus();
  });
}

Status Store::BeginLoad(int64_t unit_id, int generation) {
  return Guard(state_->file, [&]() -> Status {
    Transition& t = Prepared(state_->sql, state_->transitions).begin_load;
    t.unit_id = unit_id;
    t.generation = generation;
    TRY_VOID(t.Run("BeginLoad"));
    ForgetBlocks(*state_->transitions, unit_id);
    return OkStatus();
  });
}

Status Store::SetSession(int64_t unit_id, int generation, const std::string& session_id) {
  return Guard(state_->file, [&]() -> Status {
    Transition& t = Prepared(state_->sql, state_->transitions).set_session;
    t.unit_id = unit_id;
    t.generation = generation;
    t.text = session_id;
    return t.Run("SetSession");
  });
}

Status Store::NoteBlock(int64_t unit_id, int generation, const Ledger::SentBlock& block) {
  return Guard(state_->file, [&]() -> Status {
    Transitions& all = Prepared(state_->sql, state_->transitions);
    Transition& t = all.note_block;
    t.unit_id = unit_id;
    t.generation = generation;
    all.block_id = block.block_id;
    t.rows = block.rows;
    t.text = block.source_checksum;
    t.more = block.changes;
    return t.Run("NoteBlock");
  });
}

Status Store::BeginCommit(int64_t unit_id, int generation, const Ledger::Sent& sent) {
  return Guard(state_->file, [&]() -> Status {
    Transition& t = Prepared(state_->sql, state_->transitions).begin_commit;
    t.unit_id = unit_id;
    t.generation = generation;
    t.rows = sent.rows;
    t.text = sent.source_checksum;
    t.more = sent.changes;
    return t.Run("BeginCommit");
  });
}

Status Store::Committed(int64_t unit_id, int generation) {
  return Guard(state_->file, [&]() -> Status {
    Transition& t = Prepared(state_->sql, state_->transitions).committed;
    t.unit_id = unit_id;
    t.generation = generation;
    TRY_VOID(t.Run("Committed"));
    ForgetBlocks(*state_->transitions, unit_id);
    return OkStatus();
  });
}

Status Store::Verified(int64_t unit_id, int generation, const Ledger::Comparison& comparison) {
  return Guard(state_->file, [&]() -> Status {
    Transition& t = Prepared(state_->sql, state_->transitions).verified;
    t.unit_id = unit_id;
    t.generation = generation;
    t.verdict = static_cast<int>(comparison.verdict);
    t.rows = comparison.rows_target.value_or(0);
    t.rows_known = comparison.rows_target ? soci::i_ok : soci::i_null;
    t.text = comparison.target_checksum;
    t.more = comparison.difference;
    t.compared_by = static_cast<int>(comparison.by);
    return t.Run("Verified");
  });
}

Status Store::SetUnitError(int64_t unit_id, const std::string& error_json) {
  return Guard(state_->file, [&]() -> Status {
    Transition& t = Prepared(state_->sql, state_->transitions).unit_error;
    t.unit_id = unit_id;
    t.text = error_json;
    return t.Run("SetUnitError");
  });
}

}  // namespace mms::migration
