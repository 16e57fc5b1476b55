// MaxCompute as a simulation has it: tables, partitions, upload sessions, SQL instances. It speaks
// the documents of the service (a reading of its own, like src/sandbox), keeps its state over the
// lives of the processes that talk to it, and notes what must never happen.
//
// Not thread-safe: it lives in the process that watches.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "exchange.h"
#include "rows.h"
#include "source_side.h"

namespace mms::simulation {

enum class UploadState { kNormal, kClosing, kClosed, kExpired, kCritical };

struct Upload {
  std::string id;
  std::string table, partition;
  std::map<int64_t, Rows> blocks;
  bool appends = false;  ///< to what is there, else replaces it
  UploadState state = UploadState::kNormal;
  int epoch = 0;          ///< how many jobs of its table there were when it was made
  int life = 0;           ///< of which it is
  bool troubled = false;  ///< something of it failed, so that it may rightly be given up
  int looks_left = 0;     ///< while it closes: how often it is seen doing so
  bool closes_well = true;
};

struct TargetPartition {
  Rows rows;
  std::string committed_by;
  bool spoilt = false;  ///< a row was lost on the way, which comparing has to find
};

struct TargetTable {
  bool partitioned = false;
  std::map<std::string, TargetPartition> partitions;
};

class TargetSide {
 public:
  /// `violation` hears what must not be.
  TargetSide(const SourceSide& source, std::function<void(const std::string&)> violation)
      : source_(source), violation_(std::move(violation)) {}

  Answer Respond(const Asked& asked);
  /// A worker sends a block. False = the session takes none.
  bool Put(const std::string& session, int64_t block, Rows rows);

  /// The session ends before its commit.
  void Expire(const std::string& session);
  /// The commit comes to its end after it was seen closing so often.
  struct Closing {
    int looks = 0;
    bool well = true;
  };
  void Close(const std::string& session, const Closing& closing);
  /// What the commit of the session brings loses a row.
  void Spoil(const std::string& session) { spoilt_by_.insert(session); }
  /// What is under way may rightly be given up.
  void Trouble(const std::string& partition_of);
  void TroubleAll();
  void BeginLife() { ++life_; }
  void NoteJob(const std::string& table) { ++epochs_[table]; }

  /// As they are now, what was closing included.
  void Settle();
  std::map<std::string, TargetTable> tables;  ///< by name
  std::map<std::string, Upload> uploads;      ///< by id
  std::map<std::string, Rows> downloads;      ///< by id
  int64_t commits = 0;

 private:
  Answer RespondTunnel(const Asked& asked);
  Answer CreateUpload(const Asked& asked, TargetTable& table);
  Answer Commit(Upload& upload);
  Answer RespondTable(const Asked& asked);
  Answer RespondInstance(const Asked& asked);
  Answer Submit(const Asked& asked);
  void Run(const std::string& statement, std::string* result);
  void Look(Upload& upload);
  void Apply(Upload& upload);
  static Answer Shown(const Upload& upload);

  const SourceSide& source_;
  std::function<void(const std::string&)> violation_;
  struct Statement {
    std::string document;  ///< as it was submitted
    std::string result;    ///< CSV; "" = a statement without rows
  };
  std::map<std::string, Statement> statements_;
  std::map<std::string, int> epochs_;
  int life_ = 0;
  int64_t last_id_ = 0;
  std::set<std::string> spoilt_by_;
};

}  // namespace mms::simulation
