// All that lies outside of a process under test: source, target, and what goes wrong between. Each
// request of a life is answered here, after the draw of its fault; a life that is to die at a
// request gets no answer but its end. Faults are drawn by (seed, call, object, how often it came),
// so they do not depend on the order in which threads asked.
//
// Not thread-safe: it lives in the process that watches, and outlives the lives.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "draw.h"
#include "source_side.h"
#include "target_side.h"

namespace mms::simulation {

struct Trouble {
  double faults = 0;    ///< share of the calls that go wrong
  double crashes = 0;   ///< share of the calls at which the process dies
  double spoils = 0;    ///< share of the commits that lose a row
  int64_t dies_at = 0;  ///< the request of the life at which it dies; 0 = none
};

class World {
 public:
  explicit World(uint64_t seed);

  /// What goes wrong from now on, and the requests of the life are counted anew.
  void BeginLife(const Trouble& trouble);

  struct Reply {
    nlohmann::json answer;
    bool dies = false;  ///< the life ends instead of hearing it
  };
  /// `request` has its kind in "call": http, find, inspect, copy, read_back, violation.
  Reply Respond(const nlohmann::json& request);

  void Violate(const std::string& what) { violations.push_back(what); }

  const Draw draw;
  SourceSide source;
  TargetSide target;
  std::vector<std::string> violations;
  std::map<std::string, int64_t> faults;  ///< drawn, by name
  int64_t requests = 0;                   ///< of all lives
  bool writers_rest = false;

 private:
  enum class Fault {
    kNone,
    kUnreachable,   ///< never sent
    kUnavailable,   ///< 503, nothing was done
    kThrottled,     ///< 429 with Retry-After, nothing was done
    kNeverArrived,  ///< sent, nothing was done, no answer
    kAnswerLost,    ///< done, no answer
    kCommitLate,    ///< done later
    kCommitFails,   ///< found to have failed later
    kExpired,       ///< the session
    kDiesBefore,    ///< the worker, before its block
    kDiesAfter,
    kSourceAway,
    kFilesGone,  ///< a VACUUM, after the writers went on
    kRowsShort,  ///< the file gives fewer rows than the log counts
    kBlockRefused,
  };
  static const char* FaultName(Fault fault);
  Fault Pick(const std::string& call, const std::vector<Fault>& possible);
  nlohmann::json RespondHttp(const nlohmann::json& request);
  nlohmann::json RespondTarget(const Asked& asked);
  nlohmann::json Fail(const Asked& asked, Fault fault);
  nlohmann::json RespondWorkspace(const Asked& asked);
  nlohmann::json Find(const nlohmann::json& request);
  nlohmann::json Inspect(const nlohmann::json& request);
  nlohmann::json Copy(const nlohmann::json& request);
  nlohmann::json ReadBack(const nlohmann::json& request);

  Trouble trouble_;
  std::map<std::string, uint64_t> counts_;  ///< how often which call came
  int64_t requests_of_life_ = 0;
  bool dies_ = false;
};

}  // namespace mms::simulation
