// Stored mappings in store.h.
#include <utility>

#include "service/store_session.h"

namespace mms::service {
namespace {

using soci::into;
using soci::use;

struct MappingRow {
  Mapping mapping;

  void Bind(soci::statement& to) {
    for (std::string* text : {&mapping.src_db, &mapping.src_table, &mapping.dst_project,
                              &mapping.dst_schema, &mapping.dst_name}) {
      to.exchange(into(*text));
    }
  }
  Mapping Make() const { return mapping; }
};

}  // namespace

Result<std::vector<Mapping>> Store::ListMappings(int64_t source_id, const std::string& src_db) {
  return state_->Read([&](soci::session& sql) -> Result<std::vector<Mapping>> {
    soci::statement statement(sql);
    long long source = source_id;
    statement.exchange(use(source, "source"));
    statement.exchange(use(src_db, "db"));
    return FetchRows<MappingRow>(
        statement,
        "SELECT src_db, src_table, dst_project, dst_schema, dst_name FROM mappings WHERE source_id "
        "= :source AND (:db = '' OR src_db = :db) ORDER BY src_db, src_table");
  });
}

Status Store::SaveMappings(int64_t source_id, const std::vector<Mapping>& mappings) {
  TRY_VOID(GetSource(source_id));
  return state_->Write([&](soci::session& sql) -> Status {
    long long source = source_id;
    for (const Mapping& mapping : mappings) {
      if (mapping.none()) {
        sql << "DELETE FROM mappings WHERE source_id = :source AND src_db = :db AND src_table = "
               ":table",
            use(source), use(mapping.src_db), use(mapping.src_table);
        continue;
      }
      sql << "INSERT INTO mappings (source_id, src_db, src_table, dst_project, dst_schema, "
             "dst_name) VALUES (:source, :db, :table, :project, :schema, :name) ON CONFLICT DO "
             "UPDATE SET dst_project = excluded.dst_project, dst_schema = excluded.dst_schema, "
             "dst_name = excluded.dst_name",
          use(source), use(mapping.src_db), use(mapping.src_table), use(mapping.dst_project),
          use(mapping.dst_schema), use(mapping.dst_name);
    }
    return OkStatus();
  });
}

}  // namespace mms::service
