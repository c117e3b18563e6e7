// The options of the cost model: of `sramsim cost`, and of commands that share it.
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

}  // namespace sramsim
