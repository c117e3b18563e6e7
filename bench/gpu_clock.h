// The clock a device really runs at, which a share of a roofline must refer to.
#pragma once

struct CUstream_st;

namespace sramsim::cuda {

/// Clock of the multiprocessors in Hz, measured by a kernel that counts its own cycles for some ten
/// milliseconds. Call it right after the work in question: clocks follow load and temperature.
double multiprocessor_clock(CUstream_st* stream);

}  // namespace sramsim::cuda
