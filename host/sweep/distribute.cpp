#include "host/sweep/distribute.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

namespace sramsim {
namespace {

// Messages are JSON: to a worker the points of a unit, an empty list ends it; back, the rows of the unit, an
// empty list asks for the first one.
const std::string kNothing = "[]";

}  // namespace

void hand_out(Ranks& ranks, std::span<const WorkUnit> units,
              const std::function<void(const WorkUnit&, std::vector<SweepRow>)>& on_rows) {
  std::vector<size_t> order(units.size());
  std::iota(order.begin(), order.end(), size_t{0});
  // The largest first: what is left for the end is small, so that the ranks end together.
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return units[a].size() > units[b].size(); });
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
