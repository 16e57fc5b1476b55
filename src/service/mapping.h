// Where the tables of a source schema go unless a job says otherwise: mappings that are kept
// (UpdateMmsDb, UpdateMmsTable), and what a job makes of them. Pure.
//
// The order, by field: what the job says, then the table's mapping, then its schema's, then the
// source's character mappings (of names alone), then the default: the source's project, the
// table's own name.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "service/job.h"

namespace mms::service {

struct Mapping {
  std::string src_db;       ///< source schema
  std::string src_table;    ///< without schema; "" = of the whole schema
  std::string dst_project;  ///< "" = says nothing of it; so below
  std::string dst_schema;
  std::string dst_name;  ///< of a table alone

  bool none() const { return dst_project.empty() && dst_schema.empty() && dst_name.empty(); }
  bool operator==(const Mapping&) const = default;
};

/// What they say of a table, by the order above. `mappings`: of its source.
Mapping FindMapping(const std::vector<Mapping>& mappings, const std::string& src_db,
                    const std::string& src_table);

/// A job's destination and its names at the target, from the tables that it means.
class JobMapping {
 public:
  /// `job` has what was said, "" where nothing was. `mappings`: of its source schema.
  JobMapping(Job job, std::vector<Mapping> mappings);

  /// A table that the job means, without catalog and schema. Tables in any order.
  void Add(const std::string& table);
  /// The job with its destination ("" = still nothing says) and with kept names as if it had said
  /// them. Errors: kConflict JOB_DESTINATIONS naming tables that would go to different places: a
  /// job has one.
  Result<Job> Finish() &&;

 private:
  using Place = std::pair<std::string, std::string>;  ///< project, schema
  Job job_;
  std::vector<Mapping> mappings_;
  struct Going {
    Place place;
    std::vector<std::string> tables;  ///< the first of them
    size_t count = 0;
  };
  std::vector<Going> going_;
};

}  // namespace mms::service
