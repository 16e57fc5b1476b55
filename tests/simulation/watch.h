// The other side of a run: what a user does at each turn, how time passes, and whether what the
// service says of itself is what the world has seen. Ends the run, or says why it does not end.
//
// Not thread-safe: it lives in the process that watches.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "scenario.h"
#include "world.h"

namespace mms::simulation {

class Watch {
 public:
  /// All outlive it.
  Watch(World& world, const Scenario& scenario, std::atomic<int64_t>& clock_ms)
      : world_(world), scenario_(scenario), clock_ms_(clock_ms) {}

  void BeginLife(size_t life);
  /// Requests whose "call" is begin, turn, did or audit; the others are the world's.
  static bool Takes(const nlohmann::json& request);
  nlohmann::json Respond(const nlohmann::json& request);
  /// The calm life came to its end in order.
  bool over() const { return over_; }
  int64_t turns() const { return turns_; }

 private:
  nlohmann::json Begin();
  nlohmann::json Tables() const;
  nlohmann::json Turn(const nlohmann::json& seen);
  void TakeActs(const nlohmann::json& seen, nlohmann::json* actions);
  void TakeAct(const nlohmann::json& action, const nlohmann::json& seen, nlohmann::json* actions);
  /// From here on a table may be copied anew.
  void NoteJobs();
  /// What brings a calm run to its end.
  void Finish(const nlohmann::json& seen, nlohmann::json* actions);
  void CatchUp(nlohmann::json* actions);
  void PassTime(const nlohmann::json& seen);
  void Did(const nlohmann::json& told);
  void Audit(const nlohmann::json& told);
  void CheckUnit(const nlohmann::json& unit);
  void CheckMoves(const nlohmann::json& unit);
  void CheckTasks(const nlohmann::json& audit, bool over);
  void CheckDone(const nlohmann::json& task, const nlohmann::json& audit);
  void CheckEvidence(const nlohmann::json& audit);
  void CheckCaughtUp();
  void Violate(const std::string& what) { world_.Violate(what); }

  World& world_;
  const Scenario& scenario_;
  std::atomic<int64_t>& clock_ms_;
  size_t life_ = 0;
  int64_t turns_ = 0, turns_of_life_ = 0;
  size_t acts_taken_ = 0;
  int64_t idle_turns_ = 0;
  int retries_ = 0;
  bool held_ = false;       ///< a user stopped the source: nothing starts it but a user
  bool caught_up_ = false;  ///< or has been asked to
  bool over_ = false;
  struct UnitMark {
    int64_t generation = 0;
    int state = 0;
  };
  std::map<std::string, UnitMark> marks_;  ///< by table and partition
};

}  // namespace mms::simulation
