#include "host/cost/adc_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/core/error.h"

namespace sramsim {
namespace {

/// Signal to noise and distortion of an ideal converter, dB.
double sndr(double bits) {
  return 20.0 * std::log10(2.0) * bits + 10.0 * std::log10(1.5);
}

/// Energy of a conversion with Schreier figure of merit `fom` in dB: fom = sndr + 10*log10(1 / (2*E)).
double schreier_energy(double fom, double bits) {
  return 0.5 * std::pow(10.0, (sndr(bits) - fom) / 10.0);
}

/// k1*b + k2*4^b: logic and comparator decide per bit, thermal noise asks for 4 times the capacitance per
/// bit.
double murmann_energy(const CostTable& t, int bits, double) {
  return t.energy(t.murmann_linear) * bits + t.energy(t.murmann_thermal) * std::pow(4.0, bits);
}

/// A0 * growth^b.
double fitted_area(const CostTable& t, int bits, double) {
  return t.adc_area_zero_bits.si * std::pow(t.adc_area_growth.si, bits);
}

/// Survey envelopes, each a first-order roll-off above its corner rate: Walden W*sqrt(1 + (f/fw)^2)*2^b and
/// Schreier S - 10*log10(sqrt(1 + (f/fs)^2)).
double envelope_energy(const CostTable& t, int bits, double time) {
  const double rate = 1.0 / time;
  const double step = t.energy(t.envelope_walden) * std::hypot(1.0, rate / t.envelope_walden_corner.si);
  const double fom =
      t.envelope_schreier.si - 10.0 * std::log10(std::hypot(1.0, rate / t.envelope_schreier_corner.si));
  return std::max(step * std::pow(2.0, bits), schreier_energy(fom, bits));
}

/// Andrulis et al.: the figure of merit is bounded by the rate and by the resolution; a regression over
/// node and resolution corrects the energy that follows from it, in pJ.
double survey_energy(const CostTable& t, int paid_bits, double time) {
  const double bits = std::max<double>(paid_bits, t.survey_fewest_bits.si);
  const double by_rate = t.survey_speed_intercept.si + t.survey_speed_slope.si * std::log(1.0 / time);
  const double by_bits = t.survey_limit_intercept.si + t.survey_limit_slope.si * bits;
  const double correction = t.survey_energy_intercept.si + t.survey_energy_best.si +
                            t.survey_energy_node.si * std::log(t.node.si * 1e9) +
                            t.survey_energy_bits.si * std::log(bits);
  return 1e-12 * schreier_energy(std::min(by_rate, by_bits), bits) * std::exp(correction);
}

/// Andrulis et al., equation 1: a power law in node, rate and energy. In um^2.
double survey_area(const CostTable& t, int bits, double time) {
  const double picojoule = survey_energy(t, bits, time) * 1e12;
  return 1e-12 * std::exp(t.survey_area_intercept.si + t.survey_area_node.si * std::log(t.node.si * 1e9) +
                          t.survey_area_rate.si * std::log(1.0 / time) +
                          t.survey_area_energy.si * std::log(picojoule));
}

constexpr AdcCostModel kModels[] = {
    {"murmann", "k1*b + k2*4^b after Murmann 2021, constants of a 28 nm model", murmann_energy, fitted_area},
    {"envelope", "the best converters of Murmann's ADC survey: a lower limit", envelope_energy, fitted_area},
    {"survey", "regression over Murmann's ADC survey after Andrulis et al. 2024", survey_energy, survey_area},
};

}  // namespace

std::span<const AdcCostModel> adc_cost_models() {
  return kModels;
}

const AdcCostModel& find_adc_cost_model(const std::string& name) {
  std::string names;
  for (const AdcCostModel& model : kModels) {
    if (name == model.name) return model;
    names += (names.empty() ? "" : ", ") + std::string(model.name);
  }
  throw InputError(fmt::format("unknown ADC cost model '{}', choose one of {}", name, names));
}

AdcCost adc_cost(const AdcCostModel& model, const CostTable& table, int bits, int rows) {
  const double time = bits * (table.adc_time_per_bit.si + rows * table.adc_time_per_bit_row.si);
  return {.energy = model.energy(table, bits, time), .area = model.area(table, bits, time), .time = time};
}

}  // namespace sramsim
