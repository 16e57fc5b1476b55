#include "service/given_up.h"

namespace mms::service {

Result<bool> HasGivenUp(Store& store, migration::Metadata& metadata, int64_t source_id,
                        const std::string& table_name) {
  TRY(const auto table, metadata.FindTable(table_name));
  if (!table || !table->deleted) return false;
  Store::TaskFilter filter;
  filter.source_id = source_id;
  filter.src_db = table->listed.database;
  filter.src_table = table->listed.table;
  TRY(const int64_t tasks, store.CountJobTasks(filter));
  return tasks == 0;
}

}  // namespace mms::service
