// What every test on a device begins with: a skip that says why, where there is none.
#pragma once

#include <gtest/gtest.h>

#include "kernels/cuda/device_probe.h"

/// The reason is the driver's own: no device, no driver, too old a driver, no code for its architecture.
#define SRAMSIM_NEEDS_GPU()                                                                      \
  do {                                                                                           \
    const sramsim::DeviceProbe probe = sramsim::probe_devices();                                 \
    if (probe.usable.empty()) GTEST_SKIP() << "no usable GPU: " << probe.reason;                 \
    const std::string failure = sramsim::try_device(probe.usable[0].index);                      \
    if (!failure.empty()) GTEST_SKIP() << probe.usable[0].name << " is not usable: " << failure; \
  } while (false)
