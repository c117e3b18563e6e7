// Units of a sweep handed out to ranks as they become free.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "host/sweep/columns.h"
#include "host/sweep/ranks.h"
#include "host/sweep/work_units.h"

namespace sramsim {

/// Rank 0: gives every other rank a unit at a time, the largest first, and gets its rows. `on_rows` is called
/// here, one unit after the other. Returns when all rows are in and the others were told to end.
void hand_out(Ranks& ranks, std::span<const WorkUnit> units,
              const std::function<void(const WorkUnit&, std::vector<SweepRow>)>& on_rows);

/// Every other rank: computes what it is given until there is no more.
void work_for_rank_0(Ranks& ranks, const std::function<std::vector<SweepRow>(const WorkUnit&)>& compute);

}  // namespace sramsim
