// Names at the target that are free again: of tables that are gone, and of which no job tells.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "migration/metadata/metadata.h"
#include "service/store.h"

namespace mms::service {

/// Whether another table may have what the table (of the metadata) had at the target: it has left
/// the source, as the last scan says, and each job that had a task of it is deleted.
Result<bool> HasGivenUp(Store& store, migration::Metadata& metadata, int64_t source_id,
                        const std::string& table_name);

}  // namespace mms::service
