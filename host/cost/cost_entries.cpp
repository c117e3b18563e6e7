// The entries of a cost table. A new one is a member of CostTable, a row here and a line in
// default_table.cpp.
#include "host/cost/cost_table.h"

namespace sramsim {
namespace {

using T = CostTable;
constexpr Dimension kNumber = Dimension::kNumber, kEnergy = Dimension::kEnergy, kTime = Dimension::kTime,
                    kArea = Dimension::kArea, kFrequency = Dimension::kFrequency,
                    kDecibel = Dimension::kDecibel;

constexpr CostEntry kEntries[] = {
    {"process.supply", Dimension::kVoltage, false, "supply voltage V; a capacitance C costs C*V^2",
     &T::supply},
    {"process.node", Dimension::kLength, false, "feature size, for the survey fit", &T::node},

    {"array.cell_area", kArea, false, "one storage cell", &T::cell_area},
    {"array.compute_area", kArea, false, "what multiplies in one cell", &T::compute_area},
    {"array.row_area", kArea, false, "driver and input register of one row, per bit of a digit",
     &T::row_area},
    {"array.bitline", kEnergy, false, "bitline, per cell of a column and conversion", &T::bitline},
    {"array.wordline", kEnergy, false, "wordline, per cell of a row and set input bit", &T::wordline},
    {"array.settle_time", kTime, false, "from the wordlines to a settled partial sum", &T::settle_time},
    {"dac.per_bit", kEnergy, false, "input converter, per bit, row and digit where dac_bits > 1", &T::dac},

    {"adc.time_per_bit", kTime, false, "conversion time per bit", &T::adc_time_per_bit},
    {"adc.time_per_bit_row", kTime, false, "conversion time per bit and row of the subarray",
     &T::adc_time_per_bit_row},
    {"adc.area_zero_bits", kArea, false, "converter area = this * growth^bits (murmann, envelope)",
     &T::adc_area_zero_bits},
    {"adc.area_growth", kNumber, false, "growth of the area per bit", &T::adc_area_growth},

    {"adc.murmann.k1", kEnergy, false, "energy of a conversion = k1*b + k2*4^b", &T::murmann_linear},
    {"adc.murmann.k2", kEnergy, false, "see k1: the part that thermal noise sets", &T::murmann_thermal},

    {"adc.envelope.walden", kEnergy, false, "best energy per conversion step at low speed",
     &T::envelope_walden},
    {"adc.envelope.walden_corner", kFrequency, false, "rate above which that energy grows",
     &T::envelope_walden_corner},
    {"adc.envelope.schreier", kDecibel, false, "best Schreier figure of merit at low speed",
     &T::envelope_schreier},
    {"adc.envelope.schreier_corner", kFrequency, false, "rate above which it falls",
     &T::envelope_schreier_corner},

    {"adc.survey.speed_intercept", kDecibel, true, "figure of merit at ln(rate in Hz) = 0",
     &T::survey_speed_intercept},
    {"adc.survey.speed_slope", kDecibel, true, "its change per unit of ln(rate in Hz)",
     &T::survey_speed_slope},
    {"adc.survey.limit_intercept", kDecibel, true, "largest figure of merit at 0 bits",
     &T::survey_limit_intercept},
    {"adc.survey.limit_slope", kDecibel, true, "its change per bit", &T::survey_limit_slope},
    {"adc.survey.energy_intercept", kNumber, true, "correction of ln(energy in pJ)",
     &T::survey_energy_intercept},
    {"adc.survey.energy_node", kNumber, true, "... per unit of ln(node in nm)", &T::survey_energy_node},
    {"adc.survey.energy_bits", kNumber, true, "... per unit of ln(bits)", &T::survey_energy_bits},
    {"adc.survey.energy_best", kNumber, true, "... from the mean to a good design", &T::survey_energy_best},
    {"adc.survey.fewest_bits", kNumber, false, "a converter of fewer bits costs as much as one of these",
     &T::survey_fewest_bits},
    {"adc.survey.area_intercept", kNumber, true, "ln(area in um2)", &T::survey_area_intercept},
    {"adc.survey.area_node", kNumber, true, "... per unit of ln(node in nm)", &T::survey_area_node},
    {"adc.survey.area_rate", kNumber, true, "... per unit of ln(rate in Hz)", &T::survey_area_rate},
    {"adc.survey.area_energy", kNumber, true, "... per unit of ln(energy in pJ)", &T::survey_area_energy},

    {"logic.adder_energy", kEnergy, false, "one full adder, per addition", &T::adder_energy},
    {"logic.register_energy", kEnergy, false, "one flip-flop, per clocked bit", &T::register_energy},
    {"logic.adder_area", kArea, false, "one full adder", &T::adder_area},
    {"logic.register_area", kArea, false, "one flip-flop", &T::register_area},

    {"buffer.energy", kEnergy, false, "activation buffer, per bit read or written", &T::buffer_energy},
    {"buffer.area", kArea, false, "buffer, per bit stored", &T::buffer_area},

    {"digital.multiply", kEnergy, false, "8 x 8-bit multiplication; A x B bits cost A*B/64 of it",
     &T::multiply_energy},
    {"digital.add", kEnergy, false, "32-bit addition", &T::add_energy},
    {"digital.weight_read", kEnergy, false, "weight memory, per bit read", &T::weight_energy},
    {"digital.lanes", kNumber, false, "multiply-accumulate units, each one MAC per cycle", &T::lanes},
    {"digital.lane_area", kArea, false, "one multiply-accumulate unit", &T::lane_area},
    {"digital.clock", kFrequency, false, "their clock", &T::clock},
};

}  // namespace

std::span<const CostEntry> cost_entries() {
  return kEntries;
}

}  // namespace sramsim
