// The partial sums behind a sweep: of the point that its summary names.
#pragma once

#include <cstdint>
#include <span>

#include "host/cli/sweep_job.h"
#include "host/sweep/columns.h"
#include "host/sweep/figures.h"

namespace sramsim {

/// Counts the partial sums of the named point (the largest subarray with the fewest ADC bits whose loss is at
/// most `within`, in units of 1; where there is none, the most accurate) on the first `images` images.
/// Nothing if no row is of use or all layers are digital.
PointHistograms count_partial_sums(SweepJob& job, std::span<const SweepRow> rows, double within,
                                   int64_t images);

}  // namespace sramsim
