// Units of a cost table: text -> dimension and factor to SI.
#pragma once

#include <string>
#include <string_view>

namespace sramsim {

enum class Dimension {
  kNumber,  ///< written "1"
  kEnergy,
  kCapacitance,  ///< stands for an energy: C * V^2 at the table's supply voltage
  kTime,
  kArea,
  kVoltage,
  kFrequency,
  kLength,
  kDecibel
};

struct Unit {
  const char* name;
  Dimension dimension;
  double si;  ///< one of it in J, F, s, m^2, V, Hz, m
};

/// "fJ", "um2", "MHz", "dB", "1", ...; null for a unit that there is not.
const Unit* find_unit(std::string_view name);
const char* to_string(Dimension dimension);   ///< "an energy", "a time", ... for messages
std::string unit_names(Dimension dimension);  ///< "aJ, fJ, pJ, ..." for messages

}  // namespace sramsim
