#include "host/sweep/distribute.h"

#include <map>
#include <nlohmann/json.hpp>

namespace sramsim {
namespace {

// Messages are JSON: to a worker the points of a unit, an empty list ends it; back, the rows of the unit, an
// empty list asks for the first one.
const std::string kNothing = "[]";

}  // namespace

void hand_out(Ranks& ranks, std::span<const WorkUnit> units,
              const std::function<void(const WorkUnit&, std::vector<SweepRow>)>& on_rows) {
  const std::vector<size_t> order = largest_first(units);
  std::map<int, size_t> given;
  size_t next = 0;
  for (int working = ranks.size() - 1; working > 0;) {
    const auto [worker, text] = ranks.receive();
    auto rows = nlohmann::json::parse(text).get<std::vector<SweepRow>>();
    if (!rows.empty()) on_rows(units[given.at(worker)], std::move(rows));
    if (next < order.size()) {
      given[worker] = order[next++];
      ranks.send(worker, nlohmann::json(units[given[worker]]).dump());
    } else {
      ranks.send(worker, kNothing);
      --working;
    }
  }
}

void work_for_rank_0(Ranks& ranks, const std::function<std::vector<SweepRow>(const WorkUnit&)>& compute) {
  ranks.send(0, kNothing);
  for (;;) {
    const auto unit = nlohmann::json::parse(ranks.receive().second).get<WorkUnit>();
    if (unit.empty()) return;
    ranks.send(0,
               nlohmann::json(compute(unit)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

}  // namespace sramsim
