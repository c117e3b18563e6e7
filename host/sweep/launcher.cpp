#include <cstdlib>

#include "host/sweep/ranks.h"

namespace sramsim {

bool started_by_launcher() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"})
    if (const char* size = std::getenv(name)) return std::atoi(size) > 1;
  // srun with PMIx tells no size of its own kind; its step knows the number of tasks.
  if (std::getenv("PMIX_RANK") || std::getenv("PMI_RANK")) {
    const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
    return !tasks || std::atoi(tasks) > 1;
  }
  return false;
}

}  // namespace sramsim
