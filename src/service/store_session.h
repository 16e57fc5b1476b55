// What the store's parts share: the connection. Included by store*.cc only.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "migration/ledger/database.h"
#include "service/store.h"
#include "service/vault.h"

namespace mms::service {

struct Store::State {
  std::string file;
  std::optional<Vault> vault;
  std::recursive_mutex mutex;
  soci::session sql;

  template <class Call>
  auto Read(Call&& call) {
    const std::lock_guard lock(mutex);
    return migration::Guard(file, [&] { return call(sql); });
  }
  /// One transaction; what `call` returns or throws as an error undoes it.
  template <class Call>
  auto Write(Call&& call) {
    const std::lock_guard lock(mutex);
    return migration::Guard(file, [&]() -> decltype(call(sql)) {
      migration::WriteTransaction transaction(sql);
      auto result = call(sql);
      if (result) transaction.Commit();
      return result;
    });
  }
};

inline std::string SecretContext(int64_t source_id, const std::string& key) {
  return "source " + std::to_string(source_id) + " " + key;
}

/// What the query finds, row by row: Row binds its columns and makes what is wanted of them. The
/// query's inputs are exchanged already.
template <class Row>
auto FetchRows(soci::statement& statement, const std::string& query) {
  Row row;
  row.Bind(statement);
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
  statement.execute();
  std::vector<decltype(row.Make())> made;
  while (statement.fetch()) made.push_back(row.Make());
  return made;
}

/// The one number of the query, whose inputs are exchanged already.
inline int64_t FetchCount(soci::statement& statement, const std::string& query) {
  long long count = 0;
  statement.exchange(soci::into(count));
  statement.alloc();
  statement.prepare(query);
  statement.define_and_bind();
  statement.execute(true);
  return count;
}

/// Tasks of jobs that a dead process left running wait to be gone on with.
void ReturnRunning(soci::session& sql, int64_t now_ms);

/// Store::EndTimerLog, in its transaction.
void EndFiring(soci::session& sql, const TimerLogEnd& end);
/// Timers whose job a dead process was making are asked to fire again, but for those that have died
/// with their process `interruptions_max` times one after the other.
void ReturnFirings(soci::session& sql, int interruptions_max);

/// Failed tasks of the job or task (`column`: "job_id" or "id") wait again. How many.
int64_t RetryFailed(soci::session& sql, const char* column, int64_t id);
/// Errors: those of Store::AddJob for what another job has.
Status CheckJobConflicts(soci::session& sql, int64_t job_id);
/// Of :target (a TargetKey), :source, :table and :but, a job: see Store::TargetHolder.
std::string HoldersSql();
/// job_tasks.target: the destination of the job and a table there. In a project with schemas "" is
/// `default`, and where there are none nothing is called so.
std::string TargetKey(const Job& job, const std::string& dst_table);

/// "%part%" with what LIKE means otherwise escaped by a backslash.
std::string LikePart(const std::string& part);

/// kNotFound NETWORK_NOT_FOUND, naming those there are; direct:local is always there.
Status CheckNetworkLink(soci::session& sql, const std::string& networklink);

}  // namespace mms::service
