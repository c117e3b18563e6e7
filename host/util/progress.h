// Progress of a long loop on stderr: a bar on a terminal, an occasional plain line elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sramsim {

/// On a terminal the bar is redrawn at most ten times a second. Elsewhere (files, pipes, CI logs) a whole
/// line is printed every ten seconds and no escape code ever, so that short runs print nothing.
class Progress {
 public:
  /// `unit` is what is counted ("images"); `enabled` = false prints nothing.
  Progress(std::string label, std::string unit, int64_t total, bool enabled = true);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Cheap enough to call after every batch. `note` (a loss, a point's name) follows the numbers.
  void update(int64_t done, const std::string& note = "");
  /// The same where the total is known only now.
  void update(int64_t done, int64_t total) {
    total_ = total > 0 ? total : 1;
    update(done);
  }
  /// Removes the bar, so that what is printed next starts on a clean line. Called by the destructor.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_, unit_;
  int64_t total_;
  bool enabled_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point shown_ = start_;
};

/// "12 s", "3 min 05 s", "2 h 10 min".
std::string format_duration(double seconds);

}  // namespace sramsim
