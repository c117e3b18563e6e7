// The one place that knows which compiler reads the shared mathematics.
#pragma once

#ifdef __CUDACC__
#define SRAMSIM_HD __host__ __device__
#else
#define SRAMSIM_HD
#endif

/// Of the kernels of one instruction set: what is called per vector.
#define SRAMSIM_INLINE [[gnu::always_inline]] inline
