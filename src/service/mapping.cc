#include "service/mapping.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "base/lower_ascii.h"

namespace mms::service {
namespace {

constexpr size_t kShownMax = 5;  // tables of a place, in an error

bool IsSame(const std::string& one, const std::string& other) {
  return LowerAscii(one) == LowerAscii(other);
}

const std::string& Either(const std::string& first, const std::string& second) {
  return first.empty() ? second : first;
}

}  // namespace

Mapping FindMapping(const std::vector<Mapping>& mappings, const std::string& src_db,
                    const std::string& src_table) {
  Mapping found{src_db, src_table, "", "", ""};
  for (const bool of_table : {true, false}) {
    for (const Mapping& mapping : mappings) {
      if (!IsSame(mapping.src_db, src_db) || mapping.src_table.empty() == of_table) continue;
      if (of_table && !IsSame(mapping.src_table, src_table)) continue;
      found.dst_project = Either(found.dst_project, mapping.dst_project);
      found.dst_schema = Either(found.dst_schema, mapping.dst_schema);
      if (of_table) found.dst_name = mapping.dst_name;
    }
  }
  return found;
}

JobMapping::JobMapping(Job job, std::vector<Mapping> mappings)
    : job_(std::move(job)), mappings_(std::move(mappings)) {}

void JobMapping::Add(const std::string& table) {
  const Mapping mapping = FindMapping(mappings_, job_.src_db, table);
  const Place place{Either(job_.dst_project, mapping.dst_project),
                    Either(job_.dst_schema, mapping.dst_schema)};
  auto going = std::find_if(going_.begin(), going_.end(),
                            [&](const Going& one) { return one.place == place; });
  if (going == going_.end()) going = going_.insert(going, Going{place, {}});
  ++going->count;
  if (going->tables.size() < kShownMax) going->tables.push_back(table);
  if (mapping.dst_name.empty()) return;
  for (const auto& [said, name] : job_.config.table_mapping) {
    const size_t dot = said.rfind('.');
    if (IsSame(dot == said.npos ? said : said.substr(dot + 1), table)) return;
  }
  job_.config.table_mapping.emplace(table, mapping.dst_name);
}

Result<Job> JobMapping::Finish() && {
  if (going_.size() > 1) {
    std::string text;
    for (const Going& going : going_) {
      const auto& [project, schema] = going.place;
      text += fmt::format("\n  into {}{}: {}{}",
                          project.empty() ? "the default project" : "project " + project,
                          schema.empty() ? "" : " schema " + schema, fmt::join(going.tables, ", "),
                          going.count > going.tables.size()
                              ? fmt::format(" and {} more", going.count - going.tables.size())
                              : "");
    }
    return Error(
        ErrorKind::kConflict, "JOB_DESTINATIONS",
        "by their kept mappings its tables go to different places, and a job has one; make "
        "a job for each (--table, --only, --but), or say where all of them go (--project, "
        "--target-schema):" +
            text);
  }
  if (going_.size() == 1) std::tie(job_.dst_project, job_.dst_schema) = going_.front().place;
  return std::move(job_);
}

}  // namespace mms::service
