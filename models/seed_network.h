// The reference CNN: conv 1->128 3x3, conv 128->128 3x3, 4x4 average pool, fc 4608->128, dropout, fc 128->10.
#pragma once

#include "host/model/network.h"

namespace sramsim {

NetworkSpec seed_network(int weight_bits = 4, int act_bits = 4);

}  // namespace sramsim
