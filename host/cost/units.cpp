#include "host/cost/units.h"

namespace sramsim {
namespace {

constexpr Unit kUnits[] = {
    {"1", Dimension::kNumber, 1.0},         {"aJ", Dimension::kEnergy, 1e-18},
    {"fJ", Dimension::kEnergy, 1e-15},      {"pJ", Dimension::kEnergy, 1e-12},
    {"nJ", Dimension::kEnergy, 1e-9},       {"uJ", Dimension::kEnergy, 1e-6},
    {"J", Dimension::kEnergy, 1.0},         {"aF", Dimension::kCapacitance, 1e-18},
    {"fF", Dimension::kCapacitance, 1e-15}, {"pF", Dimension::kCapacitance, 1e-12},
    {"ps", Dimension::kTime, 1e-12},        {"ns", Dimension::kTime, 1e-9},
    {"us", Dimension::kTime, 1e-6},         {"s", Dimension::kTime, 1.0},
    {"nm2", Dimension::kArea, 1e-18},       {"um2", Dimension::kArea, 1e-12},
    {"mm2", Dimension::kArea, 1e-6},        {"mV", Dimension::kVoltage, 1e-3},
    {"V", Dimension::kVoltage, 1.0},        {"Hz", Dimension::kFrequency, 1.0},
    {"kHz", Dimension::kFrequency, 1e3},    {"MHz", Dimension::kFrequency, 1e6},
    {"GHz", Dimension::kFrequency, 1e9},    {"nm", Dimension::kLength, 1e-9},
    {"um", Dimension::kLength, 1e-6},       {"dB", Dimension::kDecibel, 1.0},
};

}  // namespace

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : kUnits)
    if (name == unit.name) return &unit;
  return nullptr;
}

const char* to_string(Dimension dimension) {
  switch (dimension) {
    case Dimension::kNumber:
      return "a plain number";
    case Dimension::kEnergy:
      return "an energy";
    case Dimension::kCapacitance:
      return "a capacitance";
    case Dimension::kTime:
      return "a time";
    case Dimension::kArea:
      return "an area";
    case Dimension::kVoltage:
      return "a voltage";
    case Dimension::kFrequency:
      return "a frequency";
    case Dimension::kLength:
      return "a length";
    case Dimension::kDecibel:
      return "a ratio in dB";
  }
  return "";
}

std::string unit_names(Dimension dimension) {
  std::string names;
  for (const Unit& unit : kUnits)
    if (unit.dimension == dimension) names += (names.empty() ? "" : ", ") + std::string(unit.name);
  return names;
}

}  // namespace sramsim
