// What a seed makes of a run: settings, lives and how each ends, jobs, and what users do meanwhile.
// Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "draw.h"
#include "source_side.h"
#include "world.h"

namespace mms::simulation {

struct LifePlan {
  Trouble trouble;
  std::string fault_point;  ///< as MMS_FAULT; "" = none
  int64_t turns_max = 0;    ///< then it is ended in order; 0 = when all is done
};

struct PlannedAct {
  int64_t turn = 0;       ///< of all lives
  nlohmann::json action;  ///< as life.h does it; of a job: by its place among the jobs, from 0
};

struct Scenario {
  nlohmann::json settings;
  nlohmann::json target;
  std::vector<LifePlan> lives;  ///< the last one is calm, so that all comes to its end
  std::vector<PlannedAct> acts;
  bool catches_up = false;  ///< it ends with a scan, and a job of what changed
  bool waits = false;       ///< a turn waits for the tasks that it began
};

Scenario MakeScenario(const Draw& draw, const SourceSide& source);

}  // namespace mms::simulation
