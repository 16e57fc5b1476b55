// What a user says of the objects of a data source (UpdateMmsDb, UpdateMmsTable, UpdateMmsTables):
// where they go unless a job says otherwise, and how far their migration is: INIT has them copied
// again, DONE leaves them out of incremental jobs until they change. Works beside a process that
// owns the folder.
//
// Errors, each before anything is changed: kInvalidInput OBJECT_UPDATE for what does not go
// together; kInvalidInput JOB_CONFIG for a project that the source does not have; those of
// plan/names.h; kNotFound METADATA_NOT_FOUND, JOB_TABLES_NOT_FOUND and JOB_PARTITIONS_NOT_FOUND,
// naming what is not there; kConflict JOB_CONFLICT naming tables of which a job has a task that
// waits or runs, when a status is set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "migration/metadata/metadata.h"
#include "service/store.h"

namespace mms::service {

struct ObjectUpdate {
  int64_t source_id = 0;
  std::string db;                   ///< source schema
  std::vector<std::string> tables;  ///< of it; empty, with no partitions: the schema itself
  std::vector<int64_t> partitions;  ///< ids of the metadata; they have a status alone
  bool clear_mapping = false;       ///< what was kept goes, before the next three
  std::string dst_project;          ///< "" = as it is; so below
  std::string dst_schema;
  std::string dst_name;                                ///< of one table
  std::optional<migration::ObjectStatus> status = {};  ///< INIT or DONE; of all that belongs to it
};

/// How many objects were named and changed: schemas, tables or partitions.
Result<int64_t> UpdateObjects(Store& store, const std::string& folder, const ObjectUpdate& update);

}  // namespace mms::service
