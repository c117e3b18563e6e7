// The built-in cost table. Sources name the publication that a number was taken from; "assumption" says that
// it is nobody's measurement.
#include "host/cost/cost_table.h"

namespace sramsim {
namespace {

constexpr std::string_view kText =
    R"toml(# Cost table of sramsim: every entry has a value, a unit and a source. An energy may be given as a capacitance C, which
# costs C*V^2 at process.supply. Nothing is scaled between technologies: an entry of another node counts as it stands.
name = "28 nm SRAM macro after published models"
adc_model = "murmann"   # murmann, envelope or survey

[process]
supply = { value = 0.9, unit = "V", source = "Sun, Houshmand, Verhelst, ICCAD 2023 (ZigZag-IMC), 28 nm parameters" }
node = { value = 28, unit = "nm", source = "Sun, Houshmand, Verhelst, ICCAD 2023 (ZigZag-IMC), 28 nm parameters" }

[array]
cell_area = { value = 0.127, unit = "um2", source = "6T cell of a 28 nm foundry process, Wu et al., VLSI Technology 2009" }
compute_area = { value = 0.614, unit = "um2", source = "one gate per cell, Sun et al., ICCAD 2023 (ZigZag-IMC): area of a NAND2" }
row_area = { value = 3.684, unit = "um2", source = "assumption: one flip-flop per bit, with the flip-flop of Sun et al., ICCAD 2023" }
bitline = { value = 0.35, unit = "fF", source = "Sun et al., ICCAD 2023 (ZigZag-IMC): half a NAND2 per cell, full swing, all cells of the column" }
wordline = { value = 0.35, unit = "fF", source = "Sun et al., ICCAD 2023 (ZigZag-IMC): half a NAND2 per cell" }
settle_time = { value = 0.0478, unit = "ns", source = "Sun et al., ICCAD 2023 (ZigZag-IMC): one gate delay; the bitline's share stands in adc.time_per_bit_row" }

[dac]
per_bit = { value = 50, unit = "fF", source = "Sun et al., ICCAD 2023 (ZigZag-IMC); single-bit inputs need no converter" }

[adc]
time_per_bit = { value = 0.640, unit = "ns", source = "Sun et al., ICCAD 2023 (ZigZag-IMC), fit to published 28 nm macros" }
time_per_bit_row = { value = 0.00653, unit = "ns", source = "Sun et al., ICCAD 2023 (ZigZag-IMC), fit to published 28 nm macros" }
area_zero_bits = { value = 16.07, unit = "um2", source = "Sun et al., ICCAD 2023 (ZigZag-IMC): 10^(1.206 - 0.0369 b) * 2^b um2" }
area_growth = { value = 1.8371, unit = "1", source = "Sun et al., ICCAD 2023 (ZigZag-IMC): 2 * 10^-0.0369" }

# E = k1*b + k2*4^b
[adc.murmann]
k1 = { value = 100, unit = "fF", source = "form: Murmann, IEEE TVLSI 29(1), 2021; constant: Sun et al., ICCAD 2023 (ZigZag-IMC)" }
k2 = { value = 0.001, unit = "fF", source = "form: Murmann, IEEE TVLSI 29(1), 2021; constant: Sun et al., ICCAD 2023 (ZigZag-IMC)" }

# The best converters ever published: the larger of the two bounds. A limit to compare with, not a design.
[adc.envelope]
walden = { value = 0.67, unit = "fJ", source = "Murmann, ADC Performance Survey 1997-2021: envelope of the Walden figure of merit, per conversion step" }
walden_corner = { value = 442, unit = "MHz", source = "Murmann, ADC Performance Survey 1997-2021: corner of that envelope" }
schreier = { value = 184.76, unit = "dB", source = "Murmann, ADC Performance Survey 1997-2021: envelope of the Schreier figure of merit" }
schreier_corner = { value = 31.9, unit = "MHz", source = "Murmann, ADC Performance Survey 1997-2021: corner of that envelope" }

# Regression over the survey, after Andrulis et al. Below about 5 bits the survey has few converters and the fit turns upwards.
[adc.survey]
speed_intercept = { value = 213.7806687, unit = "dB", source = "Andrulis, Chen, Lee, Emer, Sze, arXiv:2404.06553 (2024), published coefficients" }
speed_slope = { value = -2.8719030, unit = "dB", source = "Andrulis et al., arXiv:2404.06553 (2024), published coefficients" }
limit_intercept = { value = 128.3068287, unit = "dB", source = "Andrulis et al., arXiv:2404.06553 (2024), published coefficients" }
limit_slope = { value = 3.2205115, unit = "dB", source = "Andrulis et al., arXiv:2404.06553 (2024), published coefficients" }
energy_intercept = { value = 26.0496216, unit = "1", source = "Andrulis et al., arXiv:2404.06553 (2024), published coefficients" }
energy_node = { value = 1.8800369, unit = "1", source = "Andrulis et al., arXiv:2404.06553 (2024), published coefficients" }
energy_bits = { value = -2.8291256, unit = "1", source = "Andrulis et al., arXiv:2404.06553 (2024), published coefficients" }
energy_best = { value = -1.4702022, unit = "1", source = "Andrulis et al., arXiv:2404.06553 (2024), published coefficients" }
fewest_bits = { value = 5, unit = "1", source = "assumption: the fit has its minimum here; fewer bits cost as much" }
area_intercept = { value = 1.3461916, unit = "1", source = "Andrulis et al., arXiv:2404.06553 (2024), equation 1" }
area_node = { value = 0.9932795, unit = "1", source = "Andrulis et al., arXiv:2404.06553 (2024), equation 1" }
area_rate = { value = 0.1807154, unit = "1", source = "Andrulis et al., arXiv:2404.06553 (2024), equation 1" }
area_energy = { value = 0.2991243, unit = "1", source = "Andrulis et al., arXiv:2404.06553 (2024), equation 1" }

[logic]
adder_energy = { value = 4.2, unit = "fF", source = "Sun et al., ICCAD 2023 (ZigZag-IMC): 3 NAND2 and 2 XOR2" }
register_energy = { value = 2.1, unit = "fF", source = "Sun et al., ICCAD 2023 (ZigZag-IMC): a flip-flop is 3 NAND2 of capacitance" }
adder_area = { value = 4.789, unit = "um2", source = "Sun et al., ICCAD 2023 (ZigZag-IMC): 3 NAND2 and 2 XOR2" }
register_area = { value = 3.684, unit = "um2", source = "Sun et al., ICCAD 2023 (ZigZag-IMC): a flip-flop is 6 NAND2 of area" }

[buffer]
energy = { value = 0.15625, unit = "pJ", source = "Horowitz, ISSCC 2014: 10 pJ per 64-bit access of an 8 KB cache, 45 nm" }
area = { value = 0.254, unit = "um2", source = "assumption: cells of array.cell_area fill half of a memory" }

[digital]
multiply = { value = 0.2, unit = "pJ", source = "Horowitz, ISSCC 2014: 8-bit integer multiplication, 45 nm" }
add = { value = 0.1, unit = "pJ", source = "Horowitz, ISSCC 2014: 32-bit integer addition, 45 nm" }
weight_read = { value = 1.5625, unit = "pJ", source = "Horowitz, ISSCC 2014: 100 pJ per 64-bit access of a 1 MB cache, 45 nm" }
lanes = { value = 128, unit = "1", source = "assumption" }
lane_area = { value = 419, unit = "um2", source = "Dally, tutorial at NIPS 2015: 8-bit multiplier 282 um2 and 32-bit adder 137 um2, 45 nm" }
clock = { value = 1, unit = "GHz", source = "assumption" }
)toml";

}  // namespace

std::string_view default_cost_table_text() {
  return kText;
}

}  // namespace sramsim
