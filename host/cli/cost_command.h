// sramsim cost, and the options of the cost model that other commands share with it.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "host/cost/cost.h"

namespace sramsim {

/// What hardware a cost is asked for; must outlive parsing.
struct CostFlags {
  ArrayGeometry geometry;
  std::string adc_cost;  ///< empty: the table's model
  std::string table;     ///< empty: the built-in one

  CostTable load() const;       ///< InputError naming --cost-table
  CostOptions options() const;  ///< without bit densities; InputError naming --adc-cost
};

/// --array-columns, --columns-per-adc, --adc-cost, --cost-table.
void add_cost_options(CLI::App& command, CostFlags& flags);

void add_cost_command(CLI::App& app);

}  // namespace sramsim
