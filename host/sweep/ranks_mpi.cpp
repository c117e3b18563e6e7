#include <mpi.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "host/sweep/ranks.h"
#include "host/util/interrupt.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr auto kLook = std::chrono::milliseconds(1);

}  // namespace

Ranks::Ranks() {
  if (!started_by_launcher()) return;
  if (MPI_Init(nullptr, nullptr) != MPI_SUCCESS) throw RunError("MPI cannot be initialised");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  MPI_Comm machine = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &machine);
  MPI_Comm_rank(machine, &local_rank_);
  MPI_Comm_size(machine, &local_size_);
  MPI_Comm_free(&machine);
}

Ranks::~Ranks() {
  int initialised = 0;
  MPI_Initialized(&initialised);
  if (initialised) MPI_Finalize();
}

void Ranks::send(int to, const std::string& message) {
  MPI_Send(message.data(), static_cast<int>(message.size()), MPI_CHAR, to, 0, MPI_COMM_WORLD);
}

std::pair<int, std::string> Ranks::receive() {
  // MPI_Recv would spin on a core that computes, and would not hear Ctrl-C.
  for (int there = 0;;) {
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &there, &status);
    if (there) {
      int size = 0;
      MPI_Get_count(&status, MPI_CHAR, &size);
      std::string message(static_cast<size_t>(size), '\0');
      MPI_Recv(message.data(), size, MPI_CHAR, status.MPI_SOURCE, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      return {status.MPI_SOURCE, std::move(message)};
    }
    throw_if_interrupted();
    std::this_thread::sleep_for(kLook);
  }
}

int Ranks::first_failure(bool failed) {
  if (size_ == 1) return failed ? 0 : -1;
  int mine = failed ? rank_ : size_, first = size_;
  MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  return first == size_ ? -1 : first;
}

void Ranks::abort(int code) {
  if (size_ > 1) MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

}  // namespace sramsim
