// Evidence of jobs in store.h: which is due, and who waits for it.
#include "service/store_session.h"

namespace mms::service {

using soci::into;
using soci::use;

Result<std::vector<Store::DueEvidence>> Store::ListDueEvidence() {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<DueEvidence>> {
    long long id = 0, ends = 0;
    soci::statement statement =
        (sql.prepare << "SELECT id, evidence_due FROM jobs WHERE evidence_due > 0 AND deleted = 0",
         into(id), into(ends));
    statement.execute();
    std::vector<DueEvidence> due;
    while (statement.fetch()) due.push_back({id, ends});
    return due;
  });
}

Result<std::optional<Store::DueEvidence>> Store::FindDueEvidence(int64_t job_id) {
  using Due = std::optional<DueEvidence>;
  return state_->Read([&](soci::session& sql) -> Result<Due> {
    long long id = job_id, ends = 0;
    sql << "SELECT evidence_due FROM jobs WHERE id = :id AND evidence_due > 0 AND deleted = 0",
        use(id), into(ends);
    return sql.got_data() ? Due({job_id, ends}) : Due();
  });
}

Status Store::SetEvidenceKept(const DueEvidence& due) {
  return state_->Write([&](soci::session& sql) -> Status {
    long long id = due.job_id, ends = due.ends;
    sql << "UPDATE jobs SET evidence_due = 0 WHERE id = :id AND evidence_due = :ends", use(id),
        use(ends);
    return OkStatus();
  });
}

Result<Store::EvidenceWaits> Store::ListEvidenceWaits(int64_t source_id) {
  return state_->Read([&](soci::session& sql) -> Result<EvidenceWaits> {
    long long source = source_id, waiting = 0, due = 0;
    // From the jobs that are due, which are few and have an index (hence the +), to the tasks of
    // their tables: as NextJobTask has it.
    soci::statement statement =
        (sql.prepare << "SELECT DISTINCT t.job_id, j.id FROM jobs j "
                        "CROSS JOIN job_tasks d ON d.job_id = j.id CROSS JOIN job_tasks t ON "
                        "t.source_id = j.source_id AND t.table_name = d.table_name "
                        "WHERE j.evidence_due > 0 AND (:source = 0 OR j.source_id = :source) AND "
                        "t.running = 0 AND t.stopped = 0 AND t.status IN (0, 2, 5) ORDER BY +j.id",
         use(source, "source"), into(waiting), into(due));
    statement.execute();
    EvidenceWaits waits;
    while (statement.fetch()) waits[waiting].push_back(due);
    return waits;
  });
}

}  // namespace mms::service
