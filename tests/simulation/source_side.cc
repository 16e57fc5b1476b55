#include "source_side.h"

#include <algorithm>

namespace mms::simulation {
namespace {

constexpr int64_t kVersions = 4;

/// Makes the versions of one table.
class Writer {
 public:
  Writer(const Draw& draw, SourceTable* table) : draw_(draw), table_(*table) {}

  void Write() {
    const int64_t kind = Number(0, 9);
    table_.partitioned = kind >= 3;
    auto& first = table_.versions[1];
    if (!table_.partitioned) {
      first[""] = {};
      Rewrite(&first[""]);
    }
    // Of the partitioned: without any, with one, with several.
    const int64_t partitions = kind == 3 ? 0 : kind == 4 ? 1 : Number(2, 5);
    for (int64_t i = 0; table_.partitioned && i < partitions; ++i) {
      Rewrite(&first["p=" + std::to_string(i)]);
    }
    for (int64_t version = 2; version <= kVersions; ++version) {
      auto& next = table_.versions[version] = table_.versions[version - 1];
      for (auto& [partition, files] : next) {
        if (Number(0, 2) == 0) Rewrite(&files);
      }
      const bool grows = table_.partitioned && Number(0, 2) == 0;
      if (grows) Rewrite(&next["p=" + std::to_string(next.size())]);
    }
  }

 private:
  int64_t Number(int64_t least, int64_t most) {
    return draw_.Number("table " + table_.name, least, most, ++drawn_);
  }

  /// Other files; some of the old ones may stay, as in an append.
  void Rewrite(std::vector<std::string>* files) {
    if (Number(0, 1) == 0 || files->size() > 2) files->clear();
    const int64_t count = Number(1, 2);
    for (int64_t i = 0; i < count; ++i) {
      const std::string path = table_.name + "-f" + std::to_string(++last_file_);
      Rows& rows = table_.files[path];
      const int64_t wanted = Number(0, 3);
      for (int64_t row = 0; row < wanted; ++row) rows.push_back(++last_row_);
      files->push_back(path);
    }
  }

  const Draw& draw_;
  SourceTable& table_;
  uint64_t drawn_ = 0;
  int64_t last_file_ = 0, last_row_ = 0;
};

}  // namespace

bool SourceTable::IsThere(const std::string& file) const {
  for (int64_t version = oldest; version <= newest; ++version) {
    for (const auto& [partition, its_files] : versions.at(version)) {
      if (std::find(its_files.begin(), its_files.end(), file) != its_files.end()) return true;
    }
  }
  return false;
}

std::optional<Rows> SourceTable::RowsAt(int64_t version, const std::string& partition) const {
  const auto at = versions.find(version);
  if (at == versions.end()) return std::nullopt;
  const auto found = at->second.find(partition);
  if (found == at->second.end()) return std::nullopt;
  Rows rows;
  for (const std::string& file : found->second) Add(files.at(file), &rows);
  return rows;
}

bool SourceTable::IsWhole(const std::string& partition, const Rows& rows) const {
  return std::any_of(versions.begin(), versions.end(),
                     [&](const auto& version) { return RowsAt(version.first, partition) == rows; });
}

bool SourceTable::AreWhole(const std::string& partition, std::vector<std::string> these,
                           int64_t version) const {
  std::sort(these.begin(), these.end());
  return std::any_of(versions.begin(), versions.end(), [&](const auto& one) {
    const auto found = one.second.find(partition);
    if (one.first > version || found == one.second.end()) return false;
    std::vector<std::string> all = found->second;
    std::sort(all.begin(), all.end());
    return all == these;
  });
}

SourceSide::SourceSide(const Draw& draw) {
  const int64_t count = draw.Number("tables", 1, 3);
  for (int64_t i = 1; i <= count; ++i) {
    SourceTable table;
    table.name = "t" + std::to_string(i);
    Writer(draw, &table).Write();
    tables[table.name] = std::move(table);
  }
}

SourceTable* SourceSide::TableOfFile(const std::string& file) {
  const auto found = tables.find(file.substr(0, file.find('-')));
  return found == tables.end() ? nullptr : &found->second;
}

}  // namespace mms::simulation
