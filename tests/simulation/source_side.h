// The source that a simulation copies from: tables of the schema `s`, each with versions that are
// there from the beginning and become visible one after the other, as writers commit them. Files
// hold rows, versions hold files; a VACUUM takes the files that the newest version does not have.
//
// Not thread-safe: it lives in the process that watches.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "draw.h"
#include "rows.h"

namespace mms::simulation {

inline constexpr int64_t kFileBytes = 64LL << 20;  // a split each, so a block

struct SourceTable {
  std::string name;  ///< "t1"
  bool partitioned = false;
  /// By version: the files of each partition ("" = the table without partitions).
  std::map<int64_t, std::map<std::string, std::vector<std::string>>> versions;
  std::map<std::string, Rows> files;
  int64_t newest = 1;  ///< that is visible
  int64_t oldest = 1;  ///< that can be read

  bool HasMore() const { return versions.rbegin()->first > newest; }
  /// The next version is committed, if there is one.
  void Commit() { newest += HasMore() ? 1 : 0; }
  void Vacuum() { oldest = newest; }
  bool IsThere(const std::string& file) const;
  /// All rows of a partition at a version; nullopt = there is none.
  std::optional<Rows> RowsAt(int64_t version, const std::string& partition) const;
  /// Whether these are all its rows at some version.
  bool IsWhole(const std::string& partition, const Rows& rows) const;
  /// Whether these are all its files at some version up to this one.
  bool AreWhole(const std::string& partition, std::vector<std::string> files,
                int64_t version) const;
};

class SourceSide {
 public:
  explicit SourceSide(const Draw& draw);

  std::map<std::string, SourceTable> tables;  ///< by name

  SourceTable* TableOfFile(const std::string& file);
};

}  // namespace mms::simulation
