// The processes of one `mpirun` or `srun`, for sweeps over several machines or devices. Without MPI, or
// started by itself, a process is alone: rank 0 of 1.
#pragma once

#include <string>
#include <utility>

namespace sramsim {

class Ranks {
 public:
  /// Initialises MPI only where a launcher started several processes: that takes a good part of a second.
  /// RunError if such a launcher is there, but this build has no MPI (each process would do all the work).
  Ranks();
  /// Finalises MPI. All ranks must get here.
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  int local_rank() const { return local_rank_; }  ///< among the ranks on this machine
  int local_size() const { return local_size_; }

  void send(int to, const std::string& message);
  /// Waits for a message of any rank without taking a core; throws Interrupted once the user asked to stop.
  std::pair<int, std::string> receive();  ///< sender and text
  /// Collective: the lowest rank that says it failed, or -1.
  int first_failure(bool failed);
  /// Ends all ranks: an error that the others cannot know of.
  [[noreturn]] void abort(int code);

 private:
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
};

/// Several processes that the environment of a launcher speaks of (OpenMPI, PMI, PMIx, Slurm step).
bool started_by_launcher();

}  // namespace sramsim
